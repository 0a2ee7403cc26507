"""The marks of an answer, case by case: which ones are formatting, and which are said."""

import time

import pytest

from openclaw_core.chat.markdown.links import followable
from openclaw_core.chat.paging import pages, preview
from tests.core.page_checks import RLM, marked, only


@pytest.mark.parametrize(
    "text",
    [
        "2*3*4 = 24",
        "2 * 3 * 4",
        "x**2 + y**2 = z**2",
        "a**b**c and n**k + m**j",
        "def f(*args):\n    return 2**10",
        "call __init__ of __main__.py",
        "*args and **kwargs",
        "def f(*args, **kwargs): g(**a, **b)",
        "snake_case_name and _private_var",
        "src/**/*.ts, lib/**/*.js, *.py",
        "char *p, *q",
        "מחיר*כמות*הנחה",
        r"C:\Users\me\_temp and \\server\share",
        r"\d+\.\d* matches",
        "a < b, List<T>, vector<int> x",
        "<b> and </b> are tags",
        "> 5"[1:],
        "a || b | c",
        "costs $5 to $10, $HOME and $PATH",
        "arr[0](x) and handlers[name](event)",
        "~5 minutes ~ 300 s",
        "tail -f | grep x > y",
        '"*" and "*", "**" or "**", "_" or "_"',
        "'*' or '*', “*” and “*”, [_] and [_], (**) and (**)",
        "״*״ או ״*״ או <*> או <*>",
        'char *s = "*"; char *t = "a*";',
        '"*a" or "b*" and “_x” or “y_”',
        "_.map(_.x), _ => _.y, {_: 1, a_: 2}",
        "_, err_ = f(_)",
        "http://a.b/*c* and https://a.b/*/d and https://a.b/x*?y=*",
        r"C:\*.*, C:\_x, D:\**\*.txt, ..\_x and src\*.py",
        "${a}${b} and ${x_1} ${y_2}",
        "pid $$ and $$",
        "echo $$ > a_b; kill $$",
    ],
)
def test_what_only_looks_like_a_mark_is_shown(text: str) -> None:
    assert only(text).text == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        r"\[a-z\]+",
        r"\[a_1\]+ and \[a_1\]{2}",
        r"s/\*/x/ and /\*/",
        r'grep "\*" and sed -e "s/\_ \*/x/"',
        r"a\/b and \"x\" and 5\:6",
        r"\(x\|y\) and x\|y",
        r"^\.$",
        r"a\.*b and \.{2} and (a)\1",
        r"[\.\-]",
    ],
)
def test_a_backslash_that_escapes_no_mark_of_markdown_is_shown(text: str) -> None:
    assert only(text).text == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        (r"\*no\* \_x\_ \# \`a\` \~ \$5 \<b\> \[x\](y)", "*no* _x_ # `a` ~ $5 <b> [x](y)"),
        (r"1\. x", "1. x"),
        (r"Hello\! 3\.14 \(see\) a\-b a \| b \{c\} \=", "Hello! 3.14 (see) a-b a | b {c} ="),
        (r"my\_file in src/my\_dir/x.py, 5 \* 3, a\*b\*c", "my_file in src/my_dir/x.py, 5 * 3, a*b*c"),
    ],
)
def test_a_backslash_before_a_mark_is_markup(markdown: str, text: str) -> None:
    assert only(markdown).text == text


def test_a_line_that_compares_is_no_quotation() -> None:
    assert only("if\n>= 5 or\n>5").text == "if\n>= 5 or\n>5"


@pytest.mark.parametrize(
    ("markdown", "text", "bold"),
    [
        ('ה**"מודל"** החדש', 'ה"מודל" החדש', ['"מודל"']),
        ("**הערה:**זה", "הערה:זה", ["הערה:"]),
        ("ב**״הארץ״** וב**'ידיעות'**, ו**עוד**.", "ב״הארץ״ וב'ידיעות', ועוד.", ["״הארץ״", "'ידיעות'", "עוד"]),
        ("ב**מודל**ים", "במודלים", ["מודל"]),
        ("(**שלום**) – **עולם**!", "(שלום) – עולם!", ["שלום", "עולם"]),
        ("\u200f**כותרת**\u200f: x", "\u200fכותרת\u200f: x", ["כותרת"]),
        ("un**believ**able **Note:**this", "unbelievable Note:this", ["believ", "Note:"]),
        ("__חזק__ and __bold text__", "חזק and bold text", ["חזק", "bold text"]),
        ("**a *b* c**", "a b c", ["a b c"]),
        ("***both***", "both", ["both"]),
        ("**a:****b**", "a:b", ["a:", "b"]),
        ("**א)**ב וגם א**(ב)**ג", "א)ב וגם א(ב)ג", ["א)", "(ב)"]),
        ("של**ה**ם, ה**2024**ים, ה**GPT-4**ים", "שלהם, ה2024ים, הGPT-4ים", ["ה", "2024", "GPT-4"]),
        ("**=א**", "=א", ["=א"]),
        ('"**bold**" and \'**x**\' and "**צה"ל**"', '"bold" and \'x\' and "צה"ל"', ["bold", "x", 'צה"ל']),
    ],
)
def test_bold_at_prefixes_quotes_and_within_words(markdown: str, text: str, bold: list[str]) -> None:
    page = only(markdown)

    assert page.text.removeprefix(RLM) == text.removeprefix(RLM)
    assert marked(page, "bold") == bold


def test_italics_at_a_hebrew_prefix() -> None:
    page = only('ה*מודל* ו_הארץ_ *שלום* _הערה:_זה שלא*"א"*')

    assert page.text == 'המודל והארץ שלום הערה:זה שלא"א"'
    assert marked(page, "italic") == ["מודל", "הארץ", "שלום", "הערה:", '"א"']


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("1. Run:\n   ```\n   ls\n   ```\n   Then look.\n2. Next", "1. Run:\nls\nThen look.\n2. Next"),
        ("- a\n  ~~~py\n  x\n  ~~~\n- b", "• a\nx\n• b"),
        ("1. a\n\n   ```\n   x\n   ```\n\n2. b", "1. a\nx\n2. b"),
        ("3. c\n4. d\n7. e", "3. c\n4. d\n7. e"),
        ("1. a\n1. b", "1. a\n2. b"),
        ("2) a\n3) b", "2) a\n3) b"),
        ("1986. x\n1986. y", "1986. x\n1986. y"),
        ("3. a\n3. b", "3. a\n3. b"),
        ("- [ ] a\n- [x] b\n  - c", "☐ a\n☑ b\n  • c"),
        ("# כותרת\n## עוד", "כותרת\nעוד"),
        ("Title\n=====\nx\n=", "Title\nx\n="),
        ("see[^1], [^abc]\n\n[^1]: note", "see[1], [^abc]\n\n[1]: note"),
        ("```\nx\n", "x"),
        ("a\n\n" + "> " * 60 + "deep", "a\n\n" + "> " * 20 + "deep"),
        ("x\n\n```pip install a b\n```", "x\n\npip install a b"),
    ],
)
def test_blocks_keep_their_lines_and_numbers(markdown: str, text: str) -> None:
    assert only(markdown).text == text


# ---- links


def test_where_a_target_cannot_be_followed_it_is_shown() -> None:
    page = only(
        "[app.py](src/app.py:12) [call](tel:+97235551234) [mail](mailto:a@b.c) [here](http://localhost:3000/a_b) "
        "[docs](guide) ![](x.png) [a/b](a/b) [t](https://a.b 'Title')"
    )

    assert page.text == (
        "app.py (src/app.py:12) call (+97235551234) mail (a@b.c) here (http://localhost:3000/a_b) docs (guide) 🖼 x.png a/b t (Title)"
    )
    assert [entity.url for entity in page.entities if entity.type == "text_link"] == ["https://a.b"]


def test_a_target_is_shown_unless_the_label_says_it_as_a_word() -> None:
    page = only("[see setup.py](up.py) [a-z](a) [see up.py.](up.py) [the docs/a.md](a.md) [x](https://a.b 'x')")

    assert page.text == "see setup.py (up.py) a-z (a) see up.py. the docs/a.md (a.md) x"


@pytest.mark.parametrize(
    "address",
    [
        "tg://user?id=1", "tg://proxy?server=a", "TG://login?token=x", "ton://a", "tonsite://a.ton", "https://t.me/proxy?server=a&port=1",
        "http://www.T.me/socks?server=a", "https://telegram.me/login/12345", "https://t.me/%70roxy?server=a",
        "https://u@t.me:443//proxy?server=a",
        "https://telegram.dog/confirmphone?phone=1", "https://t.me/setlanguage/x", "t.me/login",
    ],
)  # fmt: skip
def test_addresses_that_act_within_the_app_are_code(address: str) -> None:
    page = only(f"[me]({address}) and {address} and <a href='{address}'>x</a> and `{address}`")

    assert marked(page, "text_link") == []
    assert marked(page, "code") == [address] * 4


@pytest.mark.parametrize(
    "address",
    [
        "https://t.me/joinchat/a",
        "https://t.me/+a",
        "https://t.me/name/12",
        "https://t.me/proxy_list",
        "https://not-t.me/proxy?a",
    ],
)
def test_addresses_that_only_open_a_chat_stay_links(address: str) -> None:
    page = only(f"[me]({address}) and {address}")

    assert marked(page, "text_link") == ["me"]
    assert marked(page, "code") == []


def test_a_link_is_worth_more_than_the_font_of_its_label() -> None:
    page = only("[`code`](https://a.b) [![pic](https://a.b/i.png)](https://c.d) **[x](https://e.f)**")

    assert [entity.url for entity in page.entities if entity.type == "text_link"] == [
        "https://a.b",
        "https://c.d",
        "https://e.f",
    ]


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://google.com", True), ("httPs://google.com/?1#tes", True), ("http://google.com?1#tes", True),
        ("http://google.com:0000000001", True),
        ("http://[2001:db8:0:0:0:ff00:42:8329]", True), ("http://..", True), ("https://עברית.example/נתיב", True),
        ("https://u:p@a.b/c", True),
        ("sftp://google.com", False), ("http://google.com:0", False), ("http://google.com:-1", False), ("http://google.com:99999", False),
        ("http://google.com:", False), ("http:google.com", False), ("http://localhost", False), ("https://.", False), ("https://", False),
        ("http://a b.com", False), ("http://a.b/c d", False), ("http://exa{m}ple.com", False), ("http://[::g]", False),
        ("tg://user?id=1", False),
        ("mailto:a@b.c", False), ("javascript:alert(1)", False), ("//a.b", False), ("google.com", False), ("http://a.b%zz", False),
    ],
)  # fmt: skip
def test_link_targets_are_checked_as_the_server_does(address: str, fine: bool) -> None:
    assert followable(address) is fine


# ---- formulas


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("$x^2 + y_1$", "x² + y₁"),
        ("so \\(a_1 \\le b\\) and \\[\\frac{a}{b}\\] end", "so a₁ ≤ b and\na/b\nend"),
        ("$\\begin{array}{cc}q & r\\end{array}$", "\\begin{array}{cc}q & r\\end{array}"),
        ("$\\text{שטח} = a^2$", "שטח = a²"),
        ("it costs 5$-10$ or $5 to $20k", "it costs 5$-10$ or $5 to $20k"),
        ("\\[x\\](y)", "[x](y)"),
        ("\\[note\\] and \\(see below\\)", "[note] and (see below)"),
        ("regex \\(\\d+\\)", "regex \\(\\d+\\)"),
    ],
)
def test_formulas_are_told_from_prices_and_brackets(markdown: str, text: str) -> None:
    assert only(markdown).text.replace(RLM, "") == text


# ---- cost

HOSTILE = ["$", "$a", "$$ ", "`", "`a", "`a``b", "[", "[a](", "[a](b) ", "[a](((", "![a](b)", "*", "*a ", "**a *b", "a**", "_a ", "> ", "- ", "|", "| a",
           "|a|b|\n|-|-|\n", "<", "<b>", "<code>", "<a href='x'>y</i>", "&", "\\", "\\(", "~~a ", "# a\n", "1. a\n",
           "**a** ", "x\n=\n", "```a\n", "{$",
           "<pre>\n", "<pre>a</pre> b\n", "<blockquote>\n", "<blockquote>a</blockquote>\n", "<!-- \n", "<h1>a</h1>b",
           "<sup>", "<td>", '"*', '"*a', "\\.*",
           "/\\.", 'grep "', "http://a.b/*", "${", "$\\frac{a}{b}$"]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_paging_takes_time_in_proportion_to_the_text(piece: str) -> None:
    def took_s(chars: int) -> float:
        text = (piece * chars)[:chars]
        started = time.process_time()
        pages(text, lang="he")
        preview(text, lang="he")
        return time.process_time() - started

    def in_proportion() -> bool:
        small, large = (min(took_s(chars) for _ in range(2)) for chars in (6_000, 36_000))
        return large < 6 * 3 * max(small, 0.02)

    assert any(in_proportion() for _ in range(3)), "more than once: the processor has other work too"


def test_deep_lists_are_read_in_reasonable_time() -> None:
    nested = "\n".join("  " * depth + f"- item{depth}" for depth in range(200))

    started = time.process_time()
    text = "\n".join(page.text for page in pages(nested, lang="en")[0])

    assert time.process_time() - started < 3
    assert all(f"item{depth}" in text for depth in range(200))


@pytest.mark.parametrize("text", ["$_name and $$", "$_wo0rd$$wo1rd", "$_GET$ b"])
def test_a_name_that_begins_with_an_underscore_is_no_formula(text: str) -> None:
    done, _ = pages(text, lang="en")

    assert done[0].text == text


def test_a_script_without_a_base_is_a_formula() -> None:
    done, _ = pages("of $_2$", lang="en")

    assert done[0].text == "of ₂"
