"""A newcomer gets a code, an owner who knows it lets them in, and nobody else's press, no old press and no other code counts."""

import re

import pytest

from openclaw_brain.inbox.access import Access
from openclaw_brain.inbox.intake import Intake
from openclaw_brain.inbox.pairing import new_code
from openclaw_core.store import Script
from openclaw_core.texts.wording import Sentence
from tests.brain.access_desk import FRIEND, GROUP, OWNER, STRANGER, Desk
from tests.shipped import ROLES

SECOND_OWNER = 55
ACCESS = Access(users=frozenset({FRIEND}), owners=frozenset({OWNER, SECOND_OWNER}), pairing=True)


@pytest.fixture
async def desk(script: Script) -> Desk:
    return await Desk(script, ACCESS).open()


async def asked(desk: Desk, user: int = STRANGER) -> str:
    """A newcomer writes; gives the code that they and each owner are told."""
    told = await desk.handles(desk.message(user, "hello?"))
    assert [(kind, chat) for kind, chat, _ in told] == [
        ("pair_code", user), ("pair_request", OWNER), ("pair_request", SECOND_OWNER)
    ]  # fmt: skip
    [code] = {args["code"] for _, _, args in told}
    assert {args["user"] for _, _, args in told} == {str(user)}
    return str(code)


async def let_in(desk: Desk) -> dict[str, str]:
    """Rights by the bot."""
    return {one: str(entry.right) for one, entry in (await desk.world.inbox.access_entries())[0].items()}


async def test_an_owner_lets_a_newcomer_in_once(desk: Desk) -> None:
    code = await asked(desk)
    assert await desk.presses(OWNER, f"pair:user:{STRANGER}:{code}") == [Sentence.PAIRING_GIVEN, "paired"]
    assert await let_in(desk) == {str(STRANGER): "user"}
    before = await desk.world.inbox.access_entries()

    assert await desk.presses(SECOND_OWNER, f"pair:user:{STRANGER}:{code}") == [Sentence.PAIRING_ALREADY]
    assert await desk.presses(SECOND_OWNER, f"pair:none:{STRANGER}:{code}") == [Sentence.PAIRING_ALREADY]
    assert await desk.world.inbox.access_entries() == before
    await desk.says(STRANGER, "hello!")
    assert await desk.queued(STRANGER) == 1


async def test_only_an_owners_press_with_the_code_of_that_newcomer_counts(desk: Desk) -> None:
    code, other = await asked(desk), await asked(desk, 405)
    assert await desk.presses(FRIEND, f"pair:user:{STRANGER}:{code}") == [Sentence.OWNERS_ONLY]
    assert await desk.presses(STRANGER, f"pair:user:{STRANGER}:{code}") == [Sentence.NO_MORE_ACCESS]
    for data in (f"{STRANGER}:{other}", f"405:{code}", f"{STRANGER}:", f"{STRANGER}:{code}X", f"406:{code}", "x:y", ""):
        assert "paired" not in await desk.presses(OWNER, f"pair:user:{data}"), data
    assert await let_in(desk) == {}


async def test_a_request_expires_after_an_hour_and_another_has_another_code(desk: Desk) -> None:
    code = await asked(desk)
    key = desk.world.script.keys("pairing")
    assert 3500 < int(await desk.world.script.read("TTL", key)) <= 3600
    version, digest, at_ms, lang = (await desk.world.script.read("HGET", key, STRANGER)).split(" ")
    assert code not in digest
    old = f"{version} {digest} {int(at_ms) - 3_600_000} {lang}"
    await desk.world.script.read("HSET", key, STRANGER, old)  # an hour later

    assert await desk.presses(OWNER, f"pair:user:{STRANGER}:{code}") == [Sentence.PAIRING_EXPIRED]
    assert await let_in(desk) == {}
    assert await asked(desk) != code


async def test_a_newcomer_who_waits_gets_no_second_code(desk: Desk) -> None:
    await asked(desk)
    assert await desk.says(STRANGER, "hello?") == []


async def test_three_wait_at_a_time_and_a_fourth_is_told_so_once(desk: Desk) -> None:
    codes = {user: await asked(desk, user) for user in (401, 402, 403)}
    assert await desk.says(STRANGER, "hello?") == ["pair_full"]
    assert await desk.says(STRANGER, "hello?") == []

    await desk.presses(OWNER, f"pair:user:402:{codes[402]}")
    await asked(desk)


async def test_who_is_refused_hears_it_once_and_cannot_ask_again_that_day(desk: Desk) -> None:
    code = await asked(desk)
    assert await desk.presses(OWNER, f"pair:none:{STRANGER}:{code}") == [Sentence.PAIRING_DECLINED]
    assert await desk.says(STRANGER, "why?") == ["refused"]
    assert await desk.says(STRANGER, "why?") == []
    assert await desk.presses(OWNER, f"pair:user:{STRANGER}:{code}") == [Sentence.PAIRING_EXPIRED]
    assert await let_in(desk) == {}


async def test_who_was_removed_and_who_writes_in_a_group_gets_the_refusal_of_before(desk: Desk) -> None:
    await desk.says(OWNER, f"/remove {STRANGER}")
    assert await desk.says(STRANGER, "hello?") == ["refused"]
    assert await desk.says(406, "@OpenClawBot hello?", GROUP) == ["refused"]


@pytest.mark.parametrize(
    "access", [Access(users=frozenset(), owners=frozenset({OWNER})), Access(users=frozenset(), pairing=True)]
)
async def test_without_pairing_or_without_owners_a_stranger_is_refused(script: Script, access: Access) -> None:
    desk = await Desk(script, access).open()
    assert await desk.says(STRANGER, "hello?") == ["refused"]


async def test_an_owner_reads_the_request_in_the_language_of_their_own_chat(desk: Desk) -> None:
    await desk.says(OWNER, "/lang he")
    await desk.world.inbox.admit([("inbox", desk.message(STRANGER, "hello?"))], offset=None, epoch=desk.world.epoch)
    await desk.handler.handle_batch("inbox")
    langs = {one.chat_id: one.lang for one in await desk.world.notices()}
    assert langs == {STRANGER: "en", OWNER: "he", SECOND_OWNER: "en"}


def test_codes_are_readable_and_differ() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(re.fullmatch(r"[A-HJ-KM-NP-Z2-9]{4}-[A-HJ-KM-NP-Z2-9]{4}", code) for code in codes)


async def test_codes_stand_in_no_repr(desk: Desk) -> None:
    from openclaw_brain.inbox.context import ChatFacts
    from openclaw_brain.telegram.incoming import Bot, read_update

    intake = Intake(roles=ROLES, access=ACCESS, new_code=lambda: "CODE-CODE")
    incoming = read_update(desk.message(STRANGER, "hello?"), Bot(id=42, username="OpenClawBot"))
    assert "CODE-CODE" not in repr(intake.effects(incoming, ChatFacts(), admitted_ms=1))
    query = {"id": "cb", "data": "pair:user:1:CODE-CODE", "from": {"id": OWNER}, "message": {"message_id": 1, "chat": {"id": OWNER, "type": "private"}}}  # fmt: skip
    press = read_update({"update_id": 1, "callback_query": query}, Bot(id=42, username="OpenClawBot"))
    assert press.button_data.endswith("CODE-CODE")
    assert "CODE-CODE" not in repr(press)
