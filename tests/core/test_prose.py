"""Code, data, logs, addresses and paths tell no language; sentences do, also those that look a little like code."""

import time

import pytest

from openclaw_core.language import lang_of, notice_lang
from openclaw_core.prose import prose_of

PYTHON = """import os
from pathlib import Path

def total(rows):
    result = 0
    for row in rows:
        if row.amount > 3:
            result += row.amount
    return result

class Basket(Base):
    count: int = 3
print(total([]))"""
JAVASCRIPT = """const express = require("express");
const app = express();
app.get("/", (request, response) => {
  response.send("hello world from the server");
});
app.listen(3000);"""
JSON = """{
  "name": "a name of several words",
  "items": ["alpha beta gamma", 3, null],
  "nested": {"key": "value"}
}"""
YAML = """apiVersion: v1
kind: Service
metadata:
  name: my-service
spec:
  ports:
  - port: 80
    targetPort: http"""
SQL = """SELECT name, count(*) AS many
FROM people
WHERE city = 'Haifa'
GROUP BY name
ORDER BY many DESC"""
TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/main.py", line 3, in <module>
    run()
ValueError: invalid literal for int() with base 10"""
LOG = """2026-11-29 10:00:01 INFO starting the server
2026-11-29 10:00:02 ERROR connection to the database was refused
[2026-11-29T10:00:03] WARN trying again"""
CSV = """name,amount,city
Dana,3,Haifa
Noam,4,London"""
SHELL = """$ kubectl get pods --all-namespaces
$ cat /etc/hosts"""
HTML = """<div class="box">
<p>some words in a paragraph</p>
</div>"""
ADDRESSES = "https://example.com/some/long/path?with=words\nhttps://example.org/another"
CODE = {
    "python": PYTHON, "javascript": JAVASCRIPT, "json": JSON, "yaml": YAML, "sql": SQL, "traceback": TRACEBACK, "log": LOG, "csv": CSV, "shell": SHELL,
    "html": HTML, "addresses": ADDRESSES, "fenced": "```\nplain words in a fence\n```",
    "indented": "    plain words that are indented\n    and some more of them",
}  # fmt: skip


@pytest.mark.parametrize("code", CODE.values(), ids=CODE.keys())
def test_a_question_with_pasted_code_is_answered_in_the_language_of_the_question(code: str) -> None:
    assert lang_of(f"למה זה לא עובד?\n{code}", language_code="en") == "he"
    assert lang_of(f"{code}\nמה זה?", language_code="en") == "he"
    assert lang_of(f"why does it not work?\n{code}", language_code="he") == "en"


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("מה יש ב-/etc/nginx/conf.d/default.conf?", "he"),
        ("תסביר את `a long span of words in code`", "he"),
        ("מה עושה os.path.join בקובץ src/app/main_window.py", "he"),
        ("why?\nprint('שלום לכולם ולכולן')  # הדפסה", "en"),
        ("תסביר לי את useEffect", "he"),
    ],
)
def test_within_a_line_names_of_programs_do_not_count(text: str, lang: str) -> None:
    assert lang_of(text, language_code="en" if lang == "he" else "he") == lang


SENTENCES = [
    "Return to sender; it is mine;", "class of 1999 was nice", "import taxes are high", "I like dogs (and cats)", "Note: this is text", "let me know",
    "print the page please", "return of the king, who wrote it?", "select a good book for me", "make me a cake", "If you can, answer this:", "and/or",
    "for me: what is the best food for dogs?", "Dear Dana,\nplease pay.\nThanks,\nNoam", "Milk, eggs, bread", "a list:\n- bananas\n- apples\n- pears",
    "Title: one\nAuthor: two\nText: a few words", "    one indented sentence", "from here to there", "with love,\nfrom Haifa", "Is it 5? Yes; or no.",
    "I think, therefore I am.\nWho said it?",
]  # fmt: skip


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences_are_no_code(text: str) -> None:
    assert any(char.isalpha() for char in prose_of(text))
    assert lang_of(text, language_code="he") == "en"


def test_a_fence_that_is_left_open_goes_to_the_end() -> None:
    assert lang_of("למה?\n~~~\nplain words in a fence", language_code="en") == "he"


def test_code_alone_is_answered_in_the_language_of_the_user() -> None:
    assert lang_of(PYTHON, language_code="he") == "he"
    assert lang_of(PYTHON, stored="en", language_code="he") == "en"


def test_notices_keep_the_chosen_language() -> None:
    assert notice_lang("why?", stored="he", language_code="en") == "he"
    assert notice_lang("why?", language_code="he") == "en"
    assert notice_lang(PYTHON, language_code="he") == "he"


HOSTILE = ["a.", "a_", "(", "\\", "`", "a(", "x ", "~~~", "/a", "a-", "@", "a.b@", "a->", "//", "\n", "a\n", "a,", '"a', "[a,", "int a : ", "www.", "ab:", "= ", "'"]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_no_text_takes_long(part: str) -> None:
    begun = time.process_time()
    for text in (part * (33_000 // len(part)), f"{part * (380 // len(part))}\n" * 80):
        prose_of(text)
    assert time.process_time() - begun < 1.0
