"""Methods about the bot itself, its chats and files, and the table of all methods."""

from collections.abc import Mapping
from typing import Any

from openclaw_standin.bot_api import message_methods
from openclaw_standin.bot_api.message_methods import Method
from openclaw_standin.bot_api.state import ApiObject, TelegramState
from openclaw_standin.bot_api.wire import Params, bad_request

MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024


def get_me(state: TelegramState, _params: Params) -> ApiObject:
    return state.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def get_updates(state: TelegramState, params: Params) -> list[ApiObject]:
    allowed = params.parsed("allowed_updates", "allowed updates")
    if allowed is not None and not isinstance(allowed, list):
        raise bad_request("can't parse allowed updates: expected an Array")
    return await state.updates.poll(
        offset=params.integer("offset"),
        limit=params.integer("limit", 100),
        timeout_s=params.integer("timeout"),
        allowed=allowed,
    )


def delete_webhook(state: TelegramState, _params: Params) -> bool:
    state.updates.webhook_url = ""
    return True


def _commands_key(params: Params) -> str:
    scope = params.parsed("scope", "bot command scope") or {"type": "default"}
    if not isinstance(scope, dict) or "type" not in scope:
        raise bad_request("can't parse BotCommandScope: Can't find field \"type\"")
    where = ":".join(str(scope[part]) for part in ("type", "chat_id", "user_id") if part in scope)
    return f"{where}/{params.text('language_code')}"


def set_my_commands(state: TelegramState, params: Params) -> bool:
    commands = params.parsed("commands", "commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("can't parse commands: expected an Array of at most 100")
    for command in commands:
        if not isinstance(command, dict):
            raise bad_request("can't parse BotCommand: expected an Object")
        name, what = str(command.get("command", "")), str(command.get("description", ""))
        word = name.replace("_", "a")
        if not (1 <= len(name) <= 32 and word.isascii() and word.isalnum() and name == name.lower()):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(what) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.set_commands(
        _commands_key(params), [{"command": c["command"], "description": c["description"]} for c in commands]
    )
    return True


def get_my_commands(state: TelegramState, params: Params) -> list[ApiObject]:
    return state.commands.get(_commands_key(params), [])


def shown_commands(state: TelegramState, language_code: str) -> list[ApiObject]:
    """The commands that a client in *language_code* lists: of the narrowest scope that has any, in its language if there are any."""
    for scope in ("all_private_chats", "default"):
        for language in (language_code, ""):
            if commands := state.commands.get(f"{scope}/{language}"):
                return commands
    return []


def get_file(state: TelegramState, params: Params) -> ApiObject:
    file_id = params.text("file_id")
    known = state.storage.stored_file(file_id) if file_id else None
    if known is None:
        raise bad_request("invalid file_id" if file_id else "file_id is empty")
    path, _, _, content = known
    if len(content) > MAX_DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    state.file_links[path] = state.clock()
    return {
        "file_id": file_id,
        "file_unique_id": file_id[2:18],
        "file_size": len(content),
        "file_path": path,
    }


METHODS: Mapping[str, Method] = {
    name.lower(): method
    for name, method in {
        "getMe": get_me,
        "getUpdates": get_updates,
        "deleteWebhook": delete_webhook,
        "sendMessage": message_methods.send_message,
        "sendDocument": message_methods.send_document,
        "sendPhoto": message_methods.send_photo,
        "sendChatAction": message_methods.send_chat_action,
        "editMessageText": message_methods.edit_message_text,
        "setMessageReaction": message_methods.set_message_reaction,
        "answerCallbackQuery": message_methods.answer_callback_query,
        "setMyCommands": set_my_commands,
        "getMyCommands": get_my_commands,
        "getFile": get_file,
    }.items()
}


def result_message_id(result: Any) -> int | None:
    """The message id of a result, for the journal."""
    return result.get("message_id") if isinstance(result, dict) else None
