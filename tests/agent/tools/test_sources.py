"""Numbers, links and quotations of an answer: what a reader sees was opened, or it is not there."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openclaw_agent.tools.opened import OpenedPages, Source
from openclaw_agent.tools.sources import finish, growing
from openclaw_core.chat.paging import pages, preview
from openclaw_core.ports import Entity, Page
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence
from tests.core.page_checks import assert_valid, part

FOX = Source(
    number=1, url="https://a.org/fox?b=1&copy=2", domain="a.org", title="The fox",
    text="The quick brown fox jumps over the lazy dog[4]. It doesn't mind, said Dr. Levi: the dog was asleep at that time.",
)  # fmt: skip
LAW = Source(
    number=2, url="https://b.co.il/%D7%97%D7%95%D7%A7", domain="b.co.il", title="החוק",
    text='ראש הממשלה אמר כי "אין שום כוונה לשנות את החוק הקיים", והוסיף: בצה״ל לא היו דברים מעולם.',
)  # fmt: skip
THIRD = Source(
    number=3, url="https://xn--80ak6aa92e.com/", domain="xn--80ak6aa92e.com", title="", text="nothing of the kind"
)
OPENED = (FOX, LAW, THIRD)


def body_of(markdown: str) -> str:
    return markdown.partition("\n\n**Sources**")[0].partition("\n\n<blockquote expandable>")[0]


def said(text: str, opened: Sequence[Source] = OPENED) -> str:
    """What a chat shows of the answer, without the list."""
    return "\n".join(page.text for page in pages(body_of(finish(text, opened, lang="en")), lang="en")[0])


def links(page: Page) -> list[tuple[str, str]]:
    return [(part(page, one), one.url or "") for one in page.entities if one.type == "text_link"]


def one_page(text: str, opened: Sequence[Source] = OPENED) -> Page:
    (page,) = pages(finish(text, opened, lang="en"), lang="en")[0]
    return page


# ---- numbers and the list


def test_a_number_links_to_its_page_and_the_list_names_it() -> None:
    page = one_page("Foxes jump [1], and laws stay [2].")

    assert page.text == (
        "Foxes jump [1], and laws stay [2].\n\nSources\n[1] a.org · The fox\n[2] b.co.il · החוק\n\nAlso read\n[3] xn--80ak6aa92e.com"
    )
    assert links(page) == [
        ("[1]", FOX.url), ("[2]", LAW.url), ("[1] a.org · The fox", FOX.url), ("[2] b.co.il · החוק", LAW.url),
        ("[3] xn--80ak6aa92e.com", THIRD.url),
    ]  # fmt: skip
    folded = next(one for one in page.entities if one.type == "expandable_blockquote")
    assert part(page, folded) == "Also read\n[3] xn--80ak6aa92e.com"


def test_the_list_goes_by_the_first_citation_and_the_rest_is_folded() -> None:
    lines = finish("Second [2], then first [1], and second again [2].", OPENED, lang="en").split("\n")

    assert [line[:3] for line in lines if line.startswith("[[")] == ["[[2", "[[1", "[[3"]
    assert lines.index("<blockquote expandable>") == len(lines) - 4


def test_pages_that_nothing_goes_by_are_all_folded_and_named_in_the_users_language() -> None:
    markdown = finish("בלי מספרים", OPENED, lang="he")

    assert "**מקורות**" not in markdown
    assert markdown.split("\n\n")[1].startswith("<blockquote expandable>\n**נקראו גם**\n\u200f[[1]")


def test_each_line_of_a_hebrew_list_reads_from_the_right() -> None:
    (page,) = pages(finish("גובה המגדלור הוא 41 מטרים [1], והוא הודלק ב־1931 [2].", OPENED, lang="he"), lang="he")[0]

    lines = page.text[page.text.index("מקורות") :].split("\n")
    assert [line[:4] for line in lines if "]" in line] == ["\u200f[1]", "\u200f[2]", "\u200f[3]"]
    assert "\u200f" not in finish("It is 41 metres high [1].", OPENED, lang="en")


@pytest.mark.parametrize("lang", ["en", "he"])
def test_without_an_opened_page_the_answer_is_from_memory(lang: str) -> None:
    markdown = finish("Rome [1] is old, see https://a.org/fox.", (), lang=lang)  # type: ignore[arg-type]

    assert markdown == f"Rome is old, see `https://a.org/fox`.\n\n_{wording.sentence(Sentence.FROM_MEMORY, lang)}_"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("one [1] two", "one [1] two"),
        ("one[1].", "one[1]."),
        ("Great![1]", "Great! [1]"),
        ("both [1][2]", "both [1][2]"),
        ("both [1, 2] and [2;1]", "both [1][2] and [2][1]"),
        ("all [1-3]", "all [1][2][3]"),
        ("harmony 【1†L2-L6】 and 【 2 】", "harmony [1] and [2]"),
        ("note[^1] and [source 2]", "note[1] and [2]"),
        (r"escaped \[1\]", "escaped [1]"),
        ("wide ［１］ and [**2**]", "wide [1] and [2]"),
        ("&#91;1&#93; and &lsqb;7&rsqb;", "[1] and"),
        ("nowhere [7] and [0] end", "nowhere and end"),
        ("half [1, 9] end", "half [1] end"),
        ("inner [[9]1] end", "inner [1] end"),
        ("deep [[[9]9]9] end", "deep [(9)9] end"),
        ("in [2024] and [abc] and [ ] end", "in [2024] and [abc] and [ ] end"),
        ("מילה [1] ומילה[2].", "מילה [1] ומילה[2]."),
        ("[1](https://evil.com) and [[2]](https://evil.com)", "[1] and [2]"),
        ("[9](https://evil.com) end", "end"),
        ("[the fox](https://a.org/fox?b=1&copy=2) jumps", "the fox [1] jumps"),
        ("[1](https://b.co.il/חוק) is 2", "[2] is 2"),
        ("bare https://b.co.il/חוק.", "bare [2]."),
        ("<https://a.org/fox?b=1&copy=2>", "[1]"),
        ("[x](https://evil.com/a_(b)) y", "x y"),
        ("![x](https://evil.com/p.png) y", "x y"),
        ('<a href="https://evil.com">x</a> y', "x y"),
        ("[^1]: https://evil.com\nend [1]", "end [1]"),
        ("call handlers[name](event) and f(x)[i](y)", "call handlers[name](event) and f(x)[i](y)"),
    ],
)
def test_how_numbers_and_links_are_written(written: str, shown: str) -> None:
    assert said(written) == shown


def test_an_address_that_was_not_opened_is_no_link() -> None:
    page = one_page("See https://evil.com/x?y=1, www.evil.com and tg://resolve?domain=x.", ())

    assert [part(page, one).rstrip(".") for one in page.entities if one.type == "code"] == [
        "https://evil.com/x?y=1",
        "www.evil.com",
        "tg://resolve?domain=x",
    ]
    assert links(page) == []


CODE = [
    "```py\na[0] = b[7]  # https://evil.com\n```",
    '~~~\n[9](https://evil.com) "one two three four five" [1]\n~~~',
    "<pre>x[7]</pre>",
    "    x[7] = 1",
]


@pytest.mark.parametrize("code", CODE)
def test_code_is_shown_as_it_is(code: str) -> None:
    assert code in finish(f"See [1]:\n\n{code}\n\nand [9] `y[8]`.", OPENED, lang="en")
    assert "`y[8]`" in finish(f"{code}\n\nand `y[8]`.", OPENED, lang="en")


@pytest.mark.parametrize("head", ["Sources:", "**Sources**", "## References", "מקורות:"])
def test_a_list_of_the_models_own_goes(head: str) -> None:
    text = f"Foxes jump [1].\n\n{head}\n\n1. The fox – https://a.org/fox\n- [9] evil https://evil.com"

    assert body_of(finish(text, OPENED, lang="en")) == "Foxes jump [[1]](https://a.org/fox?b=1&amp;copy=2)."
    assert "rely on them" in finish(f"{head}\n\nYou should rely on them only with care.", OPENED, lang="en")


def test_a_list_of_sources_from_memory_goes_too() -> None:
    text = "The tower is 41 metres high.\n\nSources:\n- Museum of Lighthouses, museum.example.org\n- [1] harbour.example.net"

    assert finish(text, (), lang="en").startswith("The tower is 41 metres high.\n\n_This answer is from memory")
    # A role that only reads sums up what it was sent, which may end so.
    assert "Museum of Lighthouses" in finish(text, (), lang="en", unopened=None)


@pytest.mark.parametrize(
    "title",
    [
        "A [2] b",
        "a](https://evil.com)",
        "**a** `b` _c_",
        "</blockquote>\n# x",
        "&#91;3&#93;",
        "https://evil.com",
        "<b>x</b>",
        "\u202eevil\u2066",
        "x" * 500,
        "$x$ | y",
    ],
)
def test_a_title_says_only_its_words(title: str) -> None:
    page = Source(number=1, url=FOX.url, domain="a.org", title=title, text="")
    for body in ("x [1]", "x"):
        shown = one_page(body, (page,))
        assert {url for _, url in links(shown)} == {FOX.url}
        assert re.findall(r"\[\d+\]", shown.text) == ["[1]"] * (2 if body == "x [1]" else 1)
        assert {one.type for one in shown.entities} <= {"text_link", "bold", "expandable_blockquote"}
        assert len(shown.text) < 200


# ---- quotations


@pytest.mark.parametrize(
    "kept",
    [
        'It says "the quick brown fox jumps over" [1].',
        "It says “The Quick, brown fox  jumps” [1].",
        "According to [1], «quick brown fox jumps over the lazy dog».",
        '"The quick brown fox … was asleep at that time" [1]',
        "“It doesn’t mind, said Dr. Levi” [1]",
        '"quick brown fox jumps over the lazy dog. It doesn\'t" [1]',
        'לפי [2] נאמר ש"אין שום כוונה לשנות את החוק".',
        "„אין שום כוונה לשנות את החוק” [2]",
        '״אָמַר כי "אין שום כוונה לשנות״ [2]',
        'הוא אמר: "בצה"ל לא היו דברים מעולם" [2].',
        'short "not there" [1]. And "nobody says where this was ever said".',
        '"the quick brown fox jumps over" said one [2][1].',
        "He says 'the quick brown fox jumps over' and more [1].",
        "‘It doesn’t mind, said Dr. Levi’ [1]",
        "In the '90s the keepers' lamps had gone and nobody's dog slept [1].",
        "'Tis the season of the foxes' return, and nobody knows why that is [1].",
        "The foxes' and dogs' peace holds, says the vets' board of the town [1].",
        "A shelf of 12″ records and one of 7″ records stood in the room [1].",
        "לפי ג'ורג' וצ'רלי אין שום כוונה כזאת ולא היתה מעולם [2].",
    ],
)
def test_what_stands_in_the_page_stays(kept: str) -> None:
    strip = re.compile(r"\[\[(\d)\]\]\([^)]*\)")
    assert strip.sub(r"[\1]", body_of(finish(kept, OPENED, lang="en"))) == kept


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('He said "we never expected such a result at all" [1].', "He said […] [1]."),
        ('He said "we never expected such a result at all." [1] Then more.', "He said […] [1] Then more."),
        ("In [2]: “the quick brown fox jumps over”.", "In [2]: […]."),
        # Letters that look alike.
        (
            "“the qui\u0441k br\u043ewn fox jumps over the lazy dog” [1]",
            "the qui\u0441k br\u043ewn fox jumps over the lazy dog [1]",
        ),
        ("“th\u0435 qui\u0441k br\u043ewn f\u043ex jum\u0440s” [1]", "[…] [1]"),
        ("“the 99 quick brown fox jumps over the lazy dog” [1]", "[…] [1]"),
        ("> the moon is made of green cheese [1]\n\nend", "[…] [1]\n\nend"),
        (
            "> the quick brown fox jumped over the lazy dog\n\n— [1]",
            "the quick brown fox jumped over the lazy dog\n\n— [1]",
        ),
        ('"the lazy dog … the quick brown fox" [1]', "the lazy dog … the quick brown fox [1]"),
    ],
)
def test_what_does_not_stand_there_goes(written: str, shown: str) -> None:
    assert said(written) == shown


def test_words_that_nobody_is_named_for_are_left_alone_without_pages() -> None:
    poem = '"Shall I compare thee to a summer\'s day" is a line.'
    assert finish(poem, (), lang="en").startswith(poem)


# ---- growing


ANSWER = (
    'Foxes [1] say "the quick brown fox jumps over" [1]. Others say "we never expected such a result at all" [2]. See [x](https://evil.com/a) and '
    'https://evil.com/b or [the law](https://b.co.il/חוק) [9].\n\n> the moon is made of green cheese [1]\n\nהוא אמר ש"הממשלה תתפטר כולה כבר מחר" [2].\n\n'
    "They said 'the keepers' lamp burns on forever' [1].\n\n"
    "```\na[7]\n```\nand `b[8]`.\n\nSources:\n- [1] https://a.org\n- [9] https://evil.com\n"
)


def test_nothing_flashes_while_an_answer_grows() -> None:
    for end in range(len(ANSWER) + 1):
        shown = "\n".join(page.text for page in preview(growing(ANSWER[:end], OPENED), lang="en"))
        for never in (
            "expected such",
            "green cheese",
            "lamp burns",
            "evil.com/a",
            "[9",
            "הממשלה תתפטר",
            "Sources",
            "](",
            "[[",
        ):
            assert never not in shown, (ANSWER[:end], shown)
        assert not re.search(r"(?<!a)(?<!b)\[\d?$", shown)  # a[7] and b[8] are code
        check(preview(growing(ANSWER[:end], OPENED), lang="en"))


def test_what_was_shown_stays() -> None:
    last = ""
    for end in range(len(ANSWER) + 1):
        shown = body_of(growing(ANSWER[:end], OPENED)).rstrip()
        assert shown.startswith(last[: len(last) - 1]) or len(shown) >= len(last) - 12, (last, shown)
        last = max(last, shown, key=len)
    assert last.startswith(body_of(finish(ANSWER, OPENED, lang="en")))  # "Sourc" is not yet the head of a list


@pytest.mark.parametrize(
    "cut",
    [
        "x [",
        "x [1",
        "x [1,",
        "x 【1†L",
        "x [label](http",
        "x [label]",
        "x https://a.o",
        "x www.",
        "x <a hre",
        "x &#9",
        "x \\",
        'x "not yet',
        "x ![",
        "x [^1",
    ],
)
def test_a_mark_that_is_not_whole_waits(cut: str) -> None:
    assert growing(cut, OPENED).strip() == "x"


# ---- whatever a model writes

FRAGMENTS = st.sampled_from(
    [
        "word", "מילה", "צה\"ל", " ", " ", " ", "\n", "\n\n", ". ", "[1]", "[2]", "[3]", "[9]", "[1", "]", "[", "[[", "]]", "(", ")", "](", "【", "】", "†L1",
        "1", "9", "２", "١", ",", "-", "^", "\\", "\\[", "\\]", "`", "``", "```", "\n```\n", "~~~\n", "*", "**", "_", "~~", "|", "\n| a | b |\n|---|---|\n| ", "> ", "\n> ",
        "- ", "# ", "!", "![", "<", ">", "<b>", "</b>", "<a href=\"https://evil.com\">", "</a>", "<pre>", "</pre>", "<code>", "</code>", "<blockquote>", "</blockquote>",
        "<!--", "-->", "&#91;", "&#93;", "&amp;", "&lt;", "$", "$$", "\\(", "\\)", "http", "https://", "://", "evil.com", "https://evil.com/x", "www.evil.com",
        "https://a.org/fox?b=1&copy=2", "[x](https://evil.com)", "[1](https://evil.com)", "[x](https://b.co.il/חוק)", "<https://evil.com>", "\"", "“", "”", "״", "«", "»",
        "the quick brown fox jumps over", "nobody ever said any of this", "\u200b", "\u202e", "\x00", "\ud800", "\t", "    ", "[^1]: ", "Sources:\n", "מקורות\n", "{", "}", "%",
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


# ---- numbering


def test_pages_are_numbered_as_they_are_opened_and_once() -> None:
    opened = OpenedPages([FOX])
    second = opened.open("https://c.org/", domain="c.org", title="C", text="c")
    again = opened.open("https://c.org/", domain="c.org", title="other", text="other")

    assert (second.number, again) == (2, second)
    assert opened.all == (FOX, second)
    assert OpenedPages(opened.all).open("https://d.org/", domain="d.org", title="", text="").number == 3
