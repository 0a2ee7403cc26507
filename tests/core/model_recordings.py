"""What servers stream for the same short answer, each in its own manner: written by hand after their public documentation.

Every answer is "Four." after a thought, where the server shows thoughts; every count is 11 tokens of prompt and 3 of answer.
"""

import json
from typing import Any

COUNTS = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


def event(
    delta: dict[str, Any] | None, *, reason: str | None = None, choice: dict[str, Any] | None = None, **more: Any
) -> str:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason, **(choice or {})}]
    return "data: " + json.dumps({"id": "c-1", "object": "chat.completion.chunk", "choices": choices, **more}) + "\n\n"


DONE = "data: [DONE]\n\n"
STREAMS: dict[str, tuple[str, ...]] = {
    # Counts stand in the last chunk of the answer, in a field of Groq's own.
    "groq": (
        event({"role": "assistant", "content": ""}, x_groq={"id": "req_1"}),
        event({"content": "Four."}),
        event({}, reason="stop", x_groq={"id": "req_1", "usage": COUNTS}),
        DONE,
    ),
    # `usage` is there and null in every chunk but the last, which has no choice; chunks are padded against guessing by length.
    "openai": (
        event(
            {"role": "assistant", "content": "", "refusal": None}, usage=None, obfuscation="x1", service_tier="default"
        ),
        event({"content": "Four."}, usage=None, obfuscation="y"),
        event({}, reason="stop", usage=None, obfuscation="z9"),
        event(None, usage=COUNTS | {"prompt_tokens_details": {"cached_tokens": 8}}),
        DONE,
    ),
    # Comments keep the connection open; the counts come with a choice that is empty, after the end.
    "openrouter": (
        ": OPENROUTER PROCESSING\n\n",
        event({"role": "assistant", "content": "", "reasoning": "2 and 2"}, provider="One"),
        ": OPENROUTER PROCESSING\n\n",
        event({"role": "assistant", "content": "Four."}, provider="One", choice={"native_finish_reason": None}),
        event({"role": "assistant", "content": ""}, reason="stop", choice={"native_finish_reason": "end_turn"}),
        event({"role": "assistant", "content": ""}, usage=COUNTS | {"cost": 0.00001}),
        DONE,
    ),
    # The text stands beside the delta once more; an end mark of its own, with the counts in the same chunk.
    "together": (
        event(
            {"role": "assistant", "content": "Four", "token_id": 19},
            choice={"text": "Four", "logprobs": None},
            usage=None,
        ),
        event({"role": "assistant", "content": ".", "token_id": 13}, choice={"text": "."}, usage=None),
        event({"content": ""}, reason="eos", usage=COUNTS),
        DONE,
    ),
    # Thoughts in `reasoning`; each chunk says who speaks.
    "ollama": (
        event(
            {"role": "assistant", "content": "", "reasoning": "2 and"}, model="qwen3:4b", system_fingerprint="fp_ollama"
        ),
        event({"role": "assistant", "content": "", "reasoning": " 2"}),
        event({"role": "assistant", "content": "Four."}),
        event({"role": "assistant", "content": ""}, reason="stop"),
        event(None, usage=COUNTS),
        DONE,
    ),
    # Thoughts in `reasoning_content`; the first content is null; timings beside the counts.
    "llama.cpp": (
        event({"role": "assistant", "content": None}),
        event({"reasoning_content": "2 and 2"}),
        event({"content": "Four."}),
        event({}, reason="stop"),
        event(None, usage=COUNTS, timings={"prompt_n": 11, "predicted_n": 3, "predicted_per_second": 60.5}),
        DONE,
    ),
    "lmstudio": (
        event({"role": "assistant", "reasoning": "2 and 2"}, system_fingerprint="qwen/qwen3-4b"),
        event({"role": "assistant", "content": "Four."}),
        event({}, reason="stop"),
        event(None, usage=COUNTS),
        DONE,
    ),
    # Without a reasoning parser, thoughts stand in the content; their first mark is part of the prompt.
    "vllm": (
        event({"role": "assistant", "content": ""}, choice={"logprobs": None}),
        event({"content": "<think>2 and 2</th"}),
        event({"content": "ink>\n\nFour."}),
        event({"content": ""}, reason="stop", choice={"stop_reason": None}),
        event(None, usage=COUNTS),
        DONE,
    ),
    # Nothing but the answer: no counts, no word at the end.
    "compatible": (event({"content": "Four."}), event({}, reason="stop")),
}

_PIECE = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}}
TOOL_CALLS: dict[str, tuple[str, ...]] = {
    "in pieces": (
        event({"role": "assistant", "content": None, "tool_calls": [_PIECE]}),
        event({"tool_calls": [{"index": 0, "function": {"arguments": '{"at": '}}]}),
        event({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
        event({}, reason="tool_calls"),
        DONE,
    ),
    "whole, with an empty id and an object, and an end like any other": (
        event(
            {"content": "", "tool_calls": [_PIECE | {"id": "", "function": {"name": "look", "arguments": {"at": 1}}}]}
        ),
        event({"content": ""}, reason="stop"),
        DONE,
    ),
}
