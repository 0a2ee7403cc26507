"""A model server for end-to-end tests: its answer names the question, so that each answer can be told from every other."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class EchoModel:
    """Streams `Answer to <question>. w0 w1 …`; *fail* makes the next calls answer that status, *seen* counts calls by question."""

    url: str = ""
    first_s: float = 0.05
    answer: str = ""
    """Said instead of the echo."""
    thought: str = ""
    """Said before it, in pieces of a few characters."""
    listed: list[str] = field(default_factory=list)
    """Ids that `GET /models` names; it answers every model all the same."""
    asked_of: list[str] = field(default_factory=list)
    words: int = 20
    word_s: float = 0.005
    fail: list[int] = field(default_factory=list)
    fails_for: dict[str, int] = field(default_factory=dict)
    """Questions that are always answered with a status."""
    fails_prompt: str = ""
    """What a system prompt says that is always answered with 401."""
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    """Questions whose answer does not begin before its event."""
    limited: set[str] = field(default_factory=set)
    """Models that are answered 429."""
    refused_prompt: str = ""
    """A request whose instructions have these words is answered 400."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of each answer."""
    seen: list[str] = field(default_factory=list)
    prompts: list[list[dict[str, Any]]] = field(default_factory=list)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        first_s, word_s, words = self.first_s, self.word_s, self.words  # a test may change them for the next call
        question = body["messages"][-1]["content"]
        self.seen.append(question)
        self.prompts.append(body["messages"])
        self.asked_of.append(body["model"])
        if question in self.fails_for:
            return web.json_response({"error": {"message": "no"}}, status=self.fails_for[question])
        if self.fails_prompt and self.fails_prompt in body["messages"][0]["content"]:
            return web.json_response({"error": {"message": "no"}}, status=401)
        if body["model"] in self.limited:
            return web.json_response({"error": {"message": "a limit"}}, status=429, headers={"retry-after": "1"})
        if self.refused_prompt and self.refused_prompt in body["messages"][0]["content"]:
            return web.json_response({"error": {"message": "no"}}, status=400)
        if self.fail:
            return web.json_response({"error": {"message": f"about {question}"}}, status=self.fail.pop(0))
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **self.headers})
        await response.prepare(request)
        try:
            if question in self.held:
                await self.held[question].wait()
            await asyncio.sleep(first_s)
            thought = [self.thought[at : at + 7] for at in range(0, len(self.thought), 7)]
            for text in thought:
                await response.write(self._event({"content": text}, None))
                await asyncio.sleep(0.05)
            for text in [self.answer or f"Answer to {question}. ", *(f"w{n} " for n in range(words))]:
                await response.write(self._event({"content": text}, None))
                await asyncio.sleep(word_s)
            await response.write(self._event({}, "stop"))
            await response.write(b"data: [DONE]\n\n")
        except ConnectionError:
            pass  # the agent was killed or stopped: nobody reads any more
        return response

    @staticmethod
    def _event(delta: dict[str, str], finish: str | None) -> bytes:
        usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
        chunk: dict[str, Any] = {
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }  # fmt: skip
        if finish:
            chunk["x_groq"] = {"id": "r", "usage": usage}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"


@asynccontextmanager
async def echo_model() -> AsyncIterator[EchoModel]:
    model = EchoModel()
    app = web.Application()

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": id_, "object": "model"} for id_ in model.listed]})

    async def hears(_: web.Request) -> web.Response:
        return web.json_response({"text": "spoken question"})

    app.add_routes(
        [
            web.post("/openai/v1/chat/completions", model.chat),
            web.post("/openai/v1/audio/transcriptions", hears),
            web.get("/openai/v1/models", models),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        model.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield model
    finally:
        await runner.cleanup()
