"""A second bot in the groups, by Telegram's bot-to-bot mode: it writes to the bot by name, and hears what replies to it."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from openclaw_standin.bot_api.formatting import with_found
from openclaw_standin.bot_api.state import Chat, Wire, World
from openclaw_standin.bot_api.storage import Keeper
from openclaw_standin.bot_api.updates import Updates
from openclaw_standin.bot_api.wire import Params, Refused, bad_request, read_params, reply_of


class SecondBot:
    """What `scripts/smoke` needs of a bot: getMe, getUpdates, sendMessage, forwardMessage, deleteMessage.

    *hears_edits* off: only new messages reach it. Telegram's documentation does not say which way it is.
    """

    def __init__(
        self, world: World, *, token: str, username: str = "openclaw_smoke_bot", hears_edits: bool = True
    ) -> None:
        self.token = token
        self.hears_edits = hears_edits
        self._world = world
        self._updates = Updates(Keeper(None))
        self.bot: Wire = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Smoke",
            "username": username,
        }
        self._methods: dict[str, Callable[[Params], Any]] = {
            "getme": lambda _params: self.bot,
            "sendmessage": self._send,
            "forwardmessage": self._forward,
            "deletemessage": self._delete,
        }
        world.watchers.append(self._hear)

    async def call(self, request: web.Request) -> web.Response:
        """One call of the Bot API in this bot's name."""
        try:
            params = await read_params(request)
            return web.json_response(
                {"ok": True, "result": await self._obey(request.match_info["method"].lower(), params)}
            )
        except Refused as refused:
            return reply_of(refused)

    async def _obey(self, method: str, params: Params) -> Any:
        if method == "getupdates":
            wanted = params.parsed("allowed_updates", "allowed updates")
            return await self._updates.poll(
                offset=params.integer("offset"), limit=100, timeout_s=params.integer("timeout"), allowed=wanted
            )
        if method not in self._methods:
            raise Refused(404, "Not Found: method not found")
        return self._methods[method](params)

    def _send(self, params: Params) -> Wire:
        chat = self._group(params, "chat_id")
        text = params.text("text").strip()
        if not text:
            raise bad_request("message text is empty")
        message = self._world.new_message(chat, self.bot, {"text": text, "entities": with_found(text)})
        if self._reaches_the_bot(message):
            self._world.updates.add({"message": message})
        return message

    def _forward(self, params: Params) -> Wire:
        source = self._world.message(self._group(params, "from_chat_id").id, params.integer("message_id"))
        if source is None:
            raise bad_request("message to forward not found")
        origin = {"type": "user", "sender_user": source["from"], "date": source["date"]}
        body = {"forward_origin": origin, "text": source.get("text"), "entities": source.get("entities")}
        return self._world.new_message(self._group(params, "chat_id"), self.bot, body)

    def _delete(self, params: Params) -> bool:
        chat = self._group(params, "chat_id")
        message = self._world.message(chat.id, params.integer("message_id"))
        if message is None:
            raise bad_request("message to delete not found")
        if message["from"]["id"] != self.bot["id"]:
            raise bad_request("message can't be deleted")
        self._world.forget_message(chat.id, message["message_id"])
        return True

    def _group(self, params: Params, name: str) -> Chat:
        chat = self._world.chats.get(params.integer(name))
        if chat is None or not chat.is_group:
            raise bad_request("chat not found")
        return chat

    def _reaches_the_bot(self, message: Wire) -> bool:
        """Only a command that names the bot does: `/command@Bot`."""
        command = str(message["text"]).split(maxsplit=1)[0]
        name = str(self._world.bot["username"])
        return command.startswith("/") and command.lower().endswith(f"@{name.lower()}")

    def _hear(self, message: Wire, edited: bool) -> None:
        asked = message.get("reply_to_message", {}).get("from", {}).get("id") == self.bot["id"]
        theirs = message.get("from", {}).get("id") == self._world.bot["id"]
        if asked and theirs and (self.hears_edits or not edited):
            self._updates.add({"edited_message" if edited else "message": message})
