"""What a run took, as it is stored and read again."""

import json

import pytest

from openclaw_core.tasks.run_usage import CallUsage, ModelTokens, RunUsage, StepUsage, read_usage, usage_fields

TAKEN = RunUsage(
    model="m", calls=3, prompt_tokens=60, cached_tokens=5, answer_tokens=8, counted=False, model_ms=700, first_token_ms=90,
    steps=(StepUsage(model_ms=350, calls=(CallUsage(tool="look", ms=5), CallUsage(tool="open_page", ms=9, fault="timed_out"))),),
    others=(ModelTokens(model="n", prompt_tokens=20, cached_tokens=5, answer_tokens=3),),
)  # fmt: skip


def test_what_is_stored_is_read_as_it_was() -> None:
    assert read_usage(json.dumps(usage_fields(TAKEN))) == TAKEN


def test_what_readers_assume_is_not_stored() -> None:
    fields = usage_fields(TAKEN)
    assert fields["steps"][0]["calls"][0] == {"tool": "look", "ms": 5}
    assert not {"steps", "others"} & usage_fields(RunUsage(model="m")).keys()


def test_fields_of_a_newer_release_are_dropped() -> None:
    newer = usage_fields(TAKEN) | {"colour": "red"}
    newer["steps"][0] |= {"colour": "red"}
    newer["others"][0] |= {"colour": "red"}
    assert read_usage(json.dumps(newer)) == TAKEN


@pytest.mark.parametrize("raw", ["", "{}", "no JSON", "[]", '{"steps": 3}', '{"steps": [[]]}'])
def test_what_cannot_be_read_is_empty(raw: str) -> None:
    assert read_usage(raw) == RunUsage()
