"""Dashboards as files: what Grafana reads is what people edit, panels have their places, and Grafana finds its data and its password."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from openclaw_gitops.dashboards import FOLDER, GRID, SOURCE, Dashboard, Panel, read, stale, write
from openclaw_gitops.errors import CommandError
from tests.manifests.rendering import ENVIRONMENTS, ROOT, named, render

PAGES = read(ROOT)
VALUES = yaml.safe_load((ROOT / "platform/monitoring/values.yaml").read_text())["grafana"]


def models(page: Dashboard) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(page.text())["panels"]
    return panels


def test_what_grafana_reads_is_what_people_edit() -> None:
    assert stale(ROOT) == [], "run scripts/dashboards --write"


def test_a_change_is_written_once_and_a_file_without_a_dashboard_goes(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / SOURCE).write_text("well: {title: Well, panels: []}\n")
    (tmp_path / FOLDER / "old.json").write_text("{}\n")

    assert write(tmp_path) == [FOLDER / "old.json", FOLDER / "well.json"]
    assert write(tmp_path) == []
    assert [file.name for file in (tmp_path / FOLDER).iterdir()] == ["well.json"]


def test_a_misspelt_field_is_refused_with_the_file(tmp_path: Path) -> None:
    (tmp_path / SOURCE.parent).mkdir(parents=True)
    (tmp_path / SOURCE).write_text("well: {title: Well, panels: [{titel: x}]}\n")

    with pytest.raises(CommandError, match=r"dashboards\.yaml: .*titel"):
        read(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_panels_have_titles_of_their_own_and_do_not_overlap(page: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in models(page):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < GRID
        taken |= cells
    titles = [panel["title"] for panel in models(page)]
    assert len(set(titles)) == len(titles)
    assert all(panel["description"].endswith(".") for panel in models(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_queries_of_the_bot_name_the_chosen_namespace_and_a_role_s_page_its_role(page: Dashboard) -> None:
    for panel in page.panels:
        for query in panel.queries.values():
            selectors = re.findall(r"(?:openclaw|process)_\w+(\{[^}]*\})?", query)
            assert selectors or panel.cluster or re.search(r"openclaw:|ALERTS\{", query), (
                f"{panel.title} shows no metric"
            )
            assert all('namespace="$namespace"' in selector for selector in selectors), panel.title
            assert ("$role" in query) == page.role, panel.title


def test_a_number_takes_the_colour_of_the_highest_step_that_it_reaches() -> None:
    def steps(**values: Any) -> list[tuple[str, float | None]]:
        panel = Panel(title="t", kind="number", unit="s", means="m.", queries={}, **values)
        return [(step["color"], step["value"]) for step in panel.steps()]

    assert steps() == [("green", None)]
    assert steps(warn=1, bad=2) == [("green", None), ("yellow", 1), ("red", 2)]
    assert steps(warn=0.9, bad=0.5, less=True) == [("red", None), ("yellow", 0.5), ("green", 0.9)]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_grafana_finds_its_dashboards_and_its_password(environment: str) -> None:
    objects = render(ROOT / "platform/monitoring/overlays" / environment)
    [(provider, configmap)] = VALUES["dashboardsConfigMaps"].items()
    files = named(objects, "ConfigMap", configmap)["data"]
    folder = f"/var/lib/grafana/dashboards/{provider}"

    assert set(files) == {f"{page.name}.json" for page in PAGES}
    assert VALUES["grafana.ini"]["dashboards"]["default_home_dashboard_path"] == f"{folder}/well.json"
    [settings] = VALUES["dashboardProviders"]["dashboardproviders.yaml"]["providers"]
    assert settings["options"]["path"] == folder
    [source] = VALUES["datasources"]["datasources.yaml"]["datasources"]
    used = {target["datasource"]["uid"] for page in PAGES for panel in models(page) for target in panel["targets"]}
    assert used == {source["uid"]}

    secret = named(objects, "ExternalSecret", "grafana")["spec"]
    assert VALUES["admin"] == {"existingSecret": secret["target"]["name"]}
    assert set(secret["target"]["template"]["data"]) == {"admin-user", "admin-password"}
    assert "adminPassword" not in VALUES


def test_grafana_has_no_account_at_the_api_server() -> None:
    """The chart's sidecars would read ConfigMaps and Secrets of every namespace."""
    assert VALUES["automountServiceAccountToken"] is False
    assert VALUES["rbac"] == {"create": False}
    assert not any(part["enabled"] for part in VALUES["sidecar"].values())
