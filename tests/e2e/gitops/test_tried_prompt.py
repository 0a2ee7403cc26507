"""A canary with Argo CD, from its commit to the merge that takes it away: 1,000 chats write, the tried prompt does harm, the bot ends it."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from openclaw_core.roles.canary import is_inside
from openclaw_core.tasks.receipt import digest
from openclaw_gitops.canary_change import KUSTOMIZATION, PROMPTS, ROLES
from openclaw_gitops.canary_command import ask
from openclaw_gitops.canary_verdicts import State, read_verdicts
from openclaw_gitops.smoke import Settings
from tests.e2e.cluster import metric, ours, until
from tests.e2e.gitops import argocd
from tests.e2e.gitops.conftest import Delivery, secrets_for
from tests.e2e.world import CLEAN, Asked, World
from tests.fakes.second_bot import SecondBot

pytestmark = [pytest.mark.full, pytest.mark.timeout(1200)]
NEXT = "You write code. A marker of the tried prompt."
PERCENT, CHATS = 5, 1000
A_SECOND, OPEN_MAX = 4, 60
"""Messages a second, and how many may wait for an answer: people who write on, and no queue that hides what happens when."""
HARM_ENDS_WITHIN_S, HARM_ANSWERS_MAX = 120, 60
SECOND_TOKEN, GROUP = "5151:not-a-token-of-telegram-0000000000", -100200
OVERLAY = "platform/openclaw/overlays/staging/kustomization.yaml"


@dataclass
class TimeLine:
    """Seconds since the commit, printed as they become known."""

    began_s: float

    def tell(self, what: str, at_s: float | None = None) -> None:
        print(f"{(at_s or time.time()) - self.began_s:7.1f} s: {what}", flush=True)


def commit_canary(delivery: Delivery) -> str:
    """What a pull request brings that tries a prompt; beside it the second bot is let in."""
    fork = delivery.fork
    (fork.root / PROMPTS / "coder-next.md").write_text(NEXT)
    line = "    prompt: coder.md\n"
    canary = f"    canary: {{prompt: coder-next.md, percent: {PERCENT}}} # since today\n"
    fork.change(ROLES, lambda text: text.replace(line, line + canary, 1))
    entry = "      - prompts/coder.md\n"
    fork.change(KUSTOMIZATION, lambda text: text.replace(entry, f"{entry}      - prompts/coder-next.md\n", 1))
    return fork.commit("Try another prompt in 5 % of the chats")


def people_write(bot: World) -> list[Asked]:
    """One question in each of CHATS new chats."""
    asked: list[Asked] = []
    calls = bot.standins.model.calls
    before, began = len(calls), time.monotonic()
    while len(asked) < CHATS:
        chat = bot.new_chat()
        asked.append(bot.ask(chat, f"question of chat {chat}"))
        time.sleep(max(0.0, began + len(asked) / A_SECOND - time.monotonic()))
        while len(asked) - len({call.user_digest for call in calls[before:] if call.end_s}) >= OPEN_MAX:
            time.sleep(0.2)
    return asked


def event(name: str) -> dict[str, Any]:
    """The newest line of this event in the brain's log; empty if there is none."""
    lines = ours("logs", "deployment/brain", "--tail=-1").splitlines()
    found = [json.loads(line) for line in lines if f'"event":"{name}"' in line]
    return found[-1] if found else {}


def test_a_canary_that_does_harm_ends_by_itself_and_its_pull_request_takes_it_out_of_git(
    delivery: Delivery, tmp_path: Path
) -> None:
    bot, fork = delivery.bot, delivery.fork
    if "staging-openclaw" not in argocd.applications():  # run alone
        commit = delivery.bump(0)
        delivery.apply_roots()
        secrets_for("staging")
        delivery.is_well(commit, within_s=240)
    fork.change(OVERLAY, lambda text: text.replace("SMOKE_BOT_IDS=", f"SMOKE_BOT_IDS={SECOND_TOKEN.partition(':')[0]}"))
    # A Job for each of a thousand answers would measure the start of Jobs on two cores.
    fork.change(KUSTOMIZATION, lambda text: text.replace("TASKS_PER_JOB=1\n", "TASKS_PER_JOB=20\n"))
    before = fork.commit("Let the second bot ask, and an agent answer twenty times")
    bot.pace(first_token_s=0.2, tokens_per_s=200.0, tokens=60)
    bot.standins.do(lambda: bot.standins.model.faults.next("unauthorized", times=None, prompt=NEXT))
    bot.standins.do(lambda: SecondBot(bot.standins.api, token=SECOND_TOKEN))
    bot.standins.do(lambda: bot.standins.api.users.add_group(GROUP, title="Smoke"))

    commit, line = commit_canary(delivery), TimeLine(time.time())
    delivery.is_well(commit, within_s=180)
    line.tell("synced, and the new brain leads")

    asked = people_write(bot)
    line.tell(f"{len(asked)} chats have written")
    bot.settled(asked, within_s=240)
    line.tell("each has its answer or was told why not")

    tried = [call for call in list(bot.standins.model.calls) if NEXT in str(call.messages[0].get("content"))]
    ended = event("canary.ended")
    ended_s = datetime.fromisoformat(ended["at"]).timestamp()
    first_s, last_s = tried[0].wall_s, tried[-1].wall_s
    until_end = len({call.user_digest for call in tried if call.wall_s <= ended_s})
    line.tell("the tried prompt's first harm", first_s)
    line.tell(f"ended by the brain, after {ended['answers']} answers with the tried prompt that it has seen", ended_s)
    line.tell(
        f"the last time that the model is asked by it; {until_end} answers until the end, {len({one.user_digest for one in tried})} in all",
        last_s,
    )
    inside = [one for one in asked if is_inside(digest(NEXT), str(one.chat_id), PERCENT)]
    told = [one for one in asked if bot.told(one)]
    print(f"{len(inside)} of {len(asked)} chats are inside; {len(told)} were told of a failure, all of them inside")

    assert bot.verdict(asked) == CLEAN
    assert {one.chat_id for one in told} <= {one.chat_id for one in inside}
    assert len(told) < len(inside), "the last of them have the role's own prompt again"
    assert ended_s - first_s <= HARM_ENDS_WITHIN_S
    assert until_end <= HARM_ANSWERS_MAX
    assert last_s - ended_s < 15, "what was handed over before is answered"
    assert any(one.startswith('openclaw_canary_ended{role="coder"} 1') for one in metric("openclaw_canary_ended"))

    answer, into = tmp_path / "answer.txt", tmp_path / "proposal"
    username = str(bot.standins.api.state.bot["username"])
    asking = Settings(token=SECOND_TOKEN, chat_id=GROUP, target=username, base_url=bot.standins.api.url)
    answer.write_text(ask(asking, within_s=60))
    [verdict] = read_verdicts(answer.read_text())
    assert (verdict.role, verdict.state, verdict.tried) == ("coder", State.ENDED, digest(NEXT))
    line.tell("the second bot has asked and knows it")

    fork.git("switch", "--quiet", "--create", "canaries")
    done = fork.script("canary-change", str(answer), "--into", str(into))
    assert done.returncode == 0, done.stderr
    fork.commit((into / "title.txt").read_text())
    line.tell(f"proposed: {(into / 'title.txt').read_text()}")
    print((into / "body.md").read_text())
    assert fork.git("diff", "--stat", before, "canaries") == "", "all that the canary brought is gone"
    fork.git("switch", "--quiet", "main")
    fork.git("merge", "--quiet", "--no-ff", "--no-edit", "canaries")
    line.tell("merged")

    delivery.is_well(fork.head(), within_s=180)
    line.tell("synced, and the brain without a canary leads")
    until(lambda: not metric("openclaw_canary_ended{"), within_s=60, what="no word of a canary")
    again = bot.ask(inside[0].chat_id, "is it over?")
    bot.answered(again)
    assert NEXT not in str(bot.calls(again.question)[0].messages[0]["content"])
