"""Ends of life: warned of 90 days ahead, looked up again where there is no date, and bound to the version that is pinned."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from openclaw_cli.gitops.__main__ import main
from openclaw_cli.gitops.ends import FILE, read, warnings
from openclaw_cli.gitops.stopping import REFUSED
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
    [found] = read(checkout(tmp_path, row(ends=ends)))

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
    [found] = read(checkout(tmp_path, entry))

    warning = found.warning(TODAY)

    assert (warning is not None) == warned
    assert warning is None or "the next minor is out" in warning


def test_the_earliest_end_comes_first(tmp_path: Path) -> None:
    late, early = row(name="Late", ends=TODAY + timedelta(days=50)), row(name="Early", ends=TODAY)

    assert [said.split()[0] for said in warnings(read(checkout(tmp_path, late, early)), TODAY)] == ["Early", "Late"]


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


def test_each_of_our_versions_stands_where_it_is_pinned() -> None:
    found = read(ROOT)

    assert [fault for end in found for fault in end.misplaced(ROOT)] == []
    assert {"Kubernetes", "Argo CD", "External Secrets", "Valkey"} <= {end.name for end in found}
