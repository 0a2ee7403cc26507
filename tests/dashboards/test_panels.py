"""Every panel that needs no cluster shows data: its queries are asked of a real Prometheus during a load run of the whole bot."""

from pathlib import Path

import pytest

from openclaw_gitops.dashboards import read
from tests.dashboards.measure import load_run
from tests.manifests.rendering import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # a busy machine is slow, not wrong

ZERO_WHEN_WELL = {
    ("well", "Alerts that fire"), ("well", "No agent can start"), ("well", "Redis in use"), ("well", "Oldest that waits"), ("well", "Age of the oldest"),
    ("spending", "Answers without a price"), ("role", "Answers without a price"),
    ("role", "Tried prompt: ended"), ("role", "Tried prompt: more harm"),
}  # fmt: skip
"""They must answer too, with a number."""


async def test_every_query_gives_data_after_a_load_run(tmp_path: Path) -> None:
    empty, zero, shown = [], [], 0
    async with load_run(tmp_path, messages=48, per_s=2) as run:
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
                shown += 1
    assert (empty, zero) == ([], [])
    assert shown > 35
