"""The bot while Kubernetes is upgraded below it, as `make machines-upgrade` does it: every question is answered, once.

OPENCLAW_UPGRADE_FOLDER is where both talk: the file `asking` appears when the bot is asked, and the file `upgraded` ends that; `figures` is
what came of it.
"""

import json
import os
import time
from pathlib import Path

import pytest

from tests.e2e.world import CLEAN, Asked, World

FOLDER = os.environ.get("OPENCLAW_UPGRADE_FOLDER", "")
EVERY_S = 2.0
LOOK_S = 0.5
OPEN_CAP = 40
"""No more are asked while so many wait: a host that is too slow for the bot would only show how long a queue can get."""
CHATS = 12


@pytest.mark.timeout(5400)
@pytest.mark.skipif(not FOLDER, reason="needs machines that are upgraded meanwhile: make machines-upgrade")
def test_an_upgrade_of_kubernetes_loses_no_message_and_answers_none_twice(world: World) -> None:
    bot, folder = world, Path(FOLDER)
    bot.is_well(within_s=300)  # several whole machines on one host take their time
    bot.pace(first_token_s=0.2, tokens_per_s=40.0, tokens=60)  # so long that there is always an answer on its way
    chats = [bot.new_chat() for _ in range(CHATS)]
    began = time.monotonic()
    asked: list[Asked] = []
    open_: list[Asked] = []
    waits: list[tuple[float, float]] = []

    def look() -> None:
        for one in list(open_):
            if bot.answers(one) or bot.told(one):
                open_.remove(one)
                waits.append((round(time.monotonic() - one.at_s, 1), round(one.at_s - began, 1)))

    (folder / "asking").write_text(json.dumps({"every_s": EVERY_S, "at": time.time()}))
    while not (folder / "upgraded").exists():
        if len(open_) < OPEN_CAP:
            asked.append(bot.ask(chats[len(asked) % CHATS], f"what does upgrade number {len(asked)} change"))
            open_.append(asked[-1])
        until_next = time.monotonic() + EVERY_S
        while time.monotonic() < until_next:
            look()
            time.sleep(LOOK_S)
        done = [one for one in asked if one not in open_]
        so_far = {"asked": len(asked), "open": len(open_), "newest": asked.index(done[-1]) if done else -1}
        (folder / "so-far.new").write_text(json.dumps(so_far))
        (folder / "so-far.new").rename(folder / "so-far")
    deadline = time.monotonic() + 900
    while open_ and time.monotonic() < deadline:
        look()
        time.sleep(LOOK_S)
    waits.sort()
    found = bot.verdict(asked)
    told = [one.question for one in asked if bot.told(one)]
    figures = {
        "asked": len(asked),
        "answered": sum(bool(bot.answers(one)) for one in asked),
        "told": len(told),
        "lost": len(found["lost"]),
        "twice": len(found["twice"]),
        "out_of_order": len(found["order"]),
        "median_s": waits[len(waits) // 2][0],
        "longest_s": waits[-1][0],
        "longest_at_s": waits[-1][1],
        "over_10_s": sum(wait > 10 for wait, _ in waits),
        "waits": sorted(waits, key=lambda wait: wait[1]),
    }
    (folder / "figures").write_text(json.dumps(figures))
    assert found == CLEAN
    assert told == []
