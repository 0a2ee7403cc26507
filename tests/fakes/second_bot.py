"""A second bot in the same groups, as in Telegram's bot-to-bot mode: it writes to the bot by name and gets the replies."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from openclaw_standin.bot_api import BotApi
from openclaw_standin.bot_api.formatting import with_found
from openclaw_standin.bot_api.state import ApiObject, Chat
from openclaw_standin.bot_api.storage import Storage
from openclaw_standin.bot_api.updates import Updates
from openclaw_standin.bot_api.wire import ErrorReply, Params, bad_request, read_params, reply_of


class SecondBot:
    """The methods that `scripts/smoke` calls: getMe, getUpdates, sendMessage, forwardMessage, deleteMessage.

    Without *hears_edits* it gets new messages only: Telegram's documentation does not say which is right.
    """

    def __init__(self, api: BotApi, *, token: str, hears_edits: bool = True) -> None:
        self._hears_edits = hears_edits
        self._state = api.state
        self._updates = Updates(Storage(None))
        self.bot: ApiObject = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Smoke",
            "username": "openclaw_smoke_bot",
        }
        self._methods: dict[str, Callable[[Params], Any]] = {
            "getme": lambda _params: self.bot,
            "sendmessage": self._send,
            "forwardmessage": self._forward,
            "deletemessage": self._delete,
        }
        self._state.message_listeners.append(self._on_message)
        api.other_bots[token] = self.call

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One call of the Bot API in this bot's name."""
        try:
            params = await read_params(request)
            return web.json_response(
                {"ok": True, "result": await self._run(request.match_info["method"].lower(), params)}
            )
        except ErrorReply as refused:
            return reply_of(refused)

    async def _run(self, method: str, params: Params) -> Any:
        if method == "getupdates":
            wanted = params.parsed("allowed_updates", "allowed updates")
            return await self._updates.poll(
                offset=params.integer("offset"), limit=100, timeout_s=params.integer("timeout"), allowed=wanted
            )
        if method not in self._methods:
            raise ErrorReply(404, "Not Found: method not found")
        return self._methods[method](params)

    def _send(self, params: Params) -> ApiObject:
        chat = self._group(params, "chat_id")
        text = params.text("text").strip()
        if not text:
            raise bad_request("message text is empty")
        message = self._state.new_message(chat, self.bot, {"text": text, "entities": with_found(text)})
        if self._reaches_the_bot(message):
            self._state.updates.add({"message": message})
        return message

    def _forward(self, params: Params) -> ApiObject:
        source = self._state.message(self._group(params, "from_chat_id").id, params.integer("message_id"))
        if source is None:
            raise bad_request("message to forward not found")
        origin = {"type": "user", "sender_user": source["from"], "date": source["date"]}
        body = {"forward_origin": origin, "text": source.get("text"), "entities": source.get("entities")}
        return self._state.new_message(self._group(params, "chat_id"), self.bot, body)

    def _delete(self, params: Params) -> bool:
        chat = self._group(params, "chat_id")
        message = self._state.message(chat.id, params.integer("message_id"))
        if message is None:
            raise bad_request("message to delete not found")
        if message["from"]["id"] != self.bot["id"]:
            raise bad_request("message can't be deleted")
        self._state.delete_message(chat.id, message["message_id"])
        return True

    def _group(self, params: Params, name: str) -> Chat:
        chat = self._state.chats.get(params.integer(name))
        if chat is None or not chat.is_group:
            raise bad_request("chat not found")
        return chat

    def _reaches_the_bot(self, message: ApiObject) -> bool:
        """Only a command that names the bot reaches it: `/command@Bot`."""
        command = str(message["text"]).split(maxsplit=1)[0]
        name = str(self._state.bot["username"])
        return command.startswith("/") and command.lower().endswith(f"@{name.lower()}")

    def _on_message(self, message: ApiObject, edited: bool) -> None:
        to_us = message.get("reply_to_message", {}).get("from", {}).get("id") == self.bot["id"]
        by_the_bot = message.get("from", {}).get("id") == self._state.bot["id"]
        if to_us and by_the_bot and (self._hears_edits or not edited):
            self._updates.add({"edited_message" if edited else "message": message})
