"""A request with pictures is refused as model servers refuse it."""

import base64
from typing import Any

import pytest

from openclaw_standin.model.picture_rules import REQUEST_MAX_BYTES, pictures_in, pictures_refused, tokens_of

SEEING = "qwen/qwen3.8-27b"
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 cat").decode()
TEXT = {"type": "text", "text": "what is it?"}


def image(url: Any = f"data:image/jpeg;base64,{JPEG}") -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def refused(*parts: Any, model: str = SEEING, role: str = "user", size: int = 1_000) -> int:
    return pictures_refused({"model": model, "messages": [{"role": role, "content": list(parts)}]}, size)[0]


def test_pictures_by_the_rules_are_taken() -> None:
    assert refused(TEXT, image(), image()) == 0
    assert refused(TEXT, model="openai/gpt-oss-120b") == 0
    assert pictures_refused({"model": "any", "messages": [{"role": "user", "content": "hello"}]}, 10**9) == (0, "")


@pytest.mark.parametrize(
    "url",
    [
        None,
        "https://example.com/cat.jpg",
        f"data:image/gif;base64,{JPEG}",
        f"data:image/jpeg,{JPEG}",
        f"data:image/png;base64,{JPEG}",
        "data:image/jpeg;base64,",
        f"data:image/jpeg;base64,{JPEG}\n",
        f"data:image/jpeg;base64,{JPEG}=",
        f"data:image/jpeg;base64,{JPEG[:-1]}-",
    ],
)
def test_a_url_that_is_no_picture_in_base64_is_refused(url: Any) -> None:
    assert refused(TEXT, image(url)) == 400


def test_other_wrong_requests_are_refused() -> None:
    assert refused(TEXT, image(), model="openai/gpt-oss-120b") == 400
    assert refused(TEXT, image(), role="system") == 400
    assert refused(TEXT, *[image()] * 6) == 400
    assert refused({"type": "picture"}) == 400
    assert refused({"type": "text"}) == 400
    assert refused("words") == 400
    assert refused(TEXT, image(), size=REQUEST_MAX_BYTES + 1) == 413
    assert refused(TEXT, size=REQUEST_MAX_BYTES + 1) == 0


def test_a_picture_has_tokens_of_its_own_and_not_those_of_its_letters() -> None:
    alone = {"role": "user", "content": [TEXT]}
    one = {"role": "user", "content": [TEXT, image("data:image/jpeg;base64," + "A" * 100_000)]}
    assert (pictures_in([alone, one]), tokens_of(one) - tokens_of(alone)) == (1, 1_000)
