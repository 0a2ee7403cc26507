"""A worker that is about to end, as `make machines-test` lets it: its task is answered on another, once.

OPENCLAW_DRAIN_NOTICE names a program that announces the end of the node in its argument; without one there is nothing to see here.
"""

import os
import subprocess
from typing import Any

import pytest

from tests.e2e.cluster import pod_of, until
from tests.e2e.world import CLEAN, World

NOTICE = os.environ.get("OPENCLAW_DRAIN_NOTICE", "")


def node_of(job: str) -> str:
    def placed() -> Any:
        pod = pod_of(job)
        return pod and pod["spec"].get("nodeName")

    return str(until(placed, within_s=30, what=f"a node for {job}"))


@pytest.mark.skipif(not NOTICE, reason="needs machines whose end can be announced: make machines-test")
def test_a_task_on_a_worker_that_drains_is_answered_elsewhere(world: World) -> None:
    bot = world
    bot.is_well(within_s=300)  # several whole machines on one host take their time
    bot.pace(first_token_s=0.2, tokens_per_s=4.0, tokens=100)  # so long that the notice comes in the middle
    asked = bot.ask(bot.new_chat(), "what does a drained worker leave behind")
    first = bot.job(asked)
    node = node_of(first)
    until(lambda: bot.calls(asked.question), within_s=30, what="a call of the model")

    subprocess.run([NOTICE, node], check=True, timeout=30)
    second = str(
        until(
            lambda: bot.task(asked, "job") not in ("", first) and bot.task(asked, "job"),
            within_s=90,
            what="another claim",
        )
    )

    assert node_of(second) != node
    assert bot.answered(asked, within_s=90)
    assert bot.verdict([asked]) == CLEAN
