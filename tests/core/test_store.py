"""The atomic steps, against a real server: each guarantee of the path of a message, one by one."""

import asyncio
from collections.abc import Mapping

import pytest

from openclaw_core.errors import BadTask, LostOwnership, StoreFull, StoreMisconfigured, StoreUnavailable
from openclaw_core.outcome import Cause, Delivery, TaskState
from openclaw_core.store import (
    Answers,
    Claimed,
    Flood,
    Inbox,
    Lanes,
    Notices,
    Pools,
    RedisSettings,
    Runs,
    Script,
    open_script,
)
from openclaw_core.store.flood import Priority
from openclaw_core.task import Order, Task, to_json
from tests.redis_server import RedisServer

CAPS = {"chat_cap": 20, "total_cap": 5000}
ORDER = Order(role="coder", prompt="p", prompt_sha256="0", models=("m",))


def task(n: int, chat: int = 1, text: str = "hello") -> Task:
    return Task(
        id=f"u{n}",
        chat_id=chat,
        chat_kind="private",
        user_id=9,
        message_id=100 + n,
        update_id=n,
        lang="en",
        text=text,
        admitted_ms=1,
    )


def effect(one: Task) -> dict[str, str]:
    return {
        "op": "task", "id": one.id, "record": to_json(one), "chat": str(one.chat_id), "chat_kind": "private", "lang": "en",
        "message_id": str(one.message_id), "user": "9", "admitted_ms": "1",
    }  # fmt: skip


class World:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.inbox, self.lanes, self.pools, self.notices, self.runs = (
            Inbox(script),
            Lanes(script),
            Pools(script),
            Notices(script),
            Runs(script),
        )
        self.agent = Answers(script, pool="p", job="job-1")
        self.epoch = 0

    async def lead(self, holder: str = "me") -> int:
        self.epoch = await self.inbox.take_lead(holder, ttl_s=8)
        return self.epoch

    async def ask(self, *tasks: Task) -> None:
        for one in tasks:
            await self.inbox.admit([("inbox", {"update_id": one.update_id})], offset=None, epoch=self.epoch)
            [*_, entry] = await self.inbox.waiting("inbox")
            await self.inbox.handle("inbox", [(entry.entry_id, [effect(one)])], epoch=self.epoch, **CAPS)

    async def effects(self, *effects: Mapping[str, object]) -> None:
        n = 10_000 + await self.inbox.length("control")
        await self.inbox.admit(
            [("control", {"update_id": n + hash(str(effects)) % 10**6})], offset=None, epoch=self.epoch
        )
        [*_, entry] = await self.inbox.waiting("control")
        await self.inbox.handle("control", [(entry.entry_id, list(effects))], epoch=self.epoch, **CAPS)

    async def dispatch(self, one: Task) -> bool:
        return await self.lanes.dispatch(
            one.ordered(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0, epoch=self.epoch
        )

    async def claimed(self, one: Task) -> Claimed:
        await self.ask(one)
        assert await self.lanes.release(cap=10, at_most=10, epoch=self.epoch) == [one.id]
        await self.lanes.save_context(one, epoch=self.epoch)
        assert await self.dispatch(one)
        claimed = await self.agent.claim()
        assert claimed is not None
        return claimed

    async def state(self, one: Task) -> str | None:
        return (await self.lanes.fields([one.id], "state"))[0]["state"]


@pytest.fixture
async def world(script: Script) -> World:
    world = World(script)
    await world.lead()
    return world


async def test_update_delivered_twice_is_admitted_once(world: World) -> None:
    assert (
        await world.inbox.admit([("inbox", {"update_id": 7}), ("inbox", {"update_id": 7})], offset=8, epoch=world.epoch)
        == 1
    )
    assert await world.inbox.admit([("inbox", {"update_id": 7})], offset=8, epoch=world.epoch) == 0
    assert await world.inbox.length("inbox") == 1
    assert await world.inbox.offset() == 8


async def test_entry_leaves_the_stream_with_its_effects_and_a_repeat_does_nothing(world: World) -> None:
    await world.inbox.admit([("inbox", {"update_id": 1})], offset=None, epoch=world.epoch)
    [entry] = await world.inbox.waiting("inbox")
    for _ in range(2):
        await world.inbox.handle("inbox", [(entry.entry_id, [effect(task(1))])], epoch=world.epoch, **CAPS)
    assert await world.inbox.length("inbox") == 0
    assert await world.lanes.waiting_in(1) == ["u1"]


async def test_an_old_leader_is_refused_everywhere(world: World) -> None:
    old = world.epoch
    await world.inbox.give_up_lead("me")
    assert await world.lead("other") > old
    with pytest.raises(LostOwnership):
        await world.inbox.admit([("inbox", {"update_id": 1})], offset=None, epoch=old)
    with pytest.raises(LostOwnership):
        await world.lanes.release(cap=1, at_most=1, epoch=old)
    with pytest.raises(LostOwnership):
        await world.pools.new_job("p", "agent", epoch=old)


async def test_the_lead_cannot_be_taken_while_it_is_held_and_keeping_it_keeps_the_epoch(world: World) -> None:
    assert await world.inbox.take_lead("other", ttl_s=8) == 0
    assert await world.inbox.take_lead("me", ttl_s=8) == world.epoch


async def test_one_task_of_a_chat_runs_and_chats_take_turns(world: World) -> None:
    await world.ask(task(1, 1), task(2, 1), task(3, 1), task(4, 2))
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u1", "u4"]
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == []
    assert await world.lanes.fail("u1", Cause.CRASH, epoch=world.epoch)
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u2"]


async def test_no_more_tasks_are_out_than_the_cap(world: World) -> None:
    await world.ask(*(task(n, chat=n) for n in range(1, 6)))
    assert len(await world.lanes.release(cap=3, at_most=10, epoch=world.epoch)) == 3
    assert await world.lanes.release(cap=3, at_most=10, epoch=world.epoch) == []


async def test_a_chat_over_its_cap_is_told_and_nothing_is_queued(world: World) -> None:
    await world.ask(*(task(n) for n in range(1, 23)))
    assert len(await world.lanes.waiting_in(1)) == 20
    assert [notice.kind for notice in await world.notices.waiting()] == ["full", "full"]


async def test_a_turn_is_remembered_once_and_only_the_last_ten_are_kept(world: World) -> None:
    for n in range(12):
        await world.lanes.save_context(task(n, text=f"turn {n}"), epoch=world.epoch)
        await world.lanes.save_context(task(n, text=f"turn {n}"), epoch=world.epoch)
    history = await world.lanes.history(1)
    assert [turn.text for turn in history] == [f"turn {n}" for n in range(2, 12)]


async def test_a_conversation_is_forgotten_a_day_after_its_last_turn(world: World) -> None:
    await world.lanes.save_context(task(1), epoch=world.epoch)
    left_s = int(await world.script.read("TTL", world.script.keys("turns", 1)))
    assert 24 * 3600 - 600 < left_s <= 24 * 3600


async def test_a_task_has_one_owner_and_a_late_write_of_another_attempt_is_refused(world: World) -> None:
    first = await world.claimed(task(1))
    assert await world.agent.claim() is None
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
    second = await Answers(world.script, pool="p", job="job-2").claim()
    assert second is not None
    assert second.attempt > first.attempt
    with pytest.raises(LostOwnership):
        await world.agent.answered(first, {"pages": []}, {})
    with pytest.raises(LostOwnership):
        await world.agent.intent(first, 0)


async def test_two_losses_before_the_answer_fail_the_task_and_its_user_is_told(world: World) -> None:
    await world.claimed(task(1))
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
    assert await world.agent.claim() is not None
    assert await world.pools.lost("u1", Cause.OUT_OF_MEMORY, epoch=world.epoch) == "failed"
    [notice] = await world.notices.waiting()
    assert (notice.kind, notice.args["cause"]) == ("failed", "out_of_memory")
    [run] = await world.runs.newest(count=10)
    assert (run.fields["state"], run.fields["cause"]) == ("failed", "out_of_memory")
    assert (await world.lanes.history(1))[0].note == "failed"


async def test_a_loss_after_the_answer_stands_uses_up_no_try_and_keeps_the_answer(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.agent.answered(claimed, {"pages": [{"text": "hi"}], "files": [], "answer": "hi"}, {})
    for _ in range(3):
        assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == "requeued"
        again = await world.agent.claim()
        assert again is not None
        assert again.outbox is not None
        assert again.outbox["answer"] == "hi"


async def test_handing_back_uses_up_no_try(world: World) -> None:
    claimed = await world.claimed(task(1))
    for _ in range(5):
        assert await world.agent.hand_back(claimed)
        again = await world.agent.claim()
        assert again is not None
        claimed = again
    assert (await world.lanes.fields(["u1"], "tries"))[0]["tries"] == "0"


async def test_stop_refuses_claim_hand_back_and_requeue(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    assert await world.state(task(1)) == "cancelled"
    assert await world.agent.renew(claimed) is TaskState.CANCELLED
    assert not await world.agent.hand_back(claimed)
    assert await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch) == ""
    [notice] = await world.notices.waiting()
    assert notice.args["stopped"] == 1


async def test_stop_takes_waiting_and_ready_tasks_and_frees_the_lane(world: World) -> None:
    await world.ask(task(1), task(2))
    await world.lanes.release(cap=10, at_most=10, epoch=world.epoch)
    await world.dispatch(task(1))
    await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    assert await world.agent.claim() is None
    assert await world.lanes.waiting() == 0
    await world.ask(task(3))
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u3"]


async def test_stop_after_the_answer_stands_comes_too_late(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.agent.answered(claimed, {"pages": []}, {})
    await world.effects({"op": "stop", "key": "s", "chat": "1", "lang": "en"})
    [notice] = await world.notices.waiting()
    assert notice.args == {"stopped": 0, "waiting": 0, "late": 1}
    assert await world.state(task(1)) == "answered"


async def test_stop_of_another_chats_task_does_nothing(world: World) -> None:
    await world.claimed(task(1))
    await world.effects({"op": "stop", "key": "s", "chat": "2", "task": "u1", "lang": "en"})
    assert await world.state(task(1)) == "running"


async def test_close_stores_the_answer_frees_the_lane_and_records_the_run(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.ask(task(2))
    await world.agent.answered(claimed, {"pages": [], "files": [], "answer": "42"}, {"model": "m"})
    await world.agent.close(claimed, answer="42", role="coder", delivery=Delivery.DELIVERED)
    assert [(turn.speaker, turn.text) for turn in await world.lanes.history(1)] == [
        ("user", "hello"),
        ("assistant", "42"),
    ]
    assert await world.lanes.release(cap=10, at_most=10, epoch=world.epoch) == ["u2"]
    [run] = await world.runs.newest(count=10)
    assert (run.fields["state"], run.fields["delivery"], run.fields["role"]) == ("closed", "delivered", "coder")


async def test_new_forgets_and_an_answer_that_was_under_way_stays_forgotten(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.effects({"op": "forget", "chat": "1"})
    await world.agent.answered(claimed, {"pages": []}, {})
    await world.agent.close(claimed, answer="42", role="coder", delivery=Delivery.DELIVERED)
    assert await world.lanes.history(1) == ()


async def test_one_retry_for_each_finished_task(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.agent.give_up(claimed, Cause.MODEL_DOWN)
    again = {**effect(task(1)), "op": "retry", "id": "u1r", "task": "u1", "key": "r1", "kind": "retry"}
    await world.effects(again)
    await world.effects({**again, "key": "r2"})
    assert await world.lanes.waiting_in(1) == ["u1r"]
    assert [notice.kind for notice in await world.notices.waiting()] == ["failed", "retry_twice"]


async def test_an_edit_changes_a_waiting_message_only(world: World) -> None:
    await world.ask(task(1), task(2))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    for n in (1, 2):
        edited = to_json(task(50 + n, text="better words"))
        await world.effects(
            {"op": "edited", "key": f"e{n}", "chat": "1", "lang": "en", "message_id": str(100 + n), "record": edited}
        )
    records = await world.lanes.fields(["u1", "u2"], "record")
    assert "better" not in (records[0]["record"] or "")
    assert "better words" in (records[1]["record"] or "")
    assert '"id":"u2"' in (records[1]["record"] or "")
    assert [notice.kind for notice in await world.notices.waiting()] == ["edit_late", "edit_taken"]


async def test_a_retired_job_claims_nothing_and_a_claimed_one_is_not_retired(world: World) -> None:
    await world.agent.check_in()
    assert await world.pools.retire("p", "job-1")
    assert not await world.agent.check_in()
    with pytest.raises(LostOwnership):
        await world.agent.claim()
    other = Answers(world.script, pool="p", job="job-2")
    await world.ask(task(1))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    await world.dispatch(task(1))
    assert await other.claim() is not None
    assert not await world.pools.retire("p", "job-2")


async def test_a_slot_keeps_its_message_over_attempts(world: World) -> None:
    claimed = await world.claimed(task(1))
    assert await world.agent.intent(claimed, 0) is None
    await world.agent.reserved(claimed, 0, 555)
    await world.pools.lost("u1", Cause.CRASH, epoch=world.epoch)
    again = await world.agent.claim()
    assert again is not None
    assert await world.agent.intent(again, 0) == 555


async def test_a_failure_is_edited_into_the_tasks_own_message(world: World) -> None:
    claimed = await world.claimed(task(1))
    await world.agent.reserved(claimed, 0, 555)
    await world.agent.give_up(claimed, Cause.MODEL_DOWN)
    [notice] = await world.notices.waiting()
    assert await world.notices.intent(notice.key, epoch=world.epoch) == 555
    await world.notices.done(notice.key, Delivery.DELIVERED, epoch=world.epoch)
    assert await world.notices.waiting() == []
    assert (await world.lanes.fields(["u1"], "delivery"))[0]["delivery"] == "delivered"


async def test_alone_runs_once_and_adds_the_turn_only_if_it_is_not_the_newest(world: World) -> None:
    await world.lanes.save_context(task(1, text="same words"), epoch=world.epoch)
    alone = Answers(world.script)
    one = task(2, text="same words")
    claimed = await alone.claim_alone(one)
    assert claimed is not None
    assert [turn.text for turn in await world.lanes.history(1)] == ["same words"]
    assert await alone.history(claimed) == ()
    await alone.answered(claimed, {"pages": []}, {})
    await alone.close(claimed, answer="a", role="coder", delivery=Delivery.DELIVERED)
    assert await alone.claim_alone(one) is None


async def test_an_unreadable_record_ends_as_bad_task(world: World) -> None:
    await world.ask(task(1))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    await world.dispatch(task(1))
    await world.script.read("HSET", world.script.keys("task", "u1"), "record", '{"v":99}')
    with pytest.raises(BadTask):
        await world.agent.claim()
    await world.agent.give_up_unreadable()
    assert [notice.args["cause"] for notice in await world.notices.waiting()] == ["bad_task"]


async def test_leases_run_out_by_the_servers_clock(world: World) -> None:
    short = Answers(world.script, pool="p", job="j", lease_s=0.01)
    await world.ask(task(1))
    await world.lanes.release(cap=1, at_most=1, epoch=world.epoch)
    await world.dispatch(task(1))
    claimed = await short.claim()
    assert claimed is not None
    while not await world.pools.overdue():
        pass
    assert await world.pools.overdue() == ["u1"]
    long = Answers(world.script, pool="p", job="j", lease_s=60)
    assert await long.renew(claimed) is None
    assert await world.pools.lost("u1", Cause.AGENT_LOST, only_overdue=True, epoch=world.epoch) == ""


async def test_final_texts_pass_previews_in_the_bucket_of_a_chat(script: Script) -> None:
    flood = Flood(script)
    for _ in range(4):  # a group has five at once, then one in three seconds
        assert await flood.take(-1, "group", Priority.FIRST_TEXT) == 0
    assert await flood.take(-1, "group", Priority.PREVIEW) > 0
    assert await flood.take(-1, "group", Priority.FINAL) == 0
    assert 0 < await flood.take(-1, "group", Priority.FINAL) <= 3
    assert await flood.take(-2, "group", Priority.FINAL) == 0


async def test_a_refused_chat_rests_and_three_within_a_second_rest_all(script: Script) -> None:
    flood = Flood(script)
    await flood.refused(1, retry_after_s=60)
    assert await flood.take(1, "private", Priority.FINAL) > 30
    assert await flood.take(9, "private", Priority.FINAL) == 0
    await asyncio.gather(*(flood.refused(chat, retry_after_s=60) for chat in (2, 3, 4)))
    assert await flood.take(9, "private", Priority.FINAL) > 30


async def test_a_restarted_server_has_lost_nothing_and_the_script_is_loaded_again(
    world: World, redis_server: RedisServer
) -> None:
    await world.ask(task(1))
    redis_server.kill()
    with pytest.raises(StoreUnavailable):
        await world.lanes.waiting()
    redis_server.up()
    assert await world.lanes.release(cap=1, at_most=1, epoch=world.epoch) == ["u1"]


async def test_a_full_server_refuses_admission_and_takes_it_again_when_there_is_room(world: World) -> None:
    await world.script.read("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(StoreFull):
            await world.inbox.admit([("inbox", {"update_id": 1})], offset=2, epoch=world.epoch)
    finally:
        await world.script.read("CONFIG", "SET", "maxmemory", "0")
    assert await world.inbox.offset() is None
    assert await world.inbox.admit([("inbox", {"update_id": 1})], offset=2, epoch=world.epoch) == 1


async def test_a_server_that_could_lose_messages_is_refused(world: World) -> None:
    await world.script.check()
    await world.script.read("CONFIG", "SET", "appendfsync", "everysec")
    try:
        with pytest.raises(StoreMisconfigured, match="appendfsync is everysec, set it to always"):
            await world.script.check()
    finally:
        await world.script.read("CONFIG", "SET", "appendfsync", "always")


async def test_a_wrong_password_is_a_setting_to_mend(tmp_path_factory: pytest.TempPathFactory) -> None:
    with RedisServer.start(tmp_path_factory.mktemp("locked"), "--requirepass", "right") as server:
        async with open_script(RedisSettings(url=server.url.replace("//", "//:wrong@")), bot_id=1) as script:
            with pytest.raises(StoreMisconfigured, match="REDIS_PASSWORD"):
                await script.read("PING")


def test_a_task_does_not_show_its_words_in_its_repr() -> None:
    assert "secret" not in repr(task(1, text="secret"))


@pytest.mark.parametrize("moment_ms", range(0, 20, 2))
async def test_a_cancelled_caller_ends_at_once_and_the_connection_stays_whole(script: Script, moment_ms: int) -> None:
    await script.read("SET", "k", "v")

    async def forever() -> None:
        while True:
            await script.read("SET", "k", "v")

    task = asyncio.create_task(forever())
    await asyncio.sleep(moment_ms / 1000)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert done
    assert await script.read("GET", "k") == "v"


async def test_a_claim_is_warm_if_the_agent_waited_before_the_task_was_ready(world: World) -> None:
    for n, job in ((1, "waits first"), (2, "comes later")):
        agent = Answers(world.script, pool="p", job=job)
        if n == 1:
            await agent.check_in()
        await asyncio.sleep(0.002)
        await world.ask(task(n, chat=n))
        await world.lanes.release(cap=9, at_most=9, epoch=world.epoch)
        await world.dispatch(task(n, chat=n))
        await asyncio.sleep(0.002)
        await agent.check_in()
        assert await agent.claim() is not None
    assert [row["warm"] for row in await world.lanes.fields(["u1", "u2"], "warm")] == ["1", "0"]


async def test_a_chosen_role_counts_for_the_next_message_and_not_for_a_retry_or_after_new(world: World) -> None:
    await world.effects({"op": "choose", "chat": "1", "role": "coder"})
    await world.ask(task(1), task(2))
    assert [row["wish"] for row in await world.lanes.fields(["u1", "u2"], "wish")] == ["coder", None]
    await world.effects({"op": "choose", "chat": "1", "role": "summarizer"})
    await world.effects({"op": "forget", "chat": "1"})
    await world.ask(task(3))
    assert (await world.lanes.fields(["u3"], "wish"))[0]["wish"] is None


async def test_a_file_that_is_kept_no_more_is_told_and_one_of_another_chat_as_well(world: World) -> None:
    wish = {"op": "file", "kind": "file_gone", "lang": "en", "task": "u1", "part": "1"}
    claimed = await world.claimed(task(1))
    await world.effects({**wish, "chat": "1", "key": "a"})
    await world.agent.answered(claimed, {"pages": [], "files": []}, {})
    await world.effects({**wish, "chat": "2", "key": "b"})
    assert [(n.kind, n.chat_id) for n in await world.notices.waiting()] == [("file_gone", 1), ("file_gone", 2)]
    await world.effects({**wish, "chat": "1", "key": "c"})
    assert [row["task"] for row in await world.notices.pop("files")] == ["u1"]


async def test_a_full_chat_and_a_full_bot_are_told_apart(world: World) -> None:
    for n in (1, 2):
        await world.inbox.admit([("inbox", {"update_id": n})], offset=None, epoch=world.epoch)
        [*_, entry] = await world.inbox.waiting("inbox")
        caps = {"chat_cap": 0, "total_cap": 9} if n == 1 else {"chat_cap": 9, "total_cap": 0}
        await world.inbox.handle("inbox", [(entry.entry_id, [effect(task(n))])], epoch=world.epoch, **caps)
    assert [dict(n.args) for n in await world.notices.waiting()] == [{"cap": 0}, {}]


async def test_a_task_that_comes_back_to_a_pool_that_was_forgotten_can_still_be_found(world: World) -> None:
    for n, back in ((1, "hand_back"), (2, "put_back"), (3, "lost")):
        claimed = await world.claimed(task(n, chat=n))
        await world.pools.forget("p", "job-1")
        assert await world.pools.ids() == frozenset()
        if back == "lost":
            await world.pools.lost(f"u{n}", Cause.AGENT_LOST, epoch=world.epoch)
        else:
            await getattr(world.agent, back)(claimed)
        assert await world.pools.ids() == {"p"}, back
        await world.pools.forget("p", "job-1")
        await world.pools.move_ready("p", "q", epoch=world.epoch)
        assert await world.pools.ids() == {"q"}, back
        assert await world.pools.ready("q") == [f"u{n}"]
        await world.lanes.fail(f"u{n}", Cause.QUEUE_DEADLINE, epoch=world.epoch)
        await world.pools.forget("q", "none")


async def test_a_claim_is_left_when_its_task_has_ended_or_waits_again_or_is_another_jobs(world: World) -> None:
    claimed = await world.claimed(task(1))
    assert await world.pools.left({"job-1": "u1", "job-2": "u1", "job-3": "unknown"}) == ["job-2", "job-3"]
    await world.agent.hand_back(claimed)
    assert await world.pools.left({"job-1": "u1"}) == ["job-1"]
    again = await world.agent.claim()
    assert again is not None
    assert await world.pools.left({"job-1": "u1"}) == []
    await world.agent.give_up(again, Cause.MODEL_DOWN)
    assert await world.pools.left({"job-1": "u1"}) == ["job-1"]
    assert await world.pools.left({}) == []
