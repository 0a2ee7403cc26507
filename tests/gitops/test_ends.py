"""Ends of life: warned of 90 days ahead, looked up again where there is no date, and bound to the version that is pinned."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from openclaw_gitops.__main__ import main
from openclaw_gitops.end_of_life import FILE, read_entries, warnings
from openclaw_gitops.errors import REFUSED
from tests.gitops.conftest import ROOT

TODAY = date(2026, 11, 29)


def row(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "name": "Store", "version": "9.1", "ends": date(2027, 6, 1), "source": "https://example.org/ends", "looked_up": TODAY,
        "pinned": [{"file": "pins.yaml", "text": "store:{version}."}],
    }  # fmt: skip
    return {key: value for key, value in (whole | changes).items() if value != "absent"}


def checkout(folder: Path, *rows: object, pins: str = "image: store:9.1.2\n") -> Path:
    (folder / "platform").mkdir(exist_ok=True)
    (folder / FILE).write_text(yaml.safe_dump(list(rows)))
    (folder / "pins.yaml").write_text(pins)
    return folder


@pytest.mark.parametrize(
    ("days_left", "said"),
    [(91, None), (90, "ends in 90 days"), (1, "ends in 1 day,"), (0, "ends in 0 days"), (-1, "ENDED on")],
)
def test_warns_ninety_days_ahead(tmp_path: Path, days_left: int, said: str | None) -> None:
    ends = TODAY + timedelta(days=days_left)
    [found] = read_entries(checkout(tmp_path, row(ends=ends)))

    warning = found.warning(TODAY)

    assert (warning is None) == (said is None)
    if said is not None and warning is not None:
        assert warning.startswith("Store 9.1 ")
        assert said in warning
        assert "pins.yaml" in warning
        assert "https://example.org/ends" in warning


@pytest.mark.parametrize(("age_days", "warned"), [(90, False), (91, True)])
def test_version_without_a_date_is_looked_up_again(tmp_path: Path, age_days: int, warned: bool) -> None:
    entry = row(ends=None, until="the next minor is out", looked_up=TODAY - timedelta(days=age_days))
    [found] = read_entries(checkout(tmp_path, entry))

    warning = found.warning(TODAY)

    assert (warning is not None) == warned
    assert warning is None or "the next minor is out" in warning


def test_the_earliest_end_comes_first(tmp_path: Path) -> None:
    late, early = row(name="Late", ends=TODAY + timedelta(days=50)), row(name="Early", ends=TODAY)

    assert [said.split()[0] for said in warnings(read_entries(checkout(tmp_path, late, early)), TODAY)] == [
        "Early",
        "Late",
    ]


def test_new_version_without_its_end_is_refused_with_both_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = checkout(tmp_path, row(), pins="image: store:9.2.0\n")

    assert main(["ends", "--today", "2026-11-29"], root=root) == REFUSED

    said = capsys.readouterr().err
    assert "pins.yaml" in said
    assert FILE in said


def test_warnings_do_not_fail_a_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = checkout(tmp_path, row(ends=TODAY))

    assert main(["ends", "--today", "2026-11-29"], root=root) == 0

    shown = capsys.readouterr()
    assert "*** Store 9.1 ends in 0 days" in shown.err
    assert "1 need a look" in shown.out


def test_issue_has_no_body_when_nothing_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = checkout(tmp_path, row())

    assert main(["ends", "--markdown", "--today", "2026-11-29"], root=root) == 0
    assert capsys.readouterr().out == ""
    assert main(["ends", "--markdown", "--today", "2027-05-31"], root=root) == 0
    assert capsys.readouterr().out.startswith("- Store 9.1 ends in 1 day,")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": "absent"}, "needs source"),
        ({"version": 9.1}, "needs version as text"),
        ({"ends": "2027"}, "needs ends as a date"),
        ({"ends": "Unknown"}, "null or unknown"),
        ({"ends": None}, "null and what ends it"),
        ({"ends": "absent"}, "either a date in ends"),
        ({"looked_up": "absent"}, "needs looked_up"),
        ({"pinned": []}, "needs pinned"),
        ({"pinned": [{"file": "pins.yaml", "text": "store"}]}, "{version}"),
        ({"end": "2027-01-01"}, "unknown keys: end"),
    ],
)
def test_entry_that_is_not_whole_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], said: str
) -> None:
    assert main(["ends"], root=checkout(tmp_path, row(**changes))) == REFUSED

    shown = capsys.readouterr().err
    assert said in shown
    assert f"{FILE}: entry 1 (Store)" in shown


def test_a_file_that_is_no_yaml_is_refused_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout(tmp_path) / FILE).write_text("- name: Store\n  source: it says: this\n")

    assert main(["ends"], root=tmp_path) == REFUSED
    assert f"{FILE}:2: " in capsys.readouterr().err


def test_what_nobody_has_looked_up_is_said_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = checkout(tmp_path, row(ends="unknown"))

    assert main(["ends", "--today", "2026-11-29"], root=root) == 0

    shown = capsys.readouterr()
    assert "*** Store 9.1: when it ends is UNKNOWN" in shown.err
    assert "https://example.org/ends" in shown.err
    assert "1 need a look" in shown.out


def test_unknown_says_nothing_of_what_would_end_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ends"], root=checkout(tmp_path, row(ends="unknown", until="x is out"))) == REFUSED
    assert "needs either a date" in capsys.readouterr().err


PINS: dict[str, tuple[str, str]] = {
    "charts and Argo CD": ("clusters/base/apps/*.yaml", r"^ *targetRevision: (?!main).*$"),
    "Terraform of the modules": ("terraform/**/versions.tf", r"^ *required_version = .*$"),
    "Terraform of the workflows": (".github/workflows/*.yaml", r"^ *terraform_version: .*$"),
    "runners": (".github/workflows/*.yaml", r"^ *runs-on: .*$"),
    "bases of our images": ("apps/*/Dockerfile", r"^ARG PYTHON_IMAGE=.*$"),
    "images of others": ("platform/**/*.yaml", r"^ *(?:- )?image: (?!openclaw-).*[:@].*$"),
    "what a master installs": ("terraform/modules/gitops/pins.yaml", r"^  (?:image|version): .*$"),
    "models of the roles": ("platform/openclaw/base/config/roles.yaml", r"[\w.-]+/[\w.-]*\d[\w.-]*"),
    "models that hear": ("packages/core/src/openclaw_core/environment.py", r"whisper-[\w.-]+[,\"]"),
    "keys of packages": ("terraform/modules/user-data/variables.tf", r'^  default     = "[0-9A-F]{40}"$'),
    "what nodes install": (
        "terraform/modules/user-data/variables.tf",
        r'^  default     = "(?:v?\d+\.\d+\.\d+(?:\.\d+)?"|[^"]*~debian).*$',
    ),
    "Kubernetes": ("terraform/environments/*/terraform.tfvars", r"^kubernetes_version = .*$"),
    "promised Python": ("pyproject.toml", r"^requires-python = .*$"),
    "promised stores": ("docs/redis.md", r"^\| (?:Redis|Valkey) [\d.]+ or newer"),
}
"""Where versions of others are pinned, and the lines that pin them."""
SAID_ELSEWHERE = {"DE15B14486CD377B9E876E1A234654DA9A296436"}
"""Kubernetes' key: its entry is bound to the day that stands in the same variable."""


@pytest.mark.parametrize("kind", PINS)
def test_everything_that_is_pinned_has_its_end_on_record(kind: str) -> None:
    """From the pins to the entries: what is new in the repository brings its own end, or says that nobody knows it."""
    pattern, line = PINS[kind]
    places = [place for end in read_entries(ROOT) for place in end.pinned]
    found = 0
    missing = []
    for file in sorted(ROOT.glob(pattern)):
        name = file.relative_to(ROOT).as_posix()
        # A chart's version says nothing without its file; what stands alike in many files is bound by its text.
        near = [place for place in places if place.file == name or "targetRevision" not in place.text]
        for pin in re.finditer(line, file.read_text(), re.MULTILINE):
            found += 1
            if not any(place.text in pin[0] for place in near) and not any(each in pin[0] for each in SAID_ELSEWHERE):
                missing.append(f"{name}: {pin[0].strip()}")

    assert found, f"no file says anything of {kind}: correct PINS"
    assert not missing, f"write their end into {FILE}, or `ends: unknown` and the page where it stands: {missing}"


def test_a_pin_without_an_entry_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    without = [end for end in read_entries(ROOT) if end.name != "metrics-server, chart"]
    monkeypatch.setitem(globals(), "read_entries", lambda _: without)

    with pytest.raises(AssertionError, match=r"metrics-server\.yaml: targetRevision"):
        test_everything_that_is_pinned_has_its_end_on_record("charts and Argo CD")


def test_each_of_our_versions_stands_where_it_is_pinned() -> None:
    found = read_entries(ROOT)

    assert [fault for end in found for fault in end.misplaced(ROOT)] == []
    assert {"Kubernetes", "Argo CD", "External Secrets", "Valkey"} <= {end.name for end in found}
