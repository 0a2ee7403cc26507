"""👍 and 👎 under an answer: part of its text's markup, and of nothing else."""

from openclaw_core.chat.delivery.displays import Stage
from openclaw_core.tasks.outcome import Cause
from tests.core.delivery.rooms import Room, until
from tests.core.delivery.virtual import virtual
from tests.fakes.messenger import Said

LONG = "\n\n".join(f"Paragraph {n}. " + "word " * 150 for n in range(8))
LONG_CODE = "Here:\n\n```python\n" + "\n".join(f"print({n})" for n in range(900)) + "\n```\n"
VOTES = ["up:1", "down:1"]


def data(said: Said) -> list[str]:
    return [button.data for button in said.buttons]


async def shown(room: Room, stage: Stage, text: str = "", **fields: object) -> list[Said]:
    async with room.leading():
        room.change("t:1", stage, text, **fields)
        await room.over()
    room.check()
    return list(room.telegram.messages.values())


@virtual
async def test_they_stand_under_the_last_message_of_an_answer() -> None:
    first, *_, last = await shown(Room(feedback_buttons=True), Stage.ANSWERED, LONG)
    assert (data(first), data(last)) == ([], VOTES)


@virtual
async def test_without_the_setting_there_are_none() -> None:
    said = await shown(Room(), Stage.ANSWERED, "42")
    assert [data(one) for one in said] == [[]]


@virtual
async def test_no_button_asks_for_what_would_end_the_same_again() -> None:
    for cause, buttons in ((Cause.FILE_ENCRYPTED, []), (Cause.FILE_SCANNED, []), (Cause.FILE_DAMAGED, ["retry:1"])):
        [failed] = await shown(Room(), Stage.FAILED, cause=cause)
        assert data(failed) == buttons, cause


@virtual
async def test_a_failure_a_stopped_answer_and_a_preview_have_none() -> None:
    [failed] = await shown(Room(feedback_buttons=True), Stage.FAILED, cause=Cause.MODEL_DOWN)
    assert data(failed) == ["retry:1"]
    room = Room(feedback_buttons=True)
    async with room.leading():
        room.change("t:1", Stage.GROWING)
        room.grow("t:1", "So far, and it goes on. " * 20)
        await until(lambda: any("it goes on" in said.page.text for said in room.telegram.messages.values()))
        [growing] = room.telegram.messages.values()
        assert data(growing) == ["stop:1"]
        room.change("t:1", Stage.STOPPED, "So far, and it goes on. " * 20)
        await room.over()
    [stopped] = room.telegram.messages.values()
    assert data(stopped) == []


@virtual
async def test_a_file_of_unknown_fate_is_offered_above_them() -> None:
    room = Room(feedback_buttons=True)
    room.shelf.change("t:1", Stage.ANSWERED, LONG_CODE, parts={1: "sending"})
    async with room.leading():
        await room.over()
    [said] = room.telegram.messages.values()
    assert data(said) == ["file:1:1", *VOTES]


@virtual
async def test_the_next_leader_does_not_edit_what_stands_with_its_buttons() -> None:
    room = Room(feedback_buttons=True)
    await shown(room, Stage.ANSWERED, "42")
    calls = len(room.telegram.calls)
    async with room.leading():
        room.engine.wake()
        await room.over()
    assert len(room.telegram.calls) == calls
