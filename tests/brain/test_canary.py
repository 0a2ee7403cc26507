"""A role may try another prompt in a part of the chats: a chat is in or out by a hash, and no conversation changes its prompt."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw_brain.prompt_figures import PromptFigures
from openclaw_brain.queue.canary_watch import CanaryWatch
from openclaw_brain.queue.consumer import QueueConsumer
from openclaw_core.roles.canary import OUT, choose_prompt, is_inside
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.good_test import LOOKS
from openclaw_core.roles.snapshot import snapshot_of
from openclaw_core.roles.values import Canary, Role, Roles
from openclaw_core.store import Script
from openclaw_core.store.canaries import Canaries, TriedPrompt
from openclaw_core.store.feedback import FeedbackRecords
from openclaw_core.tasks.feedback import FeedbackKind
from openclaw_core.tasks.receipt import Receipt, digest
from openclaw_core.tasks.run_usage import RunUsage, usage_fields
from openclaw_core.tasks.task import Task, snapshot_digest, snapshot_json
from tests.core.store_world import World, task

SHIPPED = load_roles(Path("platform/openclaw/base"))
CODER = SHIPPED.roles["coder"]
NEXT = "You write code. You are being tried."


def trying(percent: float, prompt: str = NEXT) -> Role:
    return replace(CODER, canary=Canary(prompt=prompt, percent=percent))


# ---- the choice


@pytest.mark.parametrize("percent", [0.5, 5, 50])
def test_the_share_of_chats_is_what_was_asked_for(percent: float) -> None:
    inside = sum(is_inside(digest(NEXT), str(chat), percent) for chat in range(100_000))
    assert inside == pytest.approx(1000 * percent, rel=0.1)


def test_more_percent_adds_chats_and_another_prompt_is_tried_in_others() -> None:
    def chats(prompt: str, percent: float) -> set[int]:
        return {chat for chat in range(20_000) if is_inside(digest(prompt), str(chat), percent)}

    assert chats(NEXT, 5) < chats(NEXT, 10)
    assert len(chats(NEXT, 5) & chats("another", 5)) < 100, "1 in 400, as by chance"


@pytest.mark.parametrize(
    ("remembered", "begins", "inside"),
    [
        ("", True, True),
        (OUT, True, True),  # the conversation before was out, since it had begun before the canary did
        (digest(NEXT), False, True),
        (OUT, False, False),
        ("", False, False),  # the canary is new, and the conversation is not
        (digest("of another canary"), False, False),
    ],
)
def test_a_conversation_keeps_what_is_remembered_of_it(remembered: str, begins: bool, inside: bool) -> None:
    place = next(str(chat) for chat in range(1000) if is_inside(digest(NEXT), str(chat), 50))
    role = trying(50)
    assert role.canary is not None
    chosen = choose_prompt(role, role.canary, place=place, remembered=remembered, begins=begins)
    assert (chosen.role.prompt == NEXT) is inside
    assert chosen.remember == (digest(NEXT) if inside else OUT)


# ---- in the brain


class Chat:
    """One chat whose messages a consumer with a coder of its own hands over."""

    def __init__(self, world: World, chat: int) -> None:
        self.world, self.chat, self.n = world, chat, 0

    async def prompt_of_next(self, coder: Role) -> str:
        """The prompt with which the next message is answered."""
        self.n += 1
        one: Task = replace(task(self.n, chat=self.chat), role="coder")
        await self.world.ask(one)
        [task_id] = await self.world.lanes.release(cap=10, at_most=10, epoch=self.world.epoch)
        roles: Roles = replace(SHIPPED, roles={**SHIPPED.roles, "coder": coder})
        consumer = QueueConsumer(
            lanes=self.world.lanes, roles=roles, chat=None, classifier=None, pool_of=lambda _: "p", cap=10, epoch=self.world.epoch,
            canaries=Canaries(self.world.script),
        )  # fmt: skip
        await consumer._dispatch(task_id)
        run = await self.world.claim()
        await self.world.answered(run)
        await self.world.show_all()
        return run.snapshot.prompt


@pytest.fixture
async def inside(script: Script) -> Chat:
    """A chat that tries NEXT from 50 % on."""
    world = World(script)
    await world.lead()
    return Chat(world, next(n for n in range(1, 1000) if is_inside(digest(NEXT), str(n), 50)))


async def test_a_chat_inside_has_the_other_prompt_until_the_canary_is_taken_away(inside: Chat) -> None:
    assert [await inside.prompt_of_next(trying(50)) for _ in range(2)] == [NEXT, NEXT]
    assert await inside.prompt_of_next(CODER) == CODER.prompt


async def test_a_conversation_does_not_change_its_prompt(inside: Chat, script: Script) -> None:
    assert await inside.prompt_of_next(CODER) == CODER.prompt
    assert await inside.prompt_of_next(trying(50)) == CODER.prompt, "it had begun before the canary"
    await inside.world.effects({"op": "forget", "chat": str(inside.chat)})
    assert await inside.prompt_of_next(trying(50)) == NEXT, "/new begins another one"
    assert await inside.prompt_of_next(trying(0.001)) == NEXT, "fewer percent count for conversations that begin"


async def test_a_role_without_a_canary_remembers_nothing(inside: Chat, script: Script) -> None:
    await inside.prompt_of_next(CODER)
    chat = await script.redis.hgetall(script.keys("chat", inside.chat))
    assert not any(str(name).startswith("canary") for name in chat)


# ---- the watch


def watch(world: World, coder: Role, seen: dict[str, bool] | None = None) -> CanaryWatch:
    roles: Roles = replace(SHIPPED, roles={**SHIPPED.roles, "coder": coder})
    states = {} if seen is None else seen
    return CanaryWatch(
        canaries=Canaries(world.script),
        runs=world.runs,
        feedback=FeedbackRecords(world.script),
        roles=roles,
        epoch=world.epoch,
        on_state=states.__setitem__,
    )


def runs_of(prompt: str, state: str) -> dict[str, str]:
    """A run record of a coder whose snapshot has *prompt*."""
    snapshot = snapshot_of(replace(CODER, prompt=prompt))
    usage = RunUsage(model="m", receipt=Receipt(prompt=digest(prompt)))
    run = json.dumps(usage_fields(usage)) if state == "closed" else ""
    times = {"admitted_ms": "1000", "ended_ms": "2500", "micro_usd": "20"}
    return {"role": "coder", "state": state, "order": snapshot_digest(snapshot_json(snapshot)), "run": run} | times


async def ended(world: World, prompt: str, *states: str, ago_s: int = 0) -> None:
    for state in states:
        entry = f"{await Canaries(world.script).now_ms() - ago_s * 1000}-*" if ago_s else "*"
        fields = [part for pair in runs_of(prompt, state).items() for part in pair if part is not None]
        await world.script.read("XADD", world.script.keys("runs"), entry, *fields)


async def another_leads(world: World) -> None:
    await world.script.read("DEL", world.script.keys("leader"))
    await world.lead("another")


@pytest.fixture
async def world(script: Script) -> World:
    world = World(script)
    await world.lead()
    return world


@pytest.mark.parametrize("harm", ["failed", "cancelled"])
async def test_a_prompt_that_does_harm_is_ended_also_one_that_never_gives_an_answer(inside: Chat, harm: str) -> None:
    world, role, seen = inside.world, trying(50), dict[str, bool]()
    watching = watch(world, role, seen)
    await watching._look()
    assert seen == {"coder": False}
    for _ in range(15):
        await ended(world, CODER.prompt, "closed")
        await ended(world, NEXT, harm)
    await watching._look()
    assert seen == {"coder": True}
    assert await inside.prompt_of_next(role) == CODER.prompt
    another = trying(50, prompt="The next try.")
    await watch(world, another, seen)._look()
    assert seen == {"coder": False}, "a changed prompt is tried anew"


async def test_a_prompt_that_does_none_goes_on(world: World) -> None:
    seen: dict[str, bool] = {}
    watching = watch(world, trying(50), seen)
    await watching._look()
    for n in range(60):
        await ended(world, CODER.prompt, "failed" if n % 10 == 0 else "closed")
        await ended(world, NEXT, "failed" if n % 10 == 5 else "closed")
    await watching._look()
    assert seen == {"coder": False}


async def test_the_next_leader_counts_what_the_one_before_has_counted(world: World) -> None:
    seen: dict[str, bool] = {}
    await watch(world, trying(50), seen)._look()
    for _ in range(15):
        await ended(world, CODER.prompt, "closed")
        await ended(world, NEXT, "failed")
    await another_leads(world)
    await watch(world, trying(50), seen)._look()
    assert seen == {"coder": True}
    entry = await Canaries(world.script).of_role("coder")
    assert entry is not None
    assert (entry.prompt, entry.since, entry.ended, entry.good) == (digest(NEXT), "0", True, False)
    await another_leads(world)
    await watch(world, trying(50), seen)._look()
    assert seen == {"coder": True}, "what was ended stays so"


async def test_both_prompts_have_figures_and_a_third_one_has_none(world: World) -> None:
    figures = PromptFigures()
    watching = replace(watch(world, trying(50)), figures=figures)
    await watching._look()
    await ended(world, CODER.prompt, "closed", "failed")
    await ended(world, NEXT, "cancelled", "failed")
    await ended(world, "A third prompt.", "closed", "closed")
    await watching._look()
    runs = next(iter(figures.families()))
    labels = {tuple(one.labels.values()): one.value for one in runs.samples if one.value}
    own, tried = ("coder", "own", digest(CODER.prompt)), ("coder", "tried", digest(NEXT))
    assert labels == {(*own, "closed"): 1, (*own, "failed"): 1, (*tried, "cancelled"): 1, (*tried, "failed"): 1}


async def answered_with_feedback(world: World, prompt: str, *kinds: str, ago_s: int, n: int) -> None:
    """An answer that was shown so long ago, and the feedback that came 20 s later."""
    at_ms = await Canaries(world.script).now_ms() - ago_s * 1000
    fields = [part for pair in {**runs_of(prompt, "closed"), "task": f"u{n}"}.items() for part in pair]
    await world.script.read("XADD", world.script.keys("runs"), f"{at_ms}-{n}", *fields)
    for kind in kinds:
        row = ("task", f"u{n}", "kind", kind)
        await world.script.read("XADD", world.script.keys("feedback"), f"{at_ms + 20_000}-{n}", *row)


@pytest.mark.parametrize("kind", list(FeedbackKind))
async def test_bad_feedback_on_answers_ends_a_prompt_and_praise_does_not(world: World, kind: FeedbackKind) -> None:
    seen: dict[str, bool] = {}
    watching = watch(world, trying(50), seen)
    watching.figures = PromptFigures()
    await watching._look()
    for n in range(40, 0, -2):
        await answered_with_feedback(world, CODER.prompt, ago_s=200 + n, n=n)
        await answered_with_feedback(world, NEXT, kind, ago_s=199 + n, n=n - 1)
    await watching._look()
    assert seen == {"coder": kind is not FeedbackKind.UP}
    by_kind = next(one for one in watching.figures.families() if one.name == "openclaw_prompt_feedback")
    counted = {(one.labels["which"], one.labels["kind"]): one.value for one in by_kind.samples if one.value}
    assert counted == {("tried", kind.value): 20}


async def test_bad_feedback_keeps_a_prompt_from_being_good(world: World) -> None:
    watching = watch(world, trying(50))
    await watching._look()
    for n in range(2 * LOOKS[0], 0, -2):
        await answered_with_feedback(world, CODER.prompt, ago_s=1000 + n, n=10_000 - n)
        bad = ("down",) if n % 20 == 0 else ()
        await answered_with_feedback(world, NEXT, *bad, ago_s=1000 + n, n=10_001 - n)
    await watching._look()
    evidence = watching._watched["coder"].evidence
    assert (evidence.known.tried, evidence.known.harmed, evidence.good) == (LOOKS[0], 30, False)


async def test_bad_feedback_counts_as_soon_as_it_is_given(world: World) -> None:
    seen: dict[str, bool] = {}
    watching = watch(world, trying(50), seen)
    await watching._look()
    for n in range(40, 0, -2):
        await answered_with_feedback(world, CODER.prompt, ago_s=20, n=41 - n)
        await answered_with_feedback(world, NEXT, "down", ago_s=20, n=42 - n)
    await watching._look()
    assert seen == {"coder": True}, "no answer waits to be judged"


async def test_what_happened_before_the_canary_does_not_count(world: World) -> None:
    for _ in range(30):
        await ended(world, CODER.prompt, "closed")
        await ended(world, NEXT, "failed")
    seen: dict[str, bool] = {}
    await watch(world, trying(50), seen)._look()
    assert seen == {"coder": False}


async def test_an_entry_that_cannot_be_read_is_written_anew(world: World) -> None:
    await world.script.read("HSET", world.script.keys("canaries"), "coder", "no JSON")
    await watch(world, trying(50))._look()
    entry = await Canaries(world.script).of_role("coder")
    assert entry is not None
    assert not entry.ended


async def good_and_own(world: World, *, tried: int) -> None:
    """As many answers of either prompt, the newest last, all of two minutes ago: feedback on them has had its time."""
    for _ in range(tried):
        await ended(world, CODER.prompt, "closed", ago_s=120)
        await ended(world, NEXT, "closed", ago_s=120)


async def test_a_prompt_that_has_shown_no_harm_in_three_hundred_answers_is_good_and_its_figures_are_kept(
    world: World,
) -> None:
    watching = watch(world, trying(50))
    await watching._look()
    await good_and_own(world, tried=LOOKS[0] - 1)
    await watching._look()
    before = await Canaries(world.script).of_role("coder")
    assert before is not None
    assert not before.good
    await good_and_own(world, tried=1)
    await watching._look()
    entry = await Canaries(world.script).of_role("coder")
    assert entry is not None
    assert (entry.good, entry.ended, entry.own) == (True, False, digest(CODER.prompt))
    assert (entry.of_tried.runs, entry.of_tried.harmed, entry.of_tried.answered) == (LOOKS[0], 0, LOOKS[0])
    assert entry.of_tried.took_ms == 1500 * LOOKS[0]
    assert entry.of_own.micro_usd == 20 * LOOKS[0]
    assert entry.of_own.priced == LOOKS[0]
    assert await Canaries(world.script).all() == {"coder": entry}

    for _ in range(40):  # harm that comes later takes it back
        await ended(world, CODER.prompt, "closed")
        await ended(world, NEXT, "failed")
    await watching._look()
    entry = await Canaries(world.script).of_role("coder")
    assert entry is not None
    assert (entry.good, entry.ended) == (False, True)
    assert entry.of_tried.harmed == 40


async def test_a_good_prompt_is_judged_anew_where_the_own_prompt_has_changed(world: World) -> None:
    await watch(world, trying(50))._look()
    await good_and_own(world, tried=LOOKS[0])
    await watch(world, trying(50))._look()
    await another_leads(world)
    changed = replace(trying(50), prompt="You write code in another way.")
    await watch(world, changed)._look()
    entry = await Canaries(world.script).of_role("coder")
    assert entry == TriedPrompt(prompt=digest(NEXT), own=digest(changed.prompt), since=await world.runs.last_id())


async def test_what_was_ended_stays_so_where_the_own_prompt_has_changed(world: World) -> None:
    await watch(world, trying(50))._look()
    for _ in range(15):
        await ended(world, CODER.prompt, "closed")
        await ended(world, NEXT, "failed")
    await watch(world, trying(50))._look()
    await another_leads(world)
    await watch(world, replace(trying(50), prompt="You write code in another way."))._look()
    entry = await Canaries(world.script).of_role("coder")
    assert entry is not None
    assert (entry.ended, entry.own) == (True, digest(CODER.prompt))


async def test_an_entry_of_the_release_before_is_read_and_one_of_ours_has_what_that_release_reads(world: World) -> None:
    old = {"prompt": digest(NEXT), "since": "5-1", "ended": True}
    await world.script.read("HSET", world.script.keys("canaries"), "coder", json.dumps(old))
    entry = await Canaries(world.script).of_role("coder")
    assert entry == TriedPrompt(prompt=digest(NEXT), since="5-1", ended=True)
    await Canaries(world.script).keep("coder", entry, epoch=world.epoch)
    written = json.loads(await world.script.read("HGET", world.script.keys("canaries"), "coder"))
    assert old.items() <= written.items()
