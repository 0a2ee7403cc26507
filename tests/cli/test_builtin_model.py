"""The built-in model, which is llama.cpp's own server: it really answers through our client, and says what to do where it cannot run."""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from openclaw_cli.up import builtin_model as module
from openclaw_cli.up.builtin_model import MODEL_ID, builtin_model, check_cpu, cpu_flags, weights
from openclaw_core.errors import ChatUnauthorized, OpenClawError, RequestTooLarge, SettingsError
from openclaw_core.models.client import ModelClient
from openclaw_core.models.providers import LLAMA_CPP, Server
from openclaw_core.ports import Message, ModelCall

needs_cpu = pytest.mark.skipif(
    (cpu_flags() or frozenset({"avx2"})) & {"avx2"} == frozenset(), reason="the built-in model needs AVX2"
)


@pytest.fixture
async def chat() -> AsyncIterator[ModelClient]:
    async with builtin_model() as server, ModelClient.at(Server.of(LLAMA_CPP, server.key, server.url)) as opened:
        yield opened


def call(text: str, *, max_tokens: int = 24) -> ModelCall:
    system = Message(role="system", content="You are a helpful assistant. Answer in one short sentence.")
    return ModelCall(
        model=MODEL_ID,
        messages=(system, Message(role="user", content=text)),
        max_tokens=max_tokens,
        temperature=0.2,
        reasoning_effort="low",
        tools=("browser_search",),
        first_token_timeout_s=90,
        idle_timeout_s=60,
    )


@needs_cpu
async def test_it_answers_in_pieces_counts_tokens_and_refuses_what_is_too_long(chat: ModelClient) -> None:
    assert await chat.models() == {MODEL_ID}

    pieces = [piece async for piece in chat.stream(call("What is the capital of France?"))]
    usage = pieces[-1].usage

    assert len(pieces) > 3
    assert len("".join(piece.text for piece in pieces).split()) > 2
    assert usage is not None
    assert usage.counted
    assert usage.answer_tokens <= 24

    cut = [piece async for piece in chat.stream(call("Tell me a long story.", max_tokens=5))]
    assert cut[-1].truncated

    with pytest.raises(RequestTooLarge):
        await anext(chat.stream(call("word " * 6000)))


@needs_cpu
async def test_it_keeps_to_a_schema_and_knows_what_llama_cpp_alone_is_told(chat: ModelClient) -> None:
    colours = {"type": "object", "properties": {"colour": {"type": "string", "enum": ["red", "green"]}}, "required": ["colour"], "additionalProperties": False}  # fmt: skip
    asked = replace(call("Which colour has grass?", max_tokens=40), reasoning_effort="none")

    value, usage = await chat.complete_json(asked, schema=colours, timeout_s=90)

    assert value["colour"] in ("red", "green")
    assert usage.counted
    assert (await anext(chat.stream(asked))).text


@needs_cpu
async def test_a_wrong_key_and_a_recording_are_refused_as_what_they_are() -> None:
    async with builtin_model() as server:
        async with ModelClient.at(Server.of(LLAMA_CPP, "wrong", server.url)) as stranger:
            with pytest.raises(ChatUnauthorized):
                await anext(stranger.stream(call("hello")))
        async with ModelClient.at(Server.of(LLAMA_CPP, server.key, server.url)) as chat:
            with pytest.raises(OpenClawError):
                await chat.transcribe(b"RIFF", name="a.wav", model=MODEL_ID, timeout_s=30)


@needs_cpu
async def test_its_process_ends_with_it() -> None:
    def children() -> list[psutil.Process]:
        found = []
        for process in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if "openclaw_cli.up.builtin_model" in process.cmdline():
                    found.append(process)
        return found

    async with builtin_model():
        assert len(children()) == 1

    assert children() == []


def test_weights_are_found_without_importing_their_package() -> None:
    assert weights().stat().st_size == module.WEIGHTS_BYTES


@needs_cpu
async def test_fault_of_who_uses_it_stays_what_it_is() -> None:
    with pytest.raises(TimeoutError, match="theirs"):
        async with builtin_model():
            raise TimeoutError("theirs")


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(
        SettingsError, match="weights are missing: run `make install`, or use another model: set GROQ_API_KEY"
    ):
        weights()


def test_old_cpu_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"needs a CPU with avx2 and fma .*set GROQ_API_KEY"):
        check_cpu(frozenset({"sse2"}))


@pytest.mark.parametrize("flags", [None, frozenset({"avx2", "fma", "sse2"})])
def test_good_or_unknown_cpu_may_try(flags: frozenset[str] | None) -> None:
    check_cpu(flags)


async def test_fault_of_its_process_reaches_the_user_as_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "xllamacpp"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('no wheel')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))

    with pytest.raises(SettingsError, match=r"^the built-in model cannot run on this system \(no xllamacpp\): use"):
        async with builtin_model():
            pass
