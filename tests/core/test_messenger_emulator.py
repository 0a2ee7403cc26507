"""Our calls, as somebody else's Bot API server understands them."""

from collections.abc import AsyncIterator

import pytest

from openclaw_core import errors
from openclaw_core.chat.paging import pages
from openclaw_core.chat.telegram.messenger import BotIdentity, TelegramMessenger
from openclaw_core.ports import AnswerFile, Button, Entity, Page
from tests.fakes.bot_api_emulator import BotApiEmulator, Refusal, serving

CHAT = 4711


@pytest.fixture
def api() -> BotApiEmulator:
    return BotApiEmulator()


@pytest.fixture
async def messenger(api: BotApiEmulator) -> AsyncIterator[TelegramMessenger]:
    async with serving(api.application()) as address, TelegramMessenger.open("7:TOKEN", address) as opened:
        yield opened


async def test_a_message_has_entities_buttons_a_reply_and_no_link_preview(
    messenger: TelegramMessenger, api: BotApiEmulator
) -> None:
    page = Page(
        text="🙂 bold שלום link",
        entities=(
            Entity(type="bold", offset=3, length=4),
            Entity(type="text_link", offset=13, length=4, url="https://a.b"),
        ),
    )

    message_id = await messenger.send(
        CHAT, page, reply_to=12, thread_id=3, buttons=[[Button(label="⏹ Stop", data="stop:u1")]], silent=True
    )

    (call,) = api.made("sendMessage")
    assert api.texts == {(CHAT, message_id): page.text}
    assert {name: call.fields[name] for name in call.fields if name not in ("chat_id", "text")} == {
        "entities": [
            {"type": "bold", "offset": 3, "length": 4},
            {"type": "text_link", "offset": 13, "length": 4, "url": "https://a.b"},
        ],
        "link_preview_options": {"is_disabled": True},
        "reply_parameters": {"message_id": 12, "allow_sending_without_reply": True},
        "message_thread_id": "3",
        "reply_markup": {"inline_keyboard": [[{"text": "⏹ Stop", "callback_data": "stop:u1"}]]},
        "disable_notification": "true",
    }


async def test_an_edit_replaces_text_and_the_same_again_is_success(
    messenger: TelegramMessenger, api: BotApiEmulator
) -> None:
    message_id = await messenger.send(CHAT, Page(text="💭"))

    await messenger.edit(CHAT, message_id, Page(text="done"), buttons=[[Button(label="x", data="y")]])
    await messenger.edit(CHAT, message_id, Page(text="done"))

    assert api.texts == {(CHAT, message_id): "done"}
    assert len(api.made("editMessageText")) == 2


async def test_an_edit_of_a_deleted_message_says_that_it_is_gone(messenger: TelegramMessenger) -> None:
    with pytest.raises(errors.MessageGone):
        await messenger.edit(CHAT, 99, Page(text="x"))


async def test_refused_entities_are_told_apart(messenger: TelegramMessenger) -> None:
    with pytest.raises(errors.MarkupRefused):
        await messenger.send(CHAT, Page(text="x", entities=(Entity(type="bold", offset=0, length=5),)))


async def test_an_answer_of_several_pages_is_accepted_as_paging_made_it(
    messenger: TelegramMessenger, api: BotApiEmulator
) -> None:
    done, _ = pages("# כותרת\n\nPython **היא** `שפה` 🙂\n\n" * 400, lang="he")

    for page in done:
        await messenger.send(CHAT, page)

    assert [call.fields["text"] for call in api.made("sendMessage")] == [page.text for page in done]
    assert len(done) > 2


async def test_a_file_arrives_with_name_caption_and_content(messenger: TelegramMessenger, api: BotApiEmulator) -> None:
    await messenger.send_file(CHAT, AnswerFile(name="קוד.py", content="print('שלום')\n"), reply_to=5, caption="here")

    (call,) = api.made("sendDocument")
    ((name, content),) = call.files.values()
    assert (name, content.decode()) == ("קוד.py", "print('שלום')\n")
    assert call.fields["caption"] == "here"


async def test_a_picture_arrives_as_a_photo(messenger: TelegramMessenger, api: BotApiEmulator) -> None:
    await messenger.send_picture(CHAT, b"\xff\xd8\xff jpeg", reply_to=5)

    (call,) = api.made("sendPhoto")
    assert list(call.files.values()) == [("figure.jpg", b"\xff\xd8\xff jpeg")]
    assert call.fields["disable_notification"]


async def test_small_signs_reactions_typing_and_buttons(messenger: TelegramMessenger, api: BotApiEmulator) -> None:
    await messenger.react(CHAT, 5, "👀")
    await messenger.react(CHAT, 5, "")
    await messenger.show_typing(CHAT)
    await messenger.show_typing(CHAT, thread_id=3)
    await messenger.answer_button("q1", "Stopped")
    await messenger.answer_button("q2")

    reactions = [call.fields.get("reaction", []) for call in api.made("setMessageReaction")]
    assert reactions == [[{"type": "emoji", "emoji": "👀"}], []]
    assert [call.fields["action"] for call in api.made("sendChatAction")] == ["typing", "typing"]
    assert [call.fields.get("text") for call in api.made("answerCallbackQuery")] == ["Stopped", None]


async def test_the_bot_says_who_it_is(messenger: TelegramMessenger) -> None:
    assert await messenger.get_me() == BotIdentity(id=7, username="fixture_bot")


async def test_commands_are_registered_in_both_languages_and_english_for_all_others(
    messenger: TelegramMessenger, api: BotApiEmulator
) -> None:
    await messenger.set_commands("en", [("help", "What I can do")])
    await messenger.set_commands("he", [("help", "מה אפשר לעשות")])

    calls = api.made("setMyCommands")
    assert [call.fields.get("language_code") for call in calls] == [None, "en", "he"]
    assert calls[2].fields["commands"] == [{"command": "help", "description": "מה אפשר לעשות"}]


async def test_a_users_file_is_fetched_up_to_its_limit(messenger: TelegramMessenger, api: BotApiEmulator) -> None:
    api.add_file("doc-1", b"12345")

    assert await messenger.get_file_bytes("doc-1", 5) == b"12345"
    with pytest.raises(errors.MessengerRefused, match="larger than 4 bytes"):
        await messenger.get_file_bytes("doc-1", 4)


async def test_a_flood_limit_says_how_long_to_rest_and_is_not_retried(
    messenger: TelegramMessenger, api: BotApiEmulator
) -> None:
    api.refuse_next = [Refusal("Too Many Requests: retry after 7", 429, {"retry_after": 7})]

    with pytest.raises(errors.FloodWait) as caught:
        await messenger.send(CHAT, Page(text="x"))

    assert caught.value.retry_after_s == 7.0
    assert len(api.calls) == 1
