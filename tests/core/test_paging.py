"""Answers in Markdown become Telegram messages: markup, tables, cuts, files and direction, one by one."""

import subprocess
import sys

import pytest

from openclaw_core.chat.formatting import plain, without_formatting
from openclaw_core.chat.markdown.spans import TextSpan as _Span
from openclaw_core.chat.paging import _tidy, pages, preview
from openclaw_core.ports import Page
from tests.core.page_checks import RLM, long_code, marked, only, part


@pytest.mark.parametrize("blank", ["", " ", "\n\n\t", "\x00\x07"])
def test_blank_text_gives_no_page(blank: str) -> None:
    assert pages(blank, lang="en") == ((), ())
    assert preview(blank, lang="en") == ()


def test_markup_without_content_is_shown_rather_than_nothing() -> None:
    assert only("```\n```").text == "```\n```"


def test_usual_markup_becomes_entities() -> None:
    page = only(
        "# Title\n\n**bold** *it* `code` ~~gone~~ [site](https://a.b/c_(d))\n\n> quote\n\n```python\nx = 1\n```"
    )

    assert page.text == "Title\n\nbold it code gone site\n\nquote\n\nx = 1"
    assert marked(page, "bold") == ["Title", "bold"]
    assert marked(page, "italic") == ["it"]
    assert marked(page, "code") == ["code"]
    assert marked(page, "strikethrough") == ["gone"]
    assert marked(page, "blockquote") == ["quote"]
    assert [(part(page, entity), entity.url) for entity in page.entities if entity.type == "text_link"] == [
        ("site", "https://a.b/c_(d)")
    ]
    assert [entity.language for entity in page.entities if entity.type == "pre"] == ["python"]


def test_offsets_count_utf16_units() -> None:
    page = only("a 🙂🙂 **bold!**")

    assert [(entity.offset, entity.length) for entity in page.entities] == [(7, 5)]


def test_formatting_that_crosses_or_stands_inside_code_is_put_right() -> None:
    found = [
        _Span(0, 6, "bold"),
        _Span(4, 9, "italic"),
        _Span(10, 20, "pre"),
        _Span(12, 14, "bold"),
        _Span(20, 30, "blockquote"),
        _Span(22, 25, "blockquote"),
        _Span(28, 99, "code"),
        _Span(1, 2, "custom_emoji"),
    ]

    assert [span[:3] for span in _tidy(found, 40)] == [
        (0, 6, "bold"),
        (4, 6, "italic"),
        (10, 20, "pre"),
        (20, 30, "blockquote"),
        (28, 30, "code"),
    ]


def test_links_that_lead_nowhere_stay_text() -> None:
    assert marked(only("[docs](docs/a.md) [x](javascript:alert)"), "text_link") == []


# ---- what the converter alone would lose


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("use <b> and <div>", "use <b> and <div>"),
        ("<details>\n<summary>More", "<details>\n<summary>More"),
        ("one<br>two<br/>\nthree", "one\ntwo\nthree"),
        ("it costs 5$-10$ or $5 to $20k", "it costs 5$-10$ or $5 to $20k"),
        ("a || b || c", "a || b || c"),
        ("see [1]\n\n[1]: https://x.y/z", "see [1]\n\n[1]: https://x.y/z"),
        ("Euler: \\(e^{i\\pi} = -1\\)", "Euler: e^(iπ) = -1"),
    ],
)
def test_text_that_looks_like_markup_stays(markdown: str, text: str) -> None:
    assert only(markdown).text == text


def test_code_is_never_rewritten() -> None:
    code = 're.sub(r"\\(\\alpha\\)", "<br>", x) || $a$ || "\\[\\frac{1}{2}\\]"\n[1]: x\n| a | b |\n|---|---|\n| שלום | <b> |'

    page = only(f"```js\n{code}\n```\n\nand `<b> || \\(\\alpha\\)`")

    assert marked(page, "pre") == [code]
    assert marked(page, "code") == ["<b> || \\(\\alpha\\)"]


def test_a_narrow_table_is_aligned_in_monospace() -> None:
    page = only("| a | b |\n|---|---|\n| 100 | x<br>y $n$ |")

    assert marked(page, "pre") == [page.text]
    assert page.text.splitlines() == ["a   | b    ", "----+------", "100 | x y n"]


def test_a_hebrew_table_becomes_a_list() -> None:
    page = only("טבלה:\n\n| שם | גיל | עיר |\n|---|---|---|\n| דן | 5 | חיפה |\n| רות | 7 | |\n\nסוף")

    assert page.text.replace(RLM, "") == "טבלה:\n\n• שם: דן\n  • גיל: 5\n  • עיר: חיפה\n• שם: רות\n  • גיל: 7\n\nסוף"
    assert marked(page, "bold") == ["שם: דן", "שם: רות"]


def test_a_table_wider_than_a_phone_becomes_a_list_that_keeps_links_and_empty_columns() -> None:
    page = only("| name | what it is good for |\n|---|---|\n| one | a very long explanation, indeed [x](http://a.b) |")

    assert page.text == "name – what it is good for\n\n• one: a very long explanation, indeed x"
    assert marked(page, "text_link") == ["x"]


# ---- cutting


def test_pages_are_cut_between_paragraphs() -> None:
    paragraphs = [f"{number} " + "word " * 150 for number in range(12)]

    done, _ = pages("\n\n".join(paragraphs), lang="en")

    assert len(done) == 3
    assert all(page.text.split()[0].isdigit() for page in done)


def test_a_text_without_any_boundary_is_cut_between_whole_emoji() -> None:
    family = "👨\u200d👩\u200d👧"

    done, _ = pages(family * 2000, lang="en")

    assert "".join(page.text for page in done) == family * 2000
    assert all(page.text.startswith("👨") and page.text.endswith("👧") for page in done)


def test_formatting_goes_on_over_a_cut() -> None:
    done, _ = pages("**" + "bold words " * 700 + "end**", lang="en")

    assert len(done) == 2
    assert [marked(page, "bold") for page in done] == [[page.text] for page in done]


def test_more_than_100_entities_open_another_page() -> None:
    done, _ = pages(" ".join(f"**b{number}**" for number in range(250)), lang="en")

    assert [len(page.entities) for page in done] == [100, 100, 50]


def test_code_that_goes_on_over_a_cut_keeps_language_and_indentation() -> None:
    code = "\n".join(f"    line_{number} = " + "x" * 70 for number in range(40))

    done, files = pages("word " * 300 + f"\n\n```py\n{code}\n```", lang="en")

    assert files == ()
    code_pages = [page for page in done if marked(page, "pre")]
    assert len(code_pages) == 2
    assert "\n".join(block for page in code_pages for block in marked(page, "pre")) == code
    assert {entity.language for page in code_pages for entity in page.entities} == {"py"}


def test_plain_keeps_the_text_alone() -> None:
    page = only("**x** y")

    assert plain(page) == Page(text="x y")


# ---- what a chat refuses


def test_a_refused_link_goes_alone_and_its_address_is_shown() -> None:
    page = only(
        "🙂 **see [one](https://bad.example/x) and [two](https://fine.example)** `code` [one](https://bad.example/x)"
    )

    kept = without_formatting(page, url="https://bad.example/x")

    assert kept.text == "🙂 see one (https://bad.example/x) and two code one (https://bad.example/x)"
    assert marked(kept, "bold") == ["see one (https://bad.example/x) and two"]
    assert marked(kept, "text_link") == ["two"]
    assert marked(kept, "code") == ["code"]


def test_of_an_unknown_fault_first_the_links_go_and_then_the_rest() -> None:
    page = only("**a** [b](https://b.example)")

    no_links = without_formatting(page)

    assert (no_links.text, [entity.type for entity in no_links.entities]) == ("a b (https://b.example)", ["bold"])
    assert without_formatting(no_links).entities == ()
    assert marked(without_formatting(page, offset=0), "text_link") == ["b"]


def test_a_refused_address_that_finds_no_room_is_left_out() -> None:
    page = only("x" * 4090 + " [b](https://b.example)")

    assert without_formatting(page, url="https://b.example") == Page(text=page.text)


# ---- files


def test_code_over_50_lines_goes_into_a_file_as_well() -> None:
    (page,), (file,) = pages(f"Here:\n\n```python\n{long_code()}\n```\n\nDone **well**.", lang="en")

    assert file.name == "code.py"
    assert file.content == long_code() + "\n"
    assert marked(page, "pre") == [long_code(50) + "\n…"]
    assert "code.py" in page.text
    assert marked(page, "bold") == ["well"]


def test_50_lines_stay_in_the_message_alone() -> None:
    _, files = pages(f"```python\n{long_code(50)}\n```", lang="en")

    assert files == ()


def test_one_endless_line_of_code_is_a_file_too() -> None:
    done, (file,) = pages("```json\n" + "[0]" * 5000 + "\n```", lang="en")

    assert (len(done), file.name, len(file.content)) == (1, "code.json", 15001)


@pytest.mark.parametrize(
    ("info", "first_line", "name"),
    [
        ("python", "# app/main.py", "main.py"),
        ("rust", "// src/lib.rs", "lib.rs"),
        ("python", "# see notes.txt", "code.py"),
        ('tsx title="a"', "let x", "code.tsx"),
        ("Dockerfile", "FROM x", "Dockerfile"),
        ("../../etc/passwd", "x", "code.txt"),
        ("", "x", "code.txt"),
    ],
)
def test_a_file_is_named_after_its_code(info: str, first_line: str, name: str) -> None:
    _, (file,) = pages(f"```{info}\n{first_line}\n{long_code()}\n```", lang="en")

    assert file.name == name


def test_two_files_of_an_answer_have_two_names() -> None:
    block = f"```py\n{long_code()}\n```"

    _, files = pages(f"{block}\n\nand\n\n{block}", lang="en")

    assert [file.name for file in files] == ["code.py", "code-2.py"]


# ---- direction


def test_hebrew_lines_that_begin_otherwise_get_a_right_to_left_mark() -> None:
    text = "Python היא שפה\n\nשורה רגילה\n\n1. ראשון\n2. `pip` שני\n\n🙂 שלום\n\n> Quote ציטוט"

    page = only(text)

    assert page.text == (
        "‏Python היא שפה\n\nשורה רגילה\n\n‏1. ראשון\n‏2. pip שני\n\n‏🙂 שלום\n\n‏Quote ציטוט".replace("‏", RLM)
    )
    assert marked(page, "code") == ["pip"]
    assert marked(page, "blockquote") == [f"{RLM}Quote ציטוט"]


def test_code_gets_no_mark_inside() -> None:
    page = only("`npm i` מתקין הכול\n\n```js\nlet x = 1 // הערה\n\nlet y\n```\n\nReact בסוף")

    assert page.text == f"{RLM}npm i מתקין הכול\n\nlet x = 1 // הערה\n\nlet y\n\n{RLM}React בסוף"
    assert marked(page, "code") == ["npm i"]
    assert marked(page, "pre") == ["let x = 1 // הערה\n\nlet y"]


def test_an_english_sentence_quoted_in_hebrew_keeps_its_direction() -> None:
    assert RLM not in only("כך אומרים את זה:\n\nTo be, or not to be?\n\nוזה כל הסיפור").text


def test_an_english_answer_with_some_hebrew_gets_no_marks() -> None:
    assert RLM not in only("The word שלום means peace and is a greeting.\n\nNothing else.").text


def test_importing_does_not_load_the_converter() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, openclaw_core.chat.paging; print({'telegramify_markdown', 'markdown_it'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert loaded.stdout.strip() == "set()"
