"""Each topic of a forum is a conversation of its own, and the General topic is the chat itself, against a real server."""

from dataclasses import replace

from openclaw_core.tasks.task import Task
from tests.core.store_world import World, task

FORUM = -100500


def asked(n: int, topic: int | None, text: str = "hello") -> Task:
    return replace(task(n, FORUM, text), thread_id=topic)


async def answered(world: World, one: Task, answer: str) -> None:
    await world.answered(await world.claimed(one), answer)


async def said(world: World, topic: int | None) -> list[str]:
    return [turn.text for turn in await world.lanes.history(FORUM, topic)]


async def test_what_was_said_in_a_topic_is_remembered_in_that_topic_alone(world: World) -> None:
    for n, topic in enumerate((None, 3, 4), start=1):
        await answered(world, asked(n, topic, f"asked in {topic}"), f"answer in {topic}")
    for topic in (None, 3, 4):
        assert await said(world, topic) == [f"asked in {topic}", f"answer in {topic}"]
    run = await world.claimed(asked(4, 3))
    assert [turn.text for turn in run.history] == ["asked in 3", "answer in 3"]
    await world.agent.amend(run, "what a recording said")
    await world.news.adopt([run.name], epoch=world.epoch)
    assert (await said(world, 3))[-1] == "what a recording said"


async def test_a_conversation_from_before_topics_is_that_of_the_general_topic(world: World) -> None:
    await answered(world, asked(1, None), "an answer")
    assert await world.script.read("EXISTS", world.script.keys("turns", FORUM)) == 1


async def test_a_failed_message_is_noted_in_its_topic(world: World) -> None:
    await world.claimed(asked(1, 3))
    await world.effects({"op": "stop", "key": "s", "chat": str(FORUM), "thread": "3", "lang": "en"})
    assert [turn.note for turn in await world.lanes.history(FORUM, 3)] == ["cancelled"]


async def test_new_forgets_one_topic_and_an_answer_under_way_in_another_is_kept(world: World) -> None:
    await answered(world, asked(1, 3), "kept")
    run = await world.claimed(asked(2, 4))
    await world.effects({"op": "forget", "chat": str(FORUM), "thread": "3"})
    await world.answered(run, "of 4")
    assert await said(world, 3) == []
    assert await said(world, 4) == ["hello", "of 4"]


async def test_a_chosen_role_is_for_the_next_message_of_its_topic(world: World) -> None:
    await world.effects({"op": "choose", "chat": str(FORUM), "thread": "3", "role": "coder"})
    await world.ask(asked(1, 4), asked(2, None), asked(3, 3))
    chosen = await world.lanes.fields(["u1", "u2", "u3"], "next_role")
    assert [row["next_role"] for row in chosen] == [None, None, "coder"]


async def test_stop_stops_its_topic_and_retry_knows_what_was_asked_there(world: World) -> None:
    await world.ask(asked(1, 3), asked(2, 4), asked(3, None))
    await world.effects({"op": "stop", "key": "s", "chat": str(FORUM), "thread": "4", "lang": "en"})
    assert [await world.state(asked(n, None)) for n in (1, 2, 3)] == ["queued", "cancelled", "queued"]
    assert [await world.inbox.last_task(FORUM, topic) for topic in (3, 4, None, 5)] == ["u1", "u2", "u3", ""]
    await world.effects(
        {"op": "stop", "key": "b", "chat": str(FORUM), "task": "u1", "lang": "en"}
    )  # a button names its task
    assert await world.state(asked(1, None)) == "cancelled"
