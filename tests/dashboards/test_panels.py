"""Every panel that needs no cluster shows data: its queries are asked of a real Prometheus during a load run of the whole bot."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from openclaw_core.records import whole
from openclaw_core.store.run_records import RunRecord
from openclaw_gitops.dashboards import read
from tests.dashboards.measure import ROLE, load_run
from tests.manifests.rendering import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # a busy machine is slow, not wrong

ZERO_WHEN_WELL = {
    ("well", "Alerts that fire"), ("well", "No agent can start"), ("well", "Redis in use"), ("well", "Oldest that waits"), ("well", "Age of the oldest"),
    ("spending", "Answers without a price"), ("role", "Answers without a price"),
    ("role", "Tried prompt: ended"), ("role", "Tried prompt: more harm"),
}  # fmt: skip
"""They must answer too, with a number."""


def numbers_of(ended: Sequence[RunRecord]) -> Mapping[tuple[str, str], tuple[float, float]]:
    """By page and title: what a number has to be after these runs, and by how much it may differ, since `increase` estimates both ends of its range.

    An answer of another attempt is one answer.
    """
    answers = [run for run in ended if run.state == "closed"]
    of_role = [run for run in ended if run.role == ROLE]
    role_answers = [run for run in of_role if run.state == "closed"]
    share = len(answers) / len(ended)
    role_share = len(role_answers) / len(of_role)
    usd = sum(whole(run.micro_usd) for run in ended) / 1e6
    role_usd = sum(whole(run.micro_usd) for run in of_role) / 1e6
    warm = sum(run.warm == "1" for run in ended) / len(ended)
    return {
        ("well", "Brains that lead"): (1, 0),
        ("well", "Answered"): (share, 0.05),
        ("well", "Redis in use"): (0, 0.2),
        ("well", "Oldest that waits"): (0, 5),
        ("spending", "Dollars"): (usd, usd / 4),
        ("spending", "Dollars for 1000 answers"): (1000 * usd / len(answers), 250 * usd / len(answers)),
        ("spending", "Answers without a price"): (0, 0),
        ("spending", "Claims by waiting agents"): (warm, 0.2),
        ("role", "Answered"): (role_share, 0.1),
        ("role", "Answers"): (len(role_answers), len(role_answers) / 4),
        ("role", "Dollars for 1000 answers"): (1000 * role_usd / len(role_answers), 250 * role_usd / len(role_answers)),
        ("role", "Answers without a price"): (0, 0),
    }


async def test_every_query_gives_data_after_a_load_run_and_numbers_say_what_happened(tmp_path: Path) -> None:
    empty, zero, wrong, shown = [], [], [], 0
    async with load_run(tmp_path, messages=48, per_s=2) as run:
        wanted = dict(numbers_of(run.ended))
        for page in read(ROOT):
            for panel in page.panels:
                if panel.cluster:
                    continue
                lines = await run.answers(panel)
                values = [value for line in lines for _, value in line.points]
                if not values:
                    empty.append((page.name, panel.title))
                elif not any(values) and (page.name, panel.title) not in ZERO_WHEN_WELL:
                    zero.append((page.name, panel.title))
                if (expected := wanted.pop((page.name, panel.title), None)) and values != [
                    pytest.approx(expected[0], abs=expected[1])
                ]:
                    wrong.append((page.name, panel.title, values, expected))
                shown += 1
    assert (empty, zero, wrong, wanted) == ([], [], [], {})
    assert shown > 35
