"""Methods that act on messages. Each reads its parameters, refuses as Telegram does, and returns the result object."""

import time
from collections.abc import Callable
from typing import Any

from openclaw_standin.bot_api.formatting import MAX_CAPTION_UNITS, MAX_TEXT_UNITS, read_formatted
from openclaw_standin.bot_api.photos import checked_photo
from openclaw_standin.bot_api.state import ApiObject, Chat, TelegramState
from openclaw_standin.bot_api.wire import ErrorReply, Params, bad_request

Method = Callable[[TelegramState, Params], Any]

MAX_UPLOAD_BYTES = 50 * 1024 * 1024
MAX_CALLBACK_BYTES = 64

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current"
    " content and reply markup of the message"
)

REACTIONS = frozenset(
    {
        "👍", "👎", "❤", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩", "🤮", "💩", "🙏", "👌", "🕊", "🤡", "🥱", "🥴", "😍", "🐳", "❤\u200d🔥",
        "❤️\u200d🔥", "🌚", "🌭", "💯", "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾", "💋", "🖕", "😈", "😴", "😭", "🤓", "👻",
        "👨\u200d💻", "👀", "🎃", "🙈", "😇",
        "😨", "🤝", "✍", "🤗", "🫡", "🎅", "🎄", "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷\u200d♂",
        "🤷\u200d♂️", "🤷", "🤷\u200d♀",
        "🤷\u200d♀️", "😡",
    }
)  # fmt: skip
ACTIONS = frozenset(
    {
        "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document", "choose_sticker",
        "find_location", "record_video_note", "upload_video_note",
    }
)  # fmt: skip


def send_message(state: TelegramState, params: Params) -> ApiObject:
    chat = state.find_chat(params)
    text = _text(params)
    extra = _extra(state, chat, params)
    state.flood.take(chat.id, group=chat.is_group)
    return state.new_message(chat, state.bot, text | extra)


def send_document(state: TelegramState, params: Params) -> ApiObject:
    chat = state.find_chat(params)
    extra = _caption(params) | _extra(state, chat, params)
    return state.new_message(chat, state.bot, {"document": _document(state, chat, params)} | extra)


def _document(state: TelegramState, chat: Chat, params: Params) -> ApiObject:
    upload = params.upload("document")
    if upload is None:
        known = state.storage.stored_file(params.text("document"))
        if not params.has("document"):
            raise bad_request("there is no document in the request")
        if known is None:
            raise bad_request("wrong remote file identifier specified: Wrong string length")
        _, name, mime_type, content = known
    else:
        name, mime_type, content = upload.name, upload.mime_type, upload.content
        if not content:
            raise bad_request("file must be non-empty")
        if len(content) > MAX_UPLOAD_BYTES:
            raise ErrorReply(413, "Request Entity Too Large")
    state.flood.take(chat.id, group=chat.is_group)
    return state.new_file(name, mime_type, content) | {"file_name": name, "mime_type": mime_type}


def send_photo(state: TelegramState, params: Params) -> ApiObject:
    chat = state.find_chat(params)
    extra = _caption(params) | _extra(state, chat, params)
    upload = params.upload("photo")
    if upload is None:  # one that the server has, or fetches from an address, is not needed here
        raise bad_request("wrong remote file identifier specified" if params.has("photo") else "there is no photo in the request")  # fmt: skip
    mime_type, width, height = checked_photo(upload.content)
    state.flood.take(chat.id, group=chat.is_group)
    file = state.new_file(upload.name, mime_type, upload.content, folder="photos")
    return state.new_message(chat, state.bot, {"photo": [file | {"width": width, "height": height}]} | extra)


def edit_message_text(state: TelegramState, params: Params) -> ApiObject:
    chat, old = _own_message(state, params)
    text = _text(params)
    if "text" not in old:
        raise bad_request("there is no text in the message to edit")
    markup = _markup(params)
    state.flood.take(chat.id, group=chat.is_group)
    kept = {key: value for key, value in old.items() if key not in ("text", "entities", "reply_markup", "edit_date")}
    new = kept | text | ({"reply_markup": markup} if markup else {})
    if all(old.get(part) == new.get(part) for part in ("text", "entities", "reply_markup")):
        raise bad_request(NOT_MODIFIED)
    message = new | {"edit_date": int(time.time())}
    state.save_message(chat.id, message)
    return message


def send_chat_action(state: TelegramState, params: Params) -> bool:
    chat = state.find_chat(params)
    action = params.text("action").lower()
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    state.check_topic(chat.id, params.integer("message_thread_id"))
    state.flood.take_light()
    state.page_events.publish("action", chat.id, action=action)
    return True


def set_message_reaction(state: TelegramState, params: Params) -> bool:
    chat = state.find_chat(params)
    message_id = params.integer("message_id")
    if state.message(chat.id, message_id) is None:
        raise bad_request("message to react not found")
    wanted = params.parsed("reaction", "reaction types") or []
    if not isinstance(wanted, list) or not all(isinstance(item, dict) for item in wanted):
        raise bad_request("can't parse reaction types JSON object")
    if len(wanted) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if wanted and (wanted[0].get("type") != "emoji" or wanted[0].get("emoji") not in REACTIONS):
        raise bad_request("REACTION_INVALID")
    state.flood.take_light()
    state.react(chat.id, message_id, wanted[0]["emoji"] if wanted else "")
    return True


def answer_callback_query(state: TelegramState, params: Params) -> bool:
    chat_id = state.open_callbacks.pop(params.text("callback_query_id"), None)
    if chat_id is None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = params.text("text")[:200]
    state.page_events.publish("answered", chat_id, text=text, alert=params.flag("show_alert"))
    return True


# ---- shared by the methods


def _own_message(state: TelegramState, params: Params) -> tuple[Chat, ApiObject]:
    chat = state.find_chat(params)
    if not params.has("message_id"):
        raise bad_request("message identifier is not specified")
    message = state.message(chat.id, params.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if message.get("from", {}).get("id") != state.bot["id"]:
        raise bad_request("message can't be edited")
    return chat, message


def _text(params: Params) -> ApiObject:
    text = read_formatted(
        params, "text", entities_name="entities", max_units=MAX_TEXT_UNITS, too_long="message is too long"
    )
    return {"text": text.text} | ({"entities": list(text.entities)} if text.entities else {})


def _caption(params: Params) -> ApiObject:
    caption = read_formatted(
        params,
        "caption",
        entities_name="caption_entities",
        max_units=MAX_CAPTION_UNITS,
        too_long="message caption is too long",
        required=False,
    )
    return {"caption": caption.text or None, "caption_entities": list(caption.entities)}


def _extra(state: TelegramState, chat: Chat, params: Params) -> ApiObject:
    return _reply(state, chat, params) | {"reply_markup": _markup(params)}


def _reply(state: TelegramState, chat: Chat, params: Params) -> ApiObject:
    """The fields for the message that is replied to, and for the topic."""
    thread_id = params.integer("message_thread_id")
    extra: ApiObject = {"message_thread_id": thread_id, "is_topic_message": True} if thread_id else {}
    wanted = params.parsed("reply_parameters", "reply parameters")
    if wanted is not None:
        if not isinstance(wanted, dict) or not isinstance(wanted.get("message_id"), int):
            raise bad_request("can't parse reply parameters JSON object")
        target = state.message(chat.id, wanted["message_id"])
        if target is None and not wanted.get("allow_sending_without_reply"):
            raise bad_request("message to be replied not found")
        if target is not None:
            extra["reply_to_message"] = {key: value for key, value in target.items() if key != "reply_to_message"}
            if target.get("is_topic_message"):  # Telegram puts a reply into the topic of the message that it replies to
                extra |= {"message_thread_id": target["message_thread_id"], "is_topic_message": True}
    state.check_topic(chat.id, extra.get("message_thread_id"))
    return extra


def _markup(params: Params) -> ApiObject | None:
    """The inline keyboard; None without one. Other keyboards are accepted and not shown, as on an old client."""
    markup = params.parsed("reply_markup", "reply keyboard markup")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    rows = markup.get("inline_keyboard")
    if rows is None:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    for button in (button for row in rows for button in row):
        if not isinstance(button, dict) or not button.get("text"):
            raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
        if "callback_data" not in button and "url" not in button:
            raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        data = button.get("callback_data")
        if data is not None and not 1 <= len(str(data).encode()) <= MAX_CALLBACK_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    rows = [row for row in rows if row]
    return {"inline_keyboard": rows} if rows else None
