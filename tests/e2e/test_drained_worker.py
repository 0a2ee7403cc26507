"""A worker that is about to end, as `make machines-test` lets it: its task is answered on another, once.

OPENCLAW_DRAIN_NOTICE names a program that announces the end of the node in its argument; without one there is nothing to see here.
"""

import os
import subprocess

import pytest

from tests.e2e.cluster import pod_of, until
from tests.e2e.world import CLEAN, World

NOTICE = os.environ.get("OPENCLAW_DRAIN_NOTICE", "")


def node_of(job: str) -> str:
    """Where it runs; empty while it has no place, and when its pod has gone."""
    pod = pod_of(job) if job else None
    return str(pod["spec"].get("nodeName", "")) if pod else ""


@pytest.mark.skipif(not NOTICE, reason="needs machines whose end can be announced: make machines-test")
def test_a_task_on_a_worker_that_drains_is_answered_elsewhere(world: World) -> None:
    bot = world
    bot.is_well(within_s=300)  # several whole machines on one host take their time
    bot.pace(first_token_s=0.2, tokens_per_s=4.0, tokens=100)  # so long that the notice comes in the middle
    asked = bot.ask(bot.new_chat(), "what does a drained worker leave behind")
    first = bot.job(asked, within_s=120)
    node = node_of(first)
    assert node
    until(lambda: bot.calls(asked.question), within_s=60, what="a call of the model")

    subprocess.run([NOTICE, node], check=True, timeout=30)

    # The agents that wait on the same worker are told to go one after the other: one of them may take the task, and hand it back too.
    elsewhere = str(
        until(
            lambda: node_of(bot.task(asked, "job")) not in ("", node) and bot.task(asked, "job"),
            within_s=120,
            what="a claim on another worker",
        )
    )
    assert bot.answered(asked, within_s=120)
    assert bot.task(asked, "job") == elsewhere != first
    assert bot.verdict([asked]) == CLEAN
