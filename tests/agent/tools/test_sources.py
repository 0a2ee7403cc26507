"""Numbers, links and quotations of an answer: what a reader sees was opened, or it is not there."""

import re

import pytest

from openclaw_agent.tools.opened import OpenedPages, Source
from openclaw_agent.tools.sources import finish, growing
from openclaw_core.chat.paging import pages, preview
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence
from tests.agent.tools.cited_answers import FOX, LAW, OPENED, THIRD, body_of, links, one_page, said
from tests.agent.tools.test_sources_of_anything import check
from tests.core.page_checks import part


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


# ---- numbering


def test_pages_are_numbered_as_they_are_opened_and_once() -> None:
    opened = OpenedPages([FOX])
    second = opened.open("https://c.org/", domain="c.org", title="C", text="c")
    again = opened.open("https://c.org/", domain="c.org", title="other", text="other")

    assert (second.number, again) == (2, second)
    assert opened.all == (FOX, second)
    assert OpenedPages(opened.all).open("https://d.org/", domain="d.org", title="", text="").number == 3
