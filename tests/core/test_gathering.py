"""What a person sent in one act is one task: its words, what was forwarded with them, and all that came along."""

from dataclasses import replace

import pytest

from openclaw_core.tasks.gathering import JOINED_MAX_CHARS, joined
from openclaw_core.tasks.said import said
from openclaw_core.tasks.task import Material, Task
from tests.core.store_world import task

FILES = [Material(kind="file", file_id=f"f{n}", name=f"{n}.txt") for n in range(3)]
COMMENT = task(1, text="is this true?")
FORWARD = replace(task(2, text="The moon is made of cheese."), forwarded="all")
SECOND = replace(task(3, text="So is the sun."), forwarded="all")
VOICE = replace(task(4, text=""), forwarded="all", materials=(Material(kind="voice", file_id="v"),))


def test_one_message_alone_stays_as_it_is() -> None:
    assert joined([COMMENT]) is COMMENT
    assert joined([FORWARD]) is FORWARD


def test_what_is_forwarded_with_a_comment_is_quoted_in_order() -> None:
    whole = joined([COMMENT, FORWARD, SECOND])
    assert (whole.id, whole.message_id, whole.text) == ("u1", 101, "is this true?")
    assert whole.quoted == "The moon is made of cheese.\n\nSo is the sun."
    assert whole.forwarded == "some"
    assert said(whole) == f"is this true?\n\n[forwarded]\n{whole.quoted}"  # a follow-up may be about it


def test_a_comment_may_come_after_what_it_is_about() -> None:
    whole = joined([FORWARD, COMMENT])
    assert (whole.id, whole.text, whole.quoted) == ("u2", COMMENT.text, FORWARD.text)


def test_forwarded_messages_without_a_word_are_asked_as_one_alone_is() -> None:
    whole = joined([FORWARD, SECOND])
    assert (whole.text, whole.quoted, whole.forwarded) == (f"{FORWARD.text}\n\n{SECOND.text}", "", "all")


def test_an_album_is_one_task_with_all_its_files_and_its_one_caption() -> None:
    parts = [replace(task(n + 1, text="compare them" if n == 0 else ""), materials=(FILES[n],)) for n in range(3)]
    whole = joined(parts)
    assert (whole.text, whole.materials) == ("compare them", tuple(FILES))
    assert said(replace(whole, text="")) == "[the file 0.txt]\n[the file 1.txt]\n[the file 2.txt]"


def test_a_paste_is_whole_again() -> None:
    text = "".join(f"{n} " for n in range(3000))
    parts = [replace(task(n, text=text[n : n + 4096]), cut=True) for n in range(0, len(text), 4096)]
    assert joined(parts).text == text
    assert joined([task(1, text="first line"), task(2, text="second line")]).text == "first line\nsecond line"


def test_the_language_and_the_role_are_those_of_the_words() -> None:
    bare = replace(task(1, text=""), materials=(FILES[0],))
    whole = joined([bare, replace(task(2, text="מה כתוב כאן?"), lang="he", notice_lang="en", unseen="photo")])
    assert (whole.lang, whole.notice_lang, whole.unseen) == ("he", "en", "photo")
    assert joined([replace(task(1, text="sum up:"), role="summarizer"), FORWARD]).role == "summarizer"


def test_what_is_more_than_a_model_reads_is_cut() -> None:
    whole = joined([replace(task(n, text="x" * 16_000), cut=True) for n in range(9)])
    assert len(whole.text) == JOINED_MAX_CHARS
    whole = joined([COMMENT, *[replace(FORWARD, text="x" * 16_000)] * 9])
    assert len(whole.quoted) == JOINED_MAX_CHARS


@pytest.mark.parametrize("split", [1, 2, 3])
@pytest.mark.parametrize(
    "parts",
    [
        [COMMENT, FORWARD, SECOND, VOICE],
        [VOICE, COMMENT, FORWARD, SECOND],
        [FORWARD, VOICE, SECOND, COMMENT],
        [replace(COMMENT, quoted="q", cut=True), replace(task(5, text="and more"), cut=True), task(6, text="the end"), FORWARD],
    ],
)  # fmt: skip
def test_parts_that_come_late_are_joined_as_if_all_had_come_at_once(parts: list[Task], split: int) -> None:
    assert joined([joined(parts[:split]), *parts[split:]]) == joined(parts)
