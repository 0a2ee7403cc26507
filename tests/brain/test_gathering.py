"""What a person sends in one act is one task, in order and with all that came along; a message alone waits for nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from openclaw_brain.inbox.gathering import Windows
from openclaw_brain.inbox.handling import Handling
from openclaw_brain.inbox.intake import Access, Intake, Known
from openclaw_brain.telegram.incoming import Bot, read_update
from openclaw_core.chat.delivery.displays import Display
from openclaw_core.roles.values import load
from openclaw_core.store import Became, Script
from openclaw_core.store.lanes import Dispatched
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.task import Task
from openclaw_core.tasks.work import HandedBack, PutBack, Result
from tests.core.store_world import CAPS, ORDER, World

ROLES = load(Path(__file__).parents[2] / "platform/openclaw/base")
GROUP: dict[str, Any] = {"id": -100500, "type": "supergroup"}
FORWARDED: dict[str, Any] = {"forward_origin": {"type": "hidden_user", "sender_user_name": "A", "date": 1}}
MENTION: dict[str, Any] = {"entities": [{"type": "mention", "offset": 0, "length": 12}]}
Message = dict[str, Any]


def said(text: str = "", *, at: int = 100, user: int = 7, **fields: Any) -> Message:
    """A private message of *user*, sent in second *at*."""
    words = {"caption" if {"document", "photo", "video", "voice"} & set(fields) else "text": text} if text else {}
    return {"date": at, "chat": {"id": user, "type": "private"}, "from": {"id": user, "language_code": "en"}, **words, **fields}  # fmt: skip


def document(name: str) -> Message:
    return {"document": {"file_id": name, "file_name": f"{name}.txt", "file_size": 3}}


@dataclass
class Desk:
    """The leader's inbox over a real store, without its loops."""

    world: World
    handling: Handling
    ids: int = 0
    times: dict[str, int] = field(default_factory=dict)

    async def receives(self, *messages: Message, stream: str = "inbox") -> None:
        """Handle *messages* as one batch."""
        batch = []
        for message in messages:
            self.ids += 1
            batch.append((stream, {"update_id": self.ids, "message": {"message_id": self.ids + 100, **message}}))
        await self.world.inbox.admit(batch, offset=None, epoch=self.world.epoch)  # type: ignore[arg-type]
        while await self.handling.batch(stream):  # type: ignore[arg-type]
            pass

    async def edits(self, n: int, message: Message) -> None:
        self.ids += 1
        update = {"update_id": self.ids, "edited_message": {"message_id": n + 100, **message}}
        await self.world.inbox.admit([("inbox", update)], offset=None, epoch=self.world.epoch)
        await self.handling.batch("inbox")

    async def waiting(self, chat: int = 7) -> list[Task]:
        """What stands in the lane of a chat, as it would be routed now."""
        return [(await self.world.lanes.queued(n)).task for n in await self.world.lanes.waiting_in(chat)]

    async def release(self) -> list[str]:
        return await self.world.lanes.release(cap=10, at_most=10, epoch=self.world.epoch)

    async def dispatched(self, task_id: str) -> Dispatched:
        queued = await self.world.lanes.queued(task_id)
        return await self.world.lanes.dispatch(
            queued.task.ordered(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0, epoch=self.world.epoch, parts=queued.parts
        )  # fmt: skip

    async def put_off(self) -> list[str]:
        """Displays that wait for words."""
        return list(await self.world.script.read("ZRANGE", self.world.script.keys("later"), 0, -1))

    async def moment_passes(self) -> None:
        """What was put off has waited long enough for words."""
        for display in await self.put_off():
            await self.world.script.read("ZADD", self.world.script.keys("later"), "XX", "1", display)

    async def notices(self) -> list[Display]:
        """All that is to be told, also what still waits for words: that has waited long enough now."""
        await self.moment_passes()
        return await self.world.notices()

    def windows(self, **ms: int) -> None:
        object.__setattr__(self.handling, "windows", Windows(**ms))

    async def time_passes(self, task_id: str) -> None:
        """The quiet window of a task ends."""
        await self.world.script.read("HSET", self.world.script.keys("task", task_id), "not_before_ms", "1")


@pytest.fixture
async def desk(script: Script) -> Desk:
    world = World(script)
    await world.lead()
    handling = Handling(
        inbox=world.inbox, lanes=world.lanes, intake=Intake(roles=ROLES, access=Access(users=None)), bot=Bot(id=42, username="OpenClawBot"),
        windows=Windows(), epoch=world.epoch, chat_cap=CAPS["chat_cap"], total_cap=CAPS["total_cap"],
    )  # fmt: skip
    return Desk(world, handling)


Receives = Callable[..., Awaitable[None]]


@pytest.fixture(params=["one batch", "one by one"])
def receives(request: pytest.FixtureRequest, desk: Desk) -> Receives:
    """Messages come together, or each in a batch of its own: that makes no difference to what they become."""

    async def one_by_one(*messages: Message) -> None:
        for message in messages:
            await desk.receives(message)

    return desk.receives if request.param == "one batch" else one_by_one


async def test_a_comment_and_what_is_forwarded_with_it_are_one_task(desk: Desk, receives: Receives) -> None:
    await receives(said("is this true?"), said("The moon is made of cheese.", at=101, **FORWARDED))
    [task] = await desk.waiting()
    assert (task.id, task.text, task.quoted) == ("u1", "is this true?", "The moon is made of cheese.")


async def test_several_forwards_and_their_files_keep_their_order(desk: Desk, receives: Receives) -> None:
    await receives(
        said("compare"),
        said("one", **FORWARDED),
        said("two", **FORWARDED, **document("a")),
        said("", **FORWARDED, **document("b")),
        said("three", at=101, **FORWARDED),
    )
    [task] = await desk.waiting()
    assert (task.text, task.quoted) == ("compare", "one\n\ntwo\n\nthree")
    assert [one.file_id for one in task.materials] == ["a", "b"]


@pytest.mark.parametrize("captioned", [0, 2])
async def test_an_album_is_one_task_with_its_one_caption(desk: Desk, receives: Receives, captioned: int) -> None:
    await receives(*(
        said("sum up" if n == captioned else "", **document(f"f{n}"), media_group_id="g") for n in range(3)
    ))  # fmt: skip
    [task] = await desk.waiting()
    assert (task.text, [one.file_id for one in task.materials]) == ("sum up", ["f0", "f1", "f2"])


@pytest.mark.parametrize("unit", ["word ", "מילה ", "👍🏽 "])
async def test_a_paste_that_was_cut_is_one_task(desk: Desk, receives: Receives, unit: str) -> None:
    pieces = [unit * (4096 // (len(unit.encode("utf-16-le")) // 2)) for _ in range(3)]
    await receives(*(said(piece, at=100 + n) for n, piece in enumerate(pieces)), said("the end", at=102))
    [task] = await desk.waiting()
    assert task.text.split() == f"{''.join(pieces)} the end".split()


async def test_a_word_that_was_cut_in_two_is_whole_again(desk: Desk, receives: Receives) -> None:
    await receives(said("a" * 4096), said("bc"))
    [task] = await desk.waiting()
    assert task.text == "a" * 4096 + "bc"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (said("translate this:"), said("hello world", at=102)),
        (said("/sum what follows:"), said("a long story", at=102)),
        (said("", **document("a")), said("what does it say? " * 100)),  # longer than a caption may be
        (said("what does it say? " * 100), said("", **document("a"))),
        (said("The moon is made of cheese.", **FORWARDED), said("is it?", at=101)),
        (said("a", **FORWARDED), said("b", **FORWARDED)),
    ],
)
async def test_what_a_cue_announces_belongs_to_it(
    desk: Desk, receives: Receives, first: Message, second: Message
) -> None:
    await receives(first, second)
    assert len(await desk.waiting()) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (said("why is the sky blue?"), said("why is grass green?")),
        (said("why is the sky blue?"), said("news", at=102, **FORWARDED)),
        (said("why is the sky blue?"), said("/research why is grass green?")),
        (said("translate this:"), said("/research why is grass green?")),
        (said("translate this:"), said("too late", at=103)),
        (said("", **document("a"), media_group_id="g"), said("", at=103, **document("b"), media_group_id="h")),
        (said("a" * 3999), said("b")),
        (said("", voice={"file_id": "v"}), said("", voice={"file_id": "w"})),
    ],
)
async def test_what_nothing_links_are_tasks_of_their_own(
    desk: Desk, receives: Receives, first: Message, second: Message
) -> None:
    await receives(first, second)
    assert [task.id for task in await desk.waiting()] == ["u1", "u2"]


@pytest.mark.parametrize("command", ["/new", "/help", "/lang he", "/nonsense"])
async def test_a_command_between_two_messages_keeps_them_apart(desk: Desk, receives: Receives, command: str) -> None:
    await receives(said("translate this:"), said(command), said("hello"))
    assert [task.text for task in await desk.waiting()] == ["translate this:", "hello"]


async def test_what_comes_after_a_stop_is_no_part_of_what_was_stopped(desk: Desk) -> None:
    await desk.receives(said("is this true?"))
    await desk.receives(said("/stop"), stream="control")
    await desk.receives(said("news", **FORWARDED))
    assert [task.id for task in await desk.waiting()] == ["u3"]
    assert await desk.world.state(await desk.world.lanes.asked("u1")) == "cancelled"


async def test_people_and_topics_of_a_group_are_never_mixed(desk: Desk, receives: Receives) -> None:
    topic: dict[str, Any] = {"chat": GROUP, "is_topic_message": True}
    reply: dict[str, Any] = {"reply_to_message": {"message_id": 1, "from": {"id": 42}}}
    await receives(
        said("sum this up:", user=7, **{**topic, "message_thread_id": 3}, **reply),
        said("mine", user=8, **{**topic, "message_thread_id": 3}, **reply),
        said("elsewhere", user=7, **{**topic, "message_thread_id": 4}, **reply),
        said("the story", user=7, **{**topic, "message_thread_id": 3}, **reply),
    )
    tasks = await desk.waiting(-100500)
    assert [(task.user_id, task.thread_id, task.text) for task in tasks] == [
        (7, 3, "sum this up:\nthe story"), (8, 3, "mine"), (7, 4, "elsewhere")
    ]  # fmt: skip


async def test_in_a_group_the_second_half_need_not_name_the_bot_and_nothing_else_is_taken(
    desk: Desk, receives: Receives
) -> None:
    await receives(
        said("@OpenClawBot is this true?", chat=GROUP, **MENTION),
        said("I doubt it.", user=8, chat=GROUP),
        said("The moon is made of cheese.", chat=GROUP, **FORWARDED),
        said("/ban@AnotherBot him", chat=GROUP),
        said("by the way", at=105, chat=GROUP),
        said("news", user=8, chat=GROUP, **FORWARDED),
    )
    [task] = await desk.waiting(-100500)
    assert (task.text, task.quoted) == ("is this true?", "The moon is made of cheese.")
    kept = [
        key.rpartition(":")[2] for key in await desk.world.script.read("KEYS", desk.world.script.keys("heard", "*"))
    ]
    assert sorted(kept) == ["101", "103"], "of what others say to each other nothing is kept"


PHOTO: dict[str, Any] = {"photo": [{"file_id": "p"}]}
PDF: Message = {"document": {"file_id": "b", "file_name": "b.pdf"}}
LARGE: dict[str, Any] = {"document": {"file_id": "b", "file_name": "b.txt", "file_size": 9_000_000}}
CONTACT: dict[str, Any] = {"contact": {"first_name": "Dana", "phone_number": "+1"}}
PLACE: dict[str, Any] = {"location": {"latitude": 1.0, "longitude": 2.0}}
ALBUM: dict[str, Any] = {"media_group_id": "g"}


@pytest.mark.parametrize(
    ("messages", "text", "quoted", "unseen"),
    [
        ([said("what is this?", **PHOTO, **ALBUM), *[said(**PHOTO, **ALBUM)] * 3], "what is this?", "", "photo"),
        ([*[said(**PHOTO, **ALBUM)] * 3, said("what is this?", **PHOTO, **ALBUM)], "what is this?", "", "photo"),
        ([said("sum up", **document("a"), **ALBUM), said(**PDF, **ALBUM)], "sum up", "", "file"),
        ([said(**PDF, **ALBUM), said("sum up", **document("a"), **ALBUM)], "sum up", "", "file"),
        ([said("sum up", **document("a"), **ALBUM), said(**LARGE, **ALBUM)], "sum up", "", "file"),
        ([said("sum up", **LARGE, **ALBUM), said(**document("a"), **ALBUM)], "sum up", "", "file"),
        ([said("/sum them", **LARGE, **ALBUM), said(**document("a"), **ALBUM)], "them", "", "file"),
        ([said("what is it?"), said(**PHOTO, **FORWARDED)], "what is it?", "", "photo"),
        ([said("what is it?"), *[said(**PHOTO, **FORWARDED)] * 3], "what is it?", "", "photo"),
        ([said(**PHOTO, **FORWARDED), said("what is it?", at=101)], "what is it?", "", "photo"),
        ([said("what is it?"), said(**PHOTO)], "what is it?", "", "photo"),
        ([said("what is it?"), said(**PDF)], "what is it?", "", "file"),
        ([said(**PDF), said("what is it?")], "what is it?", "", "file"),
        ([said("look at this:"), said(**PHOTO, at=102)], "look at this:", "", "photo"),
        ([said("what is it?"), said(video={"file_id": "v"}, **FORWARDED)], "what is it?", "", "video"),
        ([said("what is it?"), said(sticker={"file_id": "s"}, **FORWARDED)], "what is it?", "", "other"),
        ([said("what is it?"), said(story={}, **FORWARDED)], "what is it?", "", "other"),
        ([said("who is it?"), said(**CONTACT, **FORWARDED)], "who is it?", "Dana\n+1", ""),
        ([said("who is it?"), said(**CONTACT)], "who is it?", "Dana\n+1", ""),
        ([said(**CONTACT, **FORWARDED), said("who is it?")], "who is it?", "Dana\n+1", ""),
        ([said("where is it?"), said(**PLACE, **FORWARDED)], "where is it?", "1.00000, 2.00000", ""),
        ([said("who?"), said(**CONTACT, **FORWARDED), said(**PHOTO, **FORWARDED), said("and news", **FORWARDED)], "who?", "Dana\n+1\n\nand news", "photo"),
        ([said("what does it do?"), said("/help", **FORWARDED)], "what does it do?", "/help", ""),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_part_of_its_act_and_told_in_its_answer(
    desk: Desk, receives: Receives, messages: list[Message], text: str, quoted: str, unseen: str
) -> None:
    await receives(*messages)
    [task] = await desk.waiting()
    assert (task.text, task.quoted, task.unseen) == (text, quoted, unseen)
    assert await desk.notices() == []


@pytest.mark.parametrize(
    "messages",
    [
        [said(**PHOTO, **ALBUM)] * 3,
        [said(**LARGE, **ALBUM)] * 2,
        [said("sum up", **LARGE, **ALBUM), said(**LARGE, **ALBUM)],
        [said("/sum", **PHOTO, **ALBUM), said(**PHOTO, **ALBUM)],
        [said(**PHOTO, **FORWARDED)] * 5,
        [said(**CONTACT, **FORWARDED), said(**PHOTO, **FORWARDED), said(sticker={}, **FORWARDED)],
        [said(sticker={})],
    ],
)
async def test_what_no_task_takes_is_told_once(desk: Desk, receives: Receives, messages: list[Message]) -> None:
    desk.windows(more_ms=60_000, album_ms=60_000, fold_ms=60_000, at_most_ms=60_000)
    await receives(*messages)
    assert await desk.waiting() == []
    if messages[0].get("media_group_id") or messages[0].get("forward_origin"):
        assert await desk.world.notices() == [], "words may come"
    [notice] = await desk.notices()
    await desk.world.show_all()
    await desk.receives(said(**PHOTO, at=1000))
    [another] = await desk.notices()
    assert another.order > notice.order


async def test_what_waits_for_words_is_told_a_moment_after_the_last_part(desk: Desk) -> None:
    later = desk.world.script.keys("later")
    await desk.receives(said(**PHOTO, **FORWARDED))
    first = float(await desk.world.script.read("ZSCORE", later, "n:unsupported:7"))
    await desk.receives(said(**PHOTO, at=101, **FORWARDED))
    assert await desk.put_off() == ["n:unsupported:7"]
    assert float(await desk.world.script.read("ZSCORE", later, "n:unsupported:7")) > first
    seconds, micros = await desk.world.script.read("TIME")
    assert 0 < first - (int(seconds) * 1000 + int(micros) / 1000) <= Windows().more_ms


async def test_words_take_back_what_still_waits_for_them(desk: Desk) -> None:
    desk.windows(more_ms=60_000, at_most_ms=60_000)
    await desk.receives(said(**PHOTO, **FORWARDED))
    assert await desk.put_off() == ["n:unsupported:7"]
    await desk.receives(said("what is it?", at=101))
    assert [task.unseen for task in await desk.waiting()] == ["photo"]
    assert await desk.put_off() == []
    assert await desk.world.script.read("EXISTS", desk.world.script.keys("notice", "unsupported:7")) == 0


@pytest.mark.parametrize("between", [[], [said(**PHOTO, **FORWARDED)]], ids=["words come", "one more part, then words"])
async def test_a_notice_that_is_being_told_stays_and_the_answer_knows_all_the_same(
    desk: Desk, between: list[Message]
) -> None:
    await desk.receives(said(**PHOTO, **FORWARDED))
    [told] = await desk.notices()
    await desk.receives(*between)
    assert await desk.put_off() == [], "it is being told: it cannot wait any more"
    await desk.receives(said("what is it?", at=101))
    assert [task.unseen for task in await desk.waiting()] == ["photo"]
    assert await desk.world.notices() == [told]


@pytest.mark.parametrize("between", [[], [said(**PHOTO, **FORWARDED)]], ids=["words come", "one more part, then words"])
async def test_a_notice_that_was_told_is_not_told_again(desk: Desk, between: list[Message]) -> None:
    await desk.receives(said(**PHOTO, **FORWARDED))
    await desk.moment_passes()
    await desk.world.show_all()
    await desk.receives(*between)
    await desk.receives(said("what is it?", at=101))
    assert [task.unseen for task in await desk.waiting()] == ["photo"]
    assert await desk.notices() == []
    assert await desk.world.script.read("EXISTS", desk.world.script.keys("notice", "unsupported:7")) == 1, (
        "an edit may come late"
    )


async def test_words_of_one_take_back_no_notice_that_another_waits_for(desk: Desk) -> None:
    """A chat is told once of all that cannot be read, so the notice is that of several people."""
    desk.windows(more_ms=60_000, at_most_ms=60_000)
    for user in (7, 8):
        await desk.receives(named("@OpenClawBot", user=user, **PHOTO, **FORWARDED))
    assert await desk.put_off() == ["n:unsupported:-100500"]
    await desk.receives(named("@OpenClawBot what is it?", user=7, at=101))
    assert [task.unseen for task in await desk.waiting(-100500)] == ["photo"]
    assert await desk.put_off() == ["n:unsupported:-100500"]
    await desk.receives(named("@OpenClawBot what is it?", user=8, at=101))
    assert await desk.put_off() == []


async def test_a_notice_that_is_to_be_told_already_waits_for_nobodys_words(desk: Desk) -> None:
    await desk.receives(said(**PHOTO, **FORWARDED))
    [first] = await desk.notices()
    await desk.receives(said(**PHOTO, at=200, **FORWARDED))
    await desk.receives(said("what is it?", at=201))
    assert [notice.id for notice in await desk.world.notices()] == [first.id]


async def test_a_command_between_ends_what_cannot_be_read_too(desk: Desk, receives: Receives) -> None:
    await receives(said(**PHOTO, **FORWARDED), said("/new"), said("what is it?"))
    assert [task.unseen for task in await desk.waiting()] == [""]
    assert [notice.kind for notice in await desk.notices()] == ["new", "unsupported"], "which waited for words"


async def test_an_edit_mends_words_beside_what_could_not_be_read(desk: Desk) -> None:
    await desk.receives(said("sun up", **LARGE, **ALBUM), said(**document("a"), **ALBUM))
    await desk.edits(1, said("sum up", edit_date=101, **PHOTO, **ALBUM))
    [task] = await desk.waiting()
    assert (task.text, task.unseen) == ("sum up", "photo")


async def test_in_a_group_what_nobody_can_read_is_told_of_only_with_what_was_asked(
    desk: Desk, receives: Receives
) -> None:
    await receives(
        said(**PHOTO, chat=GROUP, user=8),
        said("@OpenClawBot what is this?", chat=GROUP, **MENTION),
        said(**PHOTO, chat=GROUP),
        said("hello all", chat=GROUP, user=8),
    )
    [task] = await desk.waiting(-100500)
    assert (task.text, task.unseen, await desk.notices()) == ("what is this?", "photo", [])


@pytest.mark.parametrize(
    "messages",
    [
        [said(**PHOTO, **ALBUM)] * 5,
        [said("look"), *[said("news", **FORWARDED)] * 3],
        [said("hello"), said("hello?", at=105)],
    ],
)
async def test_who_has_no_access_is_told_once(desk: Desk, receives: Receives, messages: list[Message]) -> None:
    object.__setattr__(desk.handling.intake, "access", Access(users=frozenset()))
    await receives(*messages)
    assert [notice.kind for notice in await desk.notices()] == ["refused"]


def named(text: str, **fields: Any) -> Message:
    """A message of a group that names the bot where it stands in *text*."""
    place: Any = [{"type": "mention", "offset": text.index("@OpenClawBot"), "length": 12}]
    return said(text, chat=GROUP, **{"caption_entities" if "document" in fields else "entities": place}, **fields)


@pytest.mark.parametrize(
    ("messages", "text", "quoted", "files"),
    [
        ([said(chat=GROUP, **document("a"), **ALBUM), named("@OpenClawBot compare", **document("b"), **ALBUM)], "compare", "", ["a", "b"]),
        ([said("a b " * 1023 + "a b", chat=GROUP), named("c d @OpenClawBot sum up")], f"{'a b ' * 1023}a b\nc d @OpenClawBot sum up", "", []),
        ([said("The moon is cheese.", chat=GROUP, **FORWARDED), named("@OpenClawBot true?")], "true?", "The moon is cheese.", []),
        ([said("one", chat=GROUP, **FORWARDED), said("two", chat=GROUP, at=101, **FORWARDED), named("@OpenClawBot true?", at=102)], "true?", "one\n\ntwo", []),
        ([said(chat=GROUP, **CONTACT), named("@OpenClawBot who is it?")], "who is it?", "Dana\n+1", []),
    ],
)  # fmt: skip
async def test_in_a_group_the_first_half_need_not_name_the_bot_if_a_later_one_of_the_batch_does(
    desk: Desk, messages: list[Message], text: str, quoted: str, files: list[str]
) -> None:
    await desk.receives(said("hello all", chat=GROUP, **FORWARDED, user=8), *messages)
    [task] = await desk.waiting(-100500)
    assert (task.user_id, task.text, task.quoted) == (7, text, quoted)
    assert [one.file_id for one in task.materials] == files


async def test_in_a_group_what_leads_to_no_question_is_nobodys_business(desk: Desk, receives: Receives) -> None:
    await receives(
        said("news", chat=GROUP, **FORWARDED),
        said("hello all", chat=GROUP, at=101),
        named("@OpenClawBot why is the sky blue?", at=109),
        said("news", chat=GROUP, at=120, **PHOTO, **FORWARDED),
    )
    assert [(task.text, task.quoted) for task in await desk.waiting(-100500)] == [("why is the sky blue?", "")]
    assert await desk.notices() == []


async def test_photos_of_an_album_are_told_about_once(desk: Desk, receives: Receives) -> None:
    await receives(*(said("", photo=[{"file_id": "p"}], media_group_id="g") for _ in range(5)))
    [notice] = await desk.notices()
    assert notice.args == {"what": "photo"}
    await desk.world.show_all()
    await desk.receives(said("", photo=[{"file_id": "p"}], media_group_id="g"))
    assert await desk.notices() == [], "the album's last photo came late"
    await desk.receives(said("", photo=[{"file_id": "p"}], media_group_id="another", at=110))
    assert len(await desk.notices()) == 1


async def test_a_message_alone_goes_at_once_and_one_with_a_cue_waits(desk: Desk) -> None:
    await desk.receives(said("why is the sky blue?", user=1), said("translate this:", user=2), said("b" * 4000, user=3))
    await desk.receives(said("news", user=4, **FORWARDED), said("", user=5, **document("a"), media_group_id="g"))
    assert await desk.release() == ["u1"]
    for n in range(2, 6):
        await desk.time_passes(f"u{n}")
    assert await desk.release() == ["u2", "u3", "u4", "u5"]


async def test_what_a_cue_announced_is_waited_for_no_longer_than_it_takes(desk: Desk) -> None:
    await desk.receives(said("translate this:"))
    assert await desk.release() == []
    await desk.receives(said("hello world"))
    assert await desk.release() == ["u1"]


async def test_each_further_part_begins_the_window_anew_within_a_bound(desk: Desk) -> None:
    await desk.receives(said("translate this:"))
    key = desk.world.script.keys("task", "u1")
    queued_ms = int(await desk.world.script.read("HGET", key, "queued_ms"))
    for n in range(5):
        await desk.receives(said("one more:", at=100 + n))
    until_ms = int(await desk.world.script.read("HGET", key, "not_before_ms"))
    assert queued_ms < until_ms <= queued_ms + Windows().at_most_ms
    await desk.world.script.read("HSET", key, "queued_ms", str(queued_ms - 10_000))
    await desk.receives(said("and one:", at=105))
    assert await desk.release() == ["u1"]


async def test_without_windows_nothing_waits_and_what_is_near_is_still_folded(desk: Desk) -> None:
    desk.windows(album_ms=0, more_ms=0, at_most_ms=0)
    await desk.receives(said("is this true?"))
    await desk.receives(said("news", **FORWARDED))
    assert await desk.release() == ["u1"]
    assert (await desk.world.lanes.queued("u1")).task.quoted == "news"


async def test_a_held_chat_keeps_its_turn_and_keeps_nobody_else_from_theirs(desk: Desk) -> None:
    await desk.receives(said("translate this:", user=1))
    await desk.receives(*(said("hello", user=n) for n in (2, 3)))
    assert await desk.world.lanes.release(cap=10, at_most=1, epoch=desk.world.epoch) == ["u2"]
    await desk.time_passes("u1")
    assert await desk.release() == ["u1", "u3"]
    assert await desk.release() == []


async def test_a_task_that_grew_while_it_was_routed_is_routed_again(desk: Desk) -> None:
    await desk.receives(said("is this true?"))
    [task_id] = await desk.release()
    queued = await desk.world.lanes.queued(task_id)
    await desk.receives(said("news", **FORWARDED))
    handed = await desk.world.lanes.dispatch(
        queued.task.ordered(ORDER), pool="p", decision="rule", route_ms=1, route_tokens=0, epoch=desk.world.epoch
    )
    assert handed is Dispatched.GROWN
    assert await desk.dispatched(task_id) is Dispatched.HELD  # more may be forwarded
    await desk.time_passes(task_id)
    assert await desk.dispatched(task_id) is Dispatched.READY
    claimed = await desk.world.agent.claim()
    assert claimed is not None
    assert (claimed.task.text, claimed.task.quoted) == ("is this true?", "news")
    [turn] = await desk.world.lanes.history(7)
    assert turn.text == "is this true?\n\n[forwarded]\nnews"


async def test_a_task_called_back_is_first_in_its_lane_and_routed_with_all_its_words(desk: Desk) -> None:
    await desk.receives(said("@OpenClawBot is this true?", chat=GROUP, **MENTION))
    [task_id] = await desk.release()
    assert await desk.dispatched(task_id) is Dispatched.READY
    await desk.receives(said("@OpenClawBot and this?", user=8, chat=GROUP, **MENTION))
    await desk.receives(said("news", chat=GROUP, **FORWARDED))
    assert await desk.world.agent.claim() is None
    assert [task.id for task in await desk.waiting(-100500)] == ["u1", "u2"]
    assert await desk.release() == []
    await desk.time_passes(task_id)
    assert await desk.release() == [task_id]
    queued = await desk.world.lanes.queued(task_id)
    assert (queued.task.role, queued.task.order) == (None, None), "its role is looked for anew"
    assert await desk.dispatched(task_id) is Dispatched.READY
    claimed = await desk.world.agent.claim()
    assert claimed is not None
    assert (claimed.task.text, claimed.task.quoted) == ("is this true?", "news")


@pytest.mark.parametrize("handed_back", [False, True])
async def test_a_task_of_which_something_may_be_shown_takes_nothing_more(desk: Desk, handed_back: bool) -> None:
    await desk.receives(said("is this true?"))
    [task_id] = await desk.release()
    await desk.dispatched(task_id)
    claimed = await desk.world.agent.claim()
    assert claimed is not None
    assert await desk.world.agent.write(claimed, "It")
    if handed_back:
        await desk.world.end(claimed, HandedBack())
    await desk.receives(said("news", **FORWARDED))
    await desk.receives(said("more news", **FORWARDED))
    assert [(task.id, task.text) for task in await desk.waiting()] == [("u2", "news\n\nmore news")]


async def test_an_agent_takes_what_comes_before_its_first_word_and_waits_for_the_rest(desk: Desk) -> None:
    await desk.receives(said("is this true?"))
    [task_id] = await desk.release()
    await desk.dispatched(task_id)
    agent = desk.world.agent
    claimed = await agent.claim()
    assert claimed is not None
    await desk.receives(said("news", **FORWARDED))
    assert not await agent.write(claimed, "It")
    assert [heard.became for heard in await desk.world.hear()] == [Became.GROWS]
    assert not await desk.world.news.regrow(claimed.name, epoch=desk.world.epoch), "more may be forwarded"
    assert await agent.grown(claimed) is None
    await desk.receives(said("more news", **FORWARDED))
    await desk.time_passes(task_id)
    assert await desk.world.news.regrow(claimed.name, epoch=desk.world.epoch)
    whole = await agent.grown(claimed)
    assert whole is not None
    assert (whole.task.text, whole.task.quoted) == ("is this true?", "news\n\nmore news")
    assert (whole.name, whole.order) == (claimed.name, claimed.order)
    assert await agent.write(whole, "It")
    [turn] = await desk.world.lanes.history(7)
    assert turn.text == "is this true?\n\n[forwarded]\nnews\n\nmore news"


@pytest.mark.parametrize("end", [HandedBack(), PutBack(), "lost"], ids=str)
async def test_what_an_agent_had_not_seen_when_it_went_is_for_the_next_one(desk: Desk, end: Result | str) -> None:
    await desk.receives(said("is this true?"))
    [task_id] = await desk.release()
    await desk.dispatched(task_id)
    claimed = await desk.world.agent.claim()
    assert claimed is not None
    await desk.receives(said("news", **FORWARDED))
    if isinstance(end, str):
        await desk.world.pools.lost(task_id, Cause.CRASH, epoch=desk.world.epoch)
    else:
        await desk.world.end(claimed, end)
    assert await desk.world.agent.claim() is None, "its record is not whole"
    await desk.time_passes(task_id)
    assert await desk.release() == [task_id]
    assert await desk.dispatched(task_id) is Dispatched.READY
    again = await desk.world.agent.claim()
    assert again is not None
    assert (again.task.text, again.task.quoted) == ("is this true?", "news")
    assert again.attempt > claimed.attempt


async def test_a_part_handled_twice_is_folded_once(desk: Desk) -> None:
    await desk.receives(said("is this true?"))
    update = {"update_id": 50, "message": {"message_id": 150, **said("news", **FORWARDED)}}
    await desk.world.inbox.admit([("inbox", update)], offset=None, epoch=desk.world.epoch)
    [entry] = await desk.world.inbox.waiting("inbox")
    part = desk.handling._part(entry, read_update(update, desk.handling.bot), Known())
    for _ in range(2):  # the reply of the first was lost on its way
        await desk.handling._commit("inbox", [part])
    [task] = await desk.waiting()
    assert task.quoted == "news"


async def test_an_edit_mends_its_own_part_while_it_waits(desk: Desk) -> None:
    await desk.receives(said("is this true:"), said("the mon is cheese"))
    await desk.edits(2, said("the moon is cheese"))
    await desk.edits(1, said("is that true:"))
    [task] = await desk.waiting()
    assert (task.id, task.text) == ("u1", "is that true:\nthe moon is cheese")
    assert [notice.kind for notice in await desk.notices()] == ["edit_taken"], "told once while it waits to be told"
    await desk.edits(1, said("/help"))
    assert len(await desk.waiting()) == 1, "the other part still wants its answer"


async def test_what_was_sent_in_parts_is_asked_again_whole(desk: Desk) -> None:
    await desk.receives(said("is this true?"), said("news", **FORWARDED))
    await desk.receives(said("/stop"), stream="control")
    await desk.receives(said("/retry"))
    [task] = await desk.waiting()
    assert (task.id, task.text, task.quoted) == ("u1r", "is this true?", "news")


async def test_parts_are_bounded(desk: Desk) -> None:
    await desk.receives(*(said(f"n{n}", **FORWARDED) for n in range(130)))
    assert [len(task.text.split()) for task in await desk.waiting()] == [101, 29]
