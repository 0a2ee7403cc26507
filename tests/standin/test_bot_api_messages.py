"""Messages through the real client: what the stand-in accepts, stores and refuses, in Telegram's own words."""

from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, ReplyParameters
from telegram.constants import ChatAction, ParseMode, ReactionEmoji
from telegram.error import BadRequest, EndPointNotFound, Forbidden, InvalidToken, TelegramError

from openclaw_standin.bot_api import BotApi
from openclaw_standin.bot_api.message_methods import ACTIONS, REACTIONS
from tests.standin.conftest import bot_for

KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Stop", callback_data="stop:1")]])


async def test_a_sent_message_is_stored_as_the_client_got_it_back(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "שלום")

    sent = await bot.send_message(7, "**hi**", reply_markup=KEYBOARD, reply_parameters=ReplyParameters(1))

    assert (sent.message_id, sent.text, sent.reply_to_message and sent.reply_to_message.text) == (2, "**hi**", "שלום")
    assert sent.reply_markup == KEYBOARD
    assert api.bot_texts(7) == ["**hi**"]


async def test_each_chat_counts_its_own_messages(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "a")
    api.users.write(8, "b")

    assert (await bot.send_message(7, "x")).message_id == 2
    assert (await bot.send_message(8, "x")).message_id == 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"chat_id": 7, "text": "x" * 4097}, "Message is too long"),
        ({"chat_id": 7, "text": "😀" * 2049}, "Message is too long"),
        ({"chat_id": 7, "text": " \n "}, "Message text is empty"),
        ({"chat_id": 999, "text": "x"}, "Chat not found"),
        ({"chat_id": 7, "text": "x", "reply_parameters": ReplyParameters(55)}, "Message to be replied not found"),
        ({"chat_id": 7, "text": "<b>x", "parse_mode": ParseMode.HTML}, 'find end tag corresponding to start tag "b"'),
        ({"chat_id": 7, "text": "*x*", "parse_mode": ParseMode.MARKDOWN_V2}, "Unsupported parse_mode"),
    ],
)
async def test_a_bad_message_is_refused_in_telegrams_words(
    api: BotApi, bot: Bot, call: dict[str, Any], words: str
) -> None:
    api.users.write(7, "hello")

    with pytest.raises(BadRequest) as refused:
        await bot.send_message(**call)

    assert words.lower() in refused.value.message.lower()
    assert api.bot_texts(7) == []


async def test_4096_units_are_not_too_long(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")

    assert len((await bot.send_message(7, "😀" * 2048)).text or "") == 2048


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        (
            MessageEntity("bold", 0, 6),
            "Entity beginning at utf-16 offset 0 ends after the end of the text at utf-16 offset 6",
        ),
        (MessageEntity("bold", 9, 1), "Entity begins after the end of the text at utf-16 offset 9"),
        (MessageEntity("bold", 0, 1), "ends in a middle of a utf-16 symbol"),
        (MessageEntity("shiny", 0, 2), "can't parse messageentity: unsupported type specified"),
    ],
)
async def test_an_entity_that_does_not_fit_is_refused(api: BotApi, bot: Bot, entity: MessageEntity, words: str) -> None:
    api.users.write(7, "hello")

    with pytest.raises(BadRequest) as refused:
        await bot.send_message(7, "😀abc", entities=[entity])

    assert words.lower() in refused.value.message.lower()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("httP://Google.com?1#tes", "http://google.com/?1#tes"),
        ("https://a.b:0443/x y", "https://a.b:443/x%20y"),
        ("http://[2001:db8::1]", "http://[2001:db8::1]/"),
        ("TG:user?id=1", "tg://user?id=1"),
        ("mailto:a@b.c", "http://mailto:a@b.c/"),
        ("google.com", "http://google.com/"),
    ],
)
async def test_a_link_is_kept_as_the_server_reads_it(api: BotApi, bot: Bot, url: str, kept: str) -> None:
    api.users.write(7, "x")

    sent = await bot.send_message(7, "link", entities=[MessageEntity("text_link", 0, 4, url=url)])

    assert [entity.url for entity in sent.entities] == [kept]


@pytest.mark.parametrize(
    "url",
    ["http://localhost", "sftp://a.b", "http://a.b:0", "http://a.b:x", "src/app py", "http://", "https://.", "tg:a.b", "tel:+97235551234",
     "http://a{b}.c", "http://a.b%zz", "#x", "http://[::g]", "javascript:alert(1)"],
)  # fmt: skip
async def test_a_link_that_the_server_refuses_costs_the_message(api: BotApi, bot: Bot, url: str) -> None:
    api.users.write(7, "x")

    with pytest.raises(BadRequest, match=r"(?i)entity URL .* is invalid"):
        await bot.send_message(7, "link", entities=[MessageEntity("text_link", 0, 4, url=url)])


async def test_overrides_of_direction_are_taken_out_and_entities_move(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "x")

    sent = await bot.send_message(7, "a\u202eb bold\u202c x\u202d", entities=[MessageEntity("bold", 4, 5)])

    assert (sent.text, [(e.offset, e.length) for e in sent.entities]) == ("ab bold x", [(3, 4)])


@pytest.mark.parametrize("text", ["\u200b", "\u200f \u200e", "\ufeff\n", "\u2800", "\u00a0", "\u202e"])
async def test_a_text_of_invisible_characters_is_empty(api: BotApi, bot: Bot, text: str) -> None:
    api.users.write(7, "x")

    with pytest.raises(BadRequest, match="text is empty"):
        await bot.send_message(7, text)


async def test_an_address_within_the_app_becomes_a_link_outside_of_code(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "x")

    sent = await bot.send_message(7, "tg://user?id=1 tg://user?id=1", entities=[MessageEntity("code", 15, 14)])

    assert [(entity.type, entity.offset) for entity in sent.entities] == [("url", 0), ("code", 15)]


async def test_crossing_entities_are_refused_and_nested_ones_are_not(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    nested = [MessageEntity("bold", 0, 9), MessageEntity("italic", 3, 4)]

    sent = await bot.send_message(7, "one three", entities=nested)

    assert [e.type for e in sent.entities] == ["bold", "italic"]
    with pytest.raises(BadRequest):
        await bot.send_message(7, "one three", entities=[MessageEntity("bold", 0, 6), MessageEntity("italic", 3, 6)])


async def test_entities_beyond_a_hundred_are_dropped_without_a_word(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")

    sent = await bot.send_message(7, "a " * 150 + "end", entities=[MessageEntity("bold", 2 * n, 1) for n in range(150)])

    assert len(sent.entities) == 100


async def test_white_space_at_the_ends_goes_and_entities_move_with_it(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")

    sent = await bot.send_message(7, "  bold \n", entities=[MessageEntity("bold", 2, 6)])

    assert (sent.text, sent.entities[0].offset, sent.entities[0].length) == ("bold", 0, 4)


async def test_an_edit_changes_the_message_in_place(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    sent = await bot.send_message(7, "…", reply_markup=KEYBOARD)

    edited = await bot.edit_message_text("Done.", chat_id=7, message_id=sent.message_id)

    assert not isinstance(edited, bool)
    assert (edited.text, edited.reply_markup, edited.edit_date is not None) == ("Done.", None, True)
    assert api.bot_texts(7) == ["Done."]


async def test_edits_that_change_nothing_or_nobodys_message_are_refused(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    sent = await bot.send_message(7, "same")

    with pytest.raises(BadRequest, match="Message is not modified: specified new message content"):
        await bot.edit_message_text("same ", chat_id=7, message_id=sent.message_id)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("x", chat_id=7, message_id=99)
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("x", chat_id=7, message_id=1)


async def test_reactions_are_those_that_telegram_allows(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")

    assert await bot.set_message_reaction(7, 1, ReactionEmoji.EYES)
    assert api.reaction(7, 1) == "👀"
    assert await bot.set_message_reaction(7, 1, [])
    assert api.reaction(7, 1) == ""
    with pytest.raises(BadRequest, match="Reaction_invalid"):
        await bot.set_message_reaction(7, 1, "✅")
    with pytest.raises(BadRequest, match="Message to react not found"):
        await bot.set_message_reaction(7, 2, "👀")
    assert {emoji.value for emoji in ReactionEmoji} <= REACTIONS


async def test_chat_actions_are_checked(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")

    assert await bot.send_chat_action(7, ChatAction.TYPING)
    assert {action.value for action in ChatAction} == ACTIONS
    with pytest.raises(BadRequest, match="Wrong parameter action in request"):
        await bot.send_chat_action(7, "thinking")


async def test_a_bot_that_was_blocked_is_told(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    api.users.block(7)

    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(7, "x")

    api.users.block(7, reason="")
    assert await bot.send_message(7, "x")


async def test_a_wrong_token_and_an_unknown_method_are_told_apart(api: BotApi, bot: Bot) -> None:
    with pytest.raises(InvalidToken):
        async with bot_for(api.url, "4242:another"):
            pass
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("sendHologram")


async def test_a_group_that_became_a_supergroup_says_where_it_went(api: BotApi, bot: Bot) -> None:
    api.users.add_group(-5, kind="group")
    api.users.upgrade_group(-5, -1005)

    with pytest.raises(TelegramError) as moved:
        await bot.send_message(-5, "x")

    assert getattr(moved.value, "new_chat_id", None) == -1005


async def test_a_topic_takes_messages_while_it_is_there_and_open(api: BotApi, bot: Bot) -> None:
    api.users.add_group(-100, title="Forum")
    api.users.write(-100, "hello", user_id=7, thread_id=3)
    assert (await bot.send_message(-100, "…", message_thread_id=3)).message_thread_id == 3
    with pytest.raises(BadRequest, match="thread not found"):
        await bot.send_message(-100, "…", message_thread_id=4)
    api.users.close_topic(-100, 3, refusal="TOPIC_CLOSED")
    for place in ({"message_thread_id": 3}, {"reply_parameters": ReplyParameters(message_id=1)}):
        with pytest.raises(BadRequest, match=r"(?i)topic_closed"):
            await bot.send_message(-100, "…", **place)
    with pytest.raises(BadRequest, match=r"(?i)topic_closed"):
        await bot.send_chat_action(-100, "typing", message_thread_id=3)
    assert (await bot.send_message(-100, "…")).message_thread_id is None


async def test_html_becomes_entities(api: BotApi, bot: Bot) -> None:
    api.users.write(7, "hello")
    sent = await bot.send_message(7, '<b>😀</b> <a href="https://a.example/">a</a> x &lt; y', parse_mode=ParseMode.HTML)

    assert sent.text == "😀 a x < y"
    assert [(one.type, one.offset, one.length) for one in sent.entities] == [("bold", 0, 2), ("text_link", 3, 1)]
    assert sent.entities[1].url == "https://a.example/"
