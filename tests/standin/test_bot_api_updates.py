"""Updates through the real client: long polling, acknowledging, the second poller, and every kind of update."""

import asyncio
import time

import httpx
import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
)
from telegram.error import BadRequest, Conflict, TelegramError

from openclaw_standin.bot_api import BotApi
from tests.standin.conftest import TOKEN, bot_for

KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Stop", callback_data="stop:1")]])


async def polled(api: BotApi) -> None:
    """Wait until a poll has arrived."""
    async with asyncio.timeout(30):
        while api.state.updates._poller is None:
            await asyncio.sleep(0.01)


async def test_a_poll_waits_for_the_next_update_and_returns_at_once_when_it_comes(api: BotApi, bot: Bot) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=40))
    await polled(api)
    assert not polling.done()

    said_at = time.monotonic()
    api.users.write(7, "hello")
    (update,) = await polling

    assert time.monotonic() - said_at < 30
    assert (update.message and update.message.text) == "hello"


async def test_a_poll_ends_empty_after_its_timeout(bot: Bot) -> None:
    started = time.monotonic()

    assert await bot.get_updates(timeout=1) == ()
    assert 0.9 < time.monotonic() - started < 30


async def test_updates_come_again_until_a_higher_offset_acknowledges_them(api: BotApi, bot: Bot) -> None:
    ids = [api.users.write(7, text) for text in ("a", "b", "c")]

    assert [u.update_id for u in await bot.get_updates(limit=2)] == ids[:2]
    assert [u.update_id for u in await bot.get_updates()] == ids
    assert [u.update_id for u in await bot.get_updates(offset=ids[1])] == ids[1:]
    assert [u.update_id for u in await bot.get_updates(offset=-1)] == ids[2:]
    assert await bot.get_updates(offset=ids[2] + 1) == ()
    assert await bot.get_updates() == ()


async def test_ids_start_anywhere_and_rise_by_one(api: BotApi) -> None:
    first, second = api.users.write(7, "a"), api.users.write(8, "b")

    assert second == first + 1
    async with BotApi.open(token=TOKEN) as other:
        assert other.users.write(7, "a") != first


async def test_a_second_poller_throws_the_first_one_out(api: BotApi, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await polled(api)

    async with bot_for(api.url) as rival:
        second = asyncio.create_task(rival.get_updates(timeout=30))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await first
        api.users.write(7, "hello")
        assert len(await second) == 1


async def test_a_poller_that_was_killed_takes_no_update_with_it(api: BotApi, bot: Bot) -> None:
    dead = asyncio.create_task(bot.get_updates(timeout=10))
    await polled(api)
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)

    update_id = api.users.write(7, "hello")

    assert [u.update_id for u in await bot.get_updates(timeout=2)] == [update_id]


async def test_a_webhook_shuts_polling_out_until_it_is_deleted(api: BotApi, bot: Bot) -> None:
    api.state.updates.webhook_url = "https://bot.example/hook"

    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    assert await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_only_wanted_kinds_of_update_are_queued(api: BotApi, bot: Bot) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    api.users.write(7, "unheard")
    sent = await bot.send_message(7, "press", reply_markup=KEYBOARD)

    api.users.press(7, sent.message_id, "stop:1")

    (update,) = await bot.get_updates()
    assert update.callback_query is not None


async def test_an_acknowledged_update_can_be_made_to_come_again(api: BotApi, bot: Bot) -> None:
    update_id = api.users.write(7, "hello")
    await bot.get_updates(offset=update_id + 1)

    api.state.updates.replay(update_id)

    assert [u.update_id for u in await bot.get_updates(offset=update_id + 1)] == [update_id]
    assert await bot.get_updates(offset=update_id + 1) == ()


async def test_what_users_do_arrives_as_the_kind_of_update_that_it_is(api: BotApi, bot: Bot) -> None:
    api.users.add_group(-100, title="Team")
    api.users.write(7, "/code@openclaw_local_bot sort", language_code="he", first_name="Dana")
    api.users.edit(7, 1, "/code other")
    api.users.write(-100, "@openclaw_local_bot hello", user_id=7, thread_id=3)
    api.users.upload(7, "a.pdf", b"%PDF", caption="sum up", mime_type="application/pdf")
    api.users.upload(7, "v.ogg", b"Ogg", kind="voice", mime_type="audio/ogg", duration_s=4)
    api.users.upload(7, "p.jpg", b"jpg", kind="photo")
    api.users.write(7, "and this?", reply_to=1)

    text, edited, group, document, voice, photo, reply = await bot.get_updates()

    assert text.message is not None
    assert text.message.from_user is not None
    assert (text.message.from_user.first_name, text.message.from_user.language_code) == ("Dana", "he")
    assert [e.type for e in text.message.entities] == ["bot_command"]
    assert (edited.edited_message and edited.edited_message.text) == "/code other"
    assert group.message is not None
    assert (group.message.chat.type, group.message.message_thread_id) == ("supergroup", 3)
    assert [e.type for e in group.message.entities] == ["mention"]
    assert document.message is not None
    assert document.message.document is not None
    assert (document.message.caption, document.message.document.file_name) == ("sum up", "a.pdf")
    assert voice.message is not None
    assert voice.message.voice is not None
    assert photo.message is not None
    assert photo.message.photo[0].file_size == 3
    assert reply.message is not None
    assert (reply.message.reply_to_message and reply.message.reply_to_message.message_id) == 1


async def test_who_writes_as_the_group_and_what_is_edited_look_as_telegram_sends_them(api: BotApi, bot: Bot) -> None:
    api.users.add_group(-100, title="Team")
    api.users.write(-100, "as the group", user_id=7, as_group=True)
    api.users.write(-100, "a reply", user_id=7, reply_to=1)
    api.users.write(-100, "a reply to a reply", user_id=7, reply_to=2)
    api.users.upload(7, "p.jpg", b"jpg", kind="photo", caption="old")
    api.users.edit(7, 1, "new @somebody")

    admin, _, reply, _, edited = (update.effective_message for update in await bot.get_updates())
    assert admin is not None
    assert (admin.from_user and admin.from_user.id, admin.sender_chat and admin.sender_chat.id) == (1087968824, -100)
    assert reply is not None
    assert reply.reply_to_message is not None
    assert (reply.reply_to_message.message_id, reply.reply_to_message.reply_to_message) == (2, None)
    assert edited is not None
    assert (edited.text, edited.caption, [e.type for e in edited.caption_entities]) == (
        None,
        "new @somebody",
        ["mention"],
    )


async def test_a_pressed_button_is_answered_once(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    sent = await bot.send_message(7, "…", reply_markup=KEYBOARD)
    api.users.press(7, sent.message_id, "stop:1")
    update = (await bot.get_updates())[-1]

    assert update.callback_query is not None
    assert update.callback_query.data == "stop:1"
    assert await update.callback_query.answer("Stopped")
    with pytest.raises(BadRequest, match="Query is too old"):
        await update.callback_query.answer("Stopped")
    with pytest.raises(ValueError, match="no button"):
        api.users.press(7, sent.message_id, "retry:1")


def test_any_update_can_be_queued_also_a_malformed_one(api: BotApi) -> None:
    api.state.updates.add({"message": {"message_id": "seven", "chat": 5}})
    api.state.updates.add({"poll_answer": None})
    api.state.updates.add({})

    assert api.state.updates.pending == 3


async def test_files_go_both_ways(api: BotApi, bot: Bot) -> None:
    api.users.upload(7, "note.txt", b"quiet")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.document is not None

    file = await update.message.document.get_file()
    content = bytes(await file.download_as_bytearray())
    sent = await bot.send_document(
        7, content.upper(), filename="loud.txt", caption="here", caption_entities=[MessageEntity("bold", 0, 4)]
    )
    assert sent.document is not None
    again = await bot.send_document(7, sent.document.file_id)

    assert content == b"quiet"
    assert (sent.document.file_name, sent.caption, sent.caption_entities[0].type) == ("loud.txt", "here", "bold")
    assert again.document is not None
    assert again.document.file_size == 5
    with pytest.raises(BadRequest, match="Invalid file_id"):
        await bot.get_file("nonsense")


async def test_a_files_path_is_good_for_an_hour_after_it_was_asked_for(api: BotApi, bot: Bot) -> None:
    now_s = 0.0
    api.state.clock = lambda: now_s
    api.users.upload(7, "note.txt", b"quiet")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.document is not None
    file_id = update.message.document.file_id
    stored = api.state.storage.stored_file(file_id)
    assert stored is not None
    unasked = f"{api.url}/file/bot{TOKEN}/{stored[0]}"
    async with httpx.AsyncClient() as http:
        assert (await http.get(unasked)).status_code == 404

        file = await bot.get_file(file_id)
        assert (await http.get(unasked)).content == b"quiet"
        now_s = 3601.0
        with pytest.raises(TelegramError, match="Not Found"):
            await file.download_as_bytearray()
        await bot.get_file(file_id)
        assert (await http.get(unasked)).content == b"quiet"


async def test_a_file_beyond_20_megabytes_cannot_be_fetched(api: BotApi, bot: Bot) -> None:
    api.users.upload(7, "big.bin", bytes(20 * 1024 * 1024 + 1))
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.document is not None

    with pytest.raises(BadRequest, match="File is too big"):
        await update.message.document.get_file()


async def test_commands_are_kept_by_language_and_scope(api: BotApi, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("new", "Start over")])
    await bot.set_my_commands([BotCommand("new", "להתחיל מחדש")], language_code="he")
    scope = BotCommandScopeAllPrivateChats()

    assert [c.description for c in await bot.get_my_commands()] == ["Start over"]
    assert [c.description for c in await bot.get_my_commands(language_code="he")] == ["להתחיל מחדש"]
    assert await bot.get_my_commands(scope=scope) == ()
    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await bot.set_my_commands([BotCommand("New", "upper case")])


async def test_the_bot_knows_itself(api: BotApi, bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.is_bot, me.username, me.can_join_groups) == (True, "openclaw_local_bot", True)
