"""A model server whose answers follow the prompt: what it says is a function of the system prompt and the newest message."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Say = Callable[[str, str], str]
"""The answer to the system prompt and the user's newest message."""


@dataclass(kw_only=True)
class PromptedModel:
    """A running server with Groq's path. It streams each answer in one piece."""

    say: Say
    url: str = ""
    prompts: list[str] = field(default_factory=list)
    """The system prompt of each call."""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        said = body["messages"]
        prompt, message = said[0]["content"], said[-1]["content"]
        self.prompts.append(prompt)
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": 50, "total_tokens": len(prompt) // 4 + 50}
        if not body.get("stream"):
            answer = {"role": "assistant", "content": self.say(prompt, message)}
            choice = {"index": 0, "message": answer, "finish_reason": "stop"}
            whole = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
            return web.json_response(whole | {"usage": usage})
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for delta, end in (({"role": "assistant", "content": self.say(prompt, message)}, None), ({}, "stop")):
            row = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
            row |= {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
            if end:
                row |= {"usage": usage, "x_groq": {"usage": usage}}
            await response.write(f"data: {json.dumps(row)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response


@asynccontextmanager
async def prompted_model(say: Say) -> AsyncIterator[PromptedModel]:
    model = PromptedModel(say=say)
    app = web.Application()
    app.router.add_post("/openai/v1/chat/completions", model.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        model.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield model
    finally:
        await runner.cleanup()
