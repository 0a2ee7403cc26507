"""A reply by a schema: parsed and checked, or an error; garbage of a model reaches nobody."""

from typing import Any

import pytest

from openclaw_core.errors import ChatUnavailable, EmptyAnswer
from openclaw_core.models.json_schema import matches
from tests.core.groq_server import CALL, ROLE_SCHEMA, hangs, replies, says, serving


async def test_reply_by_schema_comes_parsed_with_its_counts() -> None:
    async with serving(says('{"role": "coder"}')) as (server, chat):
        value, usage = await chat.complete_json(CALL, schema=ROLE_SCHEMA, timeout_s=5)

    assert (value, usage.prompt_tokens) == ({"role": "coder"}, 11)
    assert server.bodies[0]["response_format"]["json_schema"]["strict"] is True
    assert server.bodies[0]["response_format"]["json_schema"]["schema"] == ROLE_SCHEMA


@pytest.mark.parametrize("before", ["<think>or researcher?</think>\n", "or researcher?</think>", "<think></think>"])
async def test_thoughts_before_the_json_are_not_read(before: str) -> None:
    async with serving(says(before + '{"role": "coder"}')) as (_, chat):
        assert (await chat.complete_json(CALL, schema=ROLE_SCHEMA, timeout_s=5))[0] == {"role": "coder"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("coder, I think", ChatUnavailable),
        ('{"role": "poet"}', ChatUnavailable),
        ('{"role": "coder", "also": 1}', ChatUnavailable),
        ("[]", ChatUnavailable),
        ('{"role": ', ChatUnavailable),
        ("", EmptyAnswer),
        ("<think>hm", EmptyAnswer),
        (None, EmptyAnswer),
    ],
)
async def test_garbage_instead_of_json_is_an_error(content: str | None, expected: type[Exception]) -> None:
    async with serving(says(content)) as (_, chat):
        with pytest.raises(expected):
            await chat.complete_json(CALL, schema=ROLE_SCHEMA, timeout_s=5)


@pytest.mark.parametrize("text", ["{}", '{"choices": []}', '{"choices": null}', "[]", "nonsense"])
async def test_reply_without_a_choice_is_unavailable(text: str) -> None:
    async with serving(replies(text)) as (_, chat):
        with pytest.raises(ChatUnavailable):
            await chat.complete_json(CALL, schema=ROLE_SCHEMA, timeout_s=5)


async def test_json_reply_keeps_its_time_budget() -> None:
    async with serving(hangs) as (_, chat):
        with pytest.raises(ChatUnavailable):
            await chat.complete_json(CALL, schema=ROLE_SCHEMA, timeout_s=0.1)


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        (3, {"type": "integer"}, True),
        (True, {"type": "integer"}, False),
        (0.5, {"type": "number"}, True),
        ("x", {"type": "number"}, False),
        (False, {"type": "boolean"}, True),
        (["a"], {"type": "array", "items": {"type": "string"}}, True),
        (["a", 1], {"type": "array", "items": {"type": "string"}}, False),
        ({}, {"type": "object", "required": ["a"]}, False),
    ],
)
def test_schema_check_knows_the_types(value: object, schema: dict[str, Any], expected: bool) -> None:
    assert matches(value, schema) is expected
