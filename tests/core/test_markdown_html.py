"""HTML in an answer, and characters that nobody sees or that turn a text around."""

import pytest

from openclaw_core.characters import is_blank
from openclaw_core.chat.paging import pages, preview
from tests.core.page_checks import marked, only


@pytest.mark.parametrize(
    ("markdown", "text", "bold"),
    [
        ("<b>x</b> <strong>y</strong> <i>z</i>", "x y z", ["x", "y"]),
        ("one<br>two<br/>\nthree", "one\ntwo\nthree", []),
        ("A&amp;B 10&nbsp;kg &lt;b&gt; &copy; AT&T &nosuch;", "A&B 10\xa0kg <b> © AT&T &nosuch;", []),
        ("x<sup>2</sup> + H<sub>2</sub>O + e<sup>iπ</sup>", "x² + H₂O + e^(iπ)", []),
        ("<ul>\n<li>one</li>\n<li><b>two</b></li>\n</ul>", "• one\n• two", ["two"]),
        ("<details>\n<summary>More</summary>\ninner\n</details>", "More\ninner", []),
        ("<p>para</p>\n\n<p>other</p>", "para\n\nother", []),
        ("the <p> tag, <T>, <std::string>", "the <p> tag, <T>, <std::string>", []),
        ("`<b>x</b> &amp;` and <code>a*b*c</code>", "<b>x</b> &amp; and a*b*c", []),
        ("<b>one\n\ntwo *x*\n\nthree</b> four", "one\n\ntwo x\n\nthree four", ["one", "two x", "three"]),
        ("<b>one\n\n`</b>` ends it", "<b>one\n\n</b> ends it", []),
        ("<h1>Title</h1>text", "Title\ntext", ["Title"]),
        ("<h2>Title</h2>\ntext", "Title\ntext", ["Title"]),
        ("<details><summary>S</summary>body</details>", "S\nbody", []),
        ("<q>x</q>\n<main>y</main>", '"x"\ny', []),
        ("<main>\nx\n</main>", "x", []),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>", "a | b\n1 | 2", []),
        ("a\n<!-- *c* -->\nb\n\n<!-- x\n\ny -->\n\nd", "a\nb\n\nd", []),
        ("a <!-- *c* --> is a comment", "a <!-- *c* --> is a comment", []),
        ("<!-- a", "<!-- a", []),
        ("the <pre> and </pre> tags, <h1> is a heading, <blockquote> too", None, []),
        ("<h1> is a heading", None, []),
        ("<pre>\nis *no* code", "<pre>\nis no code", []),
    ],
)
def test_html_becomes_formatting_unless_it_is_spoken_of(markdown: str, text: str | None, bold: list[str]) -> None:
    page = only(markdown)

    assert page.text == (markdown if text is None else text)
    assert marked(page, "bold") == bold


@pytest.mark.parametrize(
    ("markdown", "text", "kind", "found"),
    [
        ("<pre>code *x*</pre>", "code *x*", "pre", ["code *x*"]),
        ("<pre><code>a *b*\n  &lt;c</code></pre>", "a *b*\n  <c", "pre", ["a *b*\n  <c"]),
        ("so\n<pre>\n_a_\n\n  *b*\n</pre>\nend", "so\n_a_\n\n  *b*\nend", "pre", ["_a_\n\n  *b*"]),
        ("1. a\n   <pre>\n   x\n   </pre>\n2. b", "1. a\nx\n2. b", "pre", ["x"]),
        ("use <pre><code>a *b*</code></pre> here", "use a *b* here", "code", ["a *b*"]),
        ("<blockquote>x</blockquote>", "x", "blockquote", ["x"]),
        ("a\n<blockquote>\nx **y**\n\n- z\n</blockquote>\nb", "a\nx y\n\n• z\nb", "blockquote", ["x y\n\n• z"]),
        ("a <tg-spoiler>b *c*</tg-spoiler>", "a b c", "spoiler", ["b c"]),
        ('<span class="tg-spoiler">b</span>', "b", "spoiler", ["b"]),
    ],
)
def test_html_of_the_chat_itself_becomes_its_format(markdown: str, text: str, kind: str, found: list[str]) -> None:
    page = only(markdown)

    assert page.text == text
    assert marked(page, kind) == found


def test_a_pre_knows_its_language() -> None:
    page = only('<pre><code class="language-py">x = 1\n</code></pre>')

    assert [entity.language for entity in page.entities] == ["py"]


def test_a_link_holds_no_other_link() -> None:
    page = only("[a [b](https://c.d) e](https://f.g)")

    assert page.text == "[a b e](https://f.g)"
    assert [entity.url for entity in page.entities] == ["https://c.d"]


def test_a_link_in_html_is_one() -> None:
    page = only(
        '<a href="https://a.b/?x=1&amp;y=2">here</a> <a href="/rel">there</a> <img src="https://a.b/i.png" alt="pic">'
    )

    assert page.text == "here there (/rel) 🖼 pic"
    assert [e.url for e in page.entities if e.type == "text_link"] == ["https://a.b/?x=1&y=2", "https://a.b/i.png"]


@pytest.mark.parametrize("control", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"])
def test_nothing_turns_the_order_of_a_text_around(control: str) -> None:
    page = only(f"קובץ {control}txt.exe `{control}x` &#{ord(control)};y \u200eabc\u200f")

    assert page.text == "קובץ txt.exe x y \u200eabc\u200f"


@pytest.mark.parametrize(
    "blank",
    ["\u200b", "\u00ad", "\u2060", "\u200f \u200e", "\ufeff", "\u2800", "\u3164", "\u00a0\n", "\u180e", "\ufe0f"],
)
def test_what_nobody_sees_is_blank_everywhere(blank: str) -> None:
    assert is_blank(blank)
    assert pages(blank * 3, lang="en") == ((), ())
    assert preview(blank, lang="en") == ()


@pytest.mark.parametrize("seen", [".", "א", "🙂", "0", "\u05b8א", "–"])
def test_what_somebody_sees_is_not_blank(seen: str) -> None:
    assert not is_blank(f"\u200b{seen}")
