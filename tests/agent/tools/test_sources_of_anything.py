"""Whatever a model writes: no number without an entry, no link that was not opened, and no text that takes long."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openclaw_agent.tools.opened import Source
from openclaw_agent.tools.sources import finish, growing
from openclaw_core.chat.paging import pages, preview
from openclaw_core.ports import Entity, Page
from tests.agent.tools.cited_answers import OPENED
from tests.core.page_checks import assert_valid, part

FRAGMENTS = st.sampled_from(
    [
        "word", "מילה", "צה\"ל", " ", " ", " ", "\n", "\n\n", ". ", "[1]", "[2]", "[3]", "[9]", "[1", "]", "[", "[[",
        "]]", "(", ")", "](", "【", "】", "†L1",
        "1", "9", "２", "١", ",", "-", "^", "\\", "\\[", "\\]", "`", "``", "```", "\n```\n", "~~~\n", "*", "**", "_",
        "~~", "|", "\n| a | b |\n|---|---|\n| ", "> ", "\n> ",
        "- ", "# ", "!", "![", "<", ">", "<b>", "</b>", "<a href=\"https://evil.com\">", "</a>", "<pre>", "</pre>",
        "<code>", "</code>", "<blockquote>", "</blockquote>",
        "<!--", "-->", "&#91;", "&#93;", "&amp;", "&lt;", "$", "$$", "\\(", "\\)", "http", "https://", "://",
        "evil.com", "https://evil.com/x", "www.evil.com",
        "https://a.org/fox?b=1&copy=2", "[x](https://evil.com)", "[1](https://evil.com)", "[x](https://b.co.il/חוק)",
        "<https://evil.com>", "\"", "“", "”", "״", "«", "»",
        "the quick brown fox jumps over", "nobody ever said any of this", "\u200b", "\u202e", "\x00", "\ud800", "\t",
        "    ", "[^1]: ", "Sources:\n", "מקורות\n", "{", "}", "%",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(FRAGMENTS, max_size=25).map("".join),
    st.text(alphabet='[]()【】1290 `<>&#;!\\*_\n"“”:/.hw״א', max_size=40),
    st.text(max_size=30),
)


def check(shown: Sequence[Page], opened: Sequence[Source] = OPENED) -> None:
    """Nothing that a reader could take for a source is anything else."""
    by_url = {page.url: page.number for page in opened}
    for page in shown:
        assert_valid(page)
        units = page.text.encode("utf-16-le")
        free = bytearray(units)
        for one in page.entities:
            begin, end = one.offset * 2, (one.offset + one.length) * 2
            if one.type == "text_link":
                number = by_url.get(one.url or "")
                assert number is not None, one.url
                assert part(page, one).startswith(f"[{number}]"), (part(page, one), number)
            if one.type in ("text_link", "code", "pre"):
                free[begin:end] = "\u2592".encode("utf-16-le") * one.length
        rest = free.decode("utf-16-le")
        assert not re.search(r"[\[【［]\s*\d{1,3}\s*[\]】］]", rest), rest
        assert not re.search(r"(?:https?|tg)://\S|(?<![\w.@/-])www\.\w", rest), rest


def entries(shown: Sequence[Page]) -> list[Entity]:
    return [one for page in shown for one in page.entities if one.type == "text_link"]


@settings(max_examples=400, deadline=None)
@example(text="[9`]`1]")
@example(text="`[`1`]`")
@example(text="word```https://")
@example(text="a ` b https://evil.com/x")
@example(text="a `` b ` c https://evil.com/x [1]")
@example(text="$[1]$ \\([9]\\)")
@example(text="ht**tp**s://evil.com and https:\\//evil.com")
@example(text="[x](&#104;ttps://evil.com)")
@given(text=TEXTS)
def test_no_number_without_an_entry_and_no_link_that_was_not_opened(text: str) -> None:
    for opened in (OPENED, ()):
        markdown = finish(text, opened, lang="he" if "מ" in text else "en")
        shown, _ = pages(markdown, lang="en")
        check(shown, opened)
        labels = {part(page, one) for page in shown for one in page.entities if one.type == "text_link"}
        for label in labels:
            assert any(entry.startswith(f"{label[:3]} ") for entry in labels), labels


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, data=st.data())
def test_nor_while_it_grows(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    check(preview(growing(text[:cut], OPENED), lang="en"))


@settings(max_examples=60, deadline=None)
@given(before=TEXTS, code=st.text(alphabet='a[1]9 (https://e.vil)"', min_size=1, max_size=30))
def test_code_stays_behind_anything(before: str, code: str) -> None:
    block = f"\n\n```\n{code}\n```\n"
    plain = re.sub(r"[`~<\\\n|>$&]", "", before)  # that opens no other code around it
    assert block.strip() in finish(f"{plain}{block}\nend", OPENED, lang="en") or not code.strip()


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "[[",
        "](",
        "[1",
        '"',
        "`",
        "> ",
        "https://",
        "<",
        "[1]",
        "“a b c d e f ",
        " 'a",
        " 'a' b",
        "‘a’ ",
        "&#91;",
        "[9]",
        "![a](",
        "\\[",
        "1. [1] https://a.b\n",
    ],
)
def test_long_texts_take_no_longer_than_they_should(piece: str) -> None:
    import time

    text = piece * (16_000 // len(piece))
    began = time.process_time()
    finish(text, OPENED, lang="en")
    growing(text, OPENED)
    assert time.process_time() - began < 8
