"""Code, data, logs, addresses and paths tell no language; sentences do, also those that look a little like code."""

import time

import pytest

from openclaw_core.texts.language import lang_of, notice_lang
from openclaw_core.texts.prose import prose_of

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
SYSLOG = """Nov 29 10:00:01 web-1 nginx[812]: upstream timed out while reading response header
Nov 29 10:00:02 web-1 kernel: Out of memory: Killed process 1234 (python)
Nov 29 10:00:03 web-1 systemd[1]: nginx.service: Main process exited
Nov 29 10:00:04 web-1 sshd[99]: Connection closed by remote host"""
SQL_IN_SMALL_LETTERS = """select name, count(*) as many
from people p
left join orders o on o.person = p.id
where city = 'Haifa'
group by name
order by many desc limit 10"""
BASH = """#!/bin/bash
set -euo pipefail
for file in *.txt; do
  echo "processing $file"
  if [ -f "$file" ]; then
    cp "$file" backup
  fi
done
exit 1"""
DOCKERFILE = """FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 8000
CMD ["python", "main.py"]"""
CSV_WITH_SPACES = """name,amount,city and country
Dana Levi,3,Haifa in the north
Noam Cohen,4,London
Ruth Katz,5,New York"""
COMPILER = """Segmentation fault (core dumped)
make: *** [Makefile:12: all] Error 139
main.c:12:5: error: expected declaration before return
main.c:14:1: warning: control reaches end of non-void function
collect2: error: ld returned 1 exit status"""
NPM = """npm ERR! code ENOENT
npm ERR! syscall open
npm ERR! enoent Could not read package.json"""
ACCESS_LOG = """192.168.0.1 - - [29/Nov/2026:10:00:01 +0000] "GET /index.html HTTP/1.1" 200 512
192.168.0.2 - - [29/Nov/2026:10:00:02 +0000] "POST /login HTTP/1.1" 500 12"""
JAVA = """Exception in thread "main" java.lang.NullPointerException: Cannot invoke method
	at com.example.Main.run(Main.java:12)
	at com.example.Main.main(Main.java:5)"""
GO = "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/main.go:8 +0x1d\nexit status 2"
RUST = 'error[E0382]: borrow of moved value: `x`\n --> src/main.rs:4:20\n  |\n4 |     println!("{}", x);\n  = note: move occurs because it has type String'
CODE = {
    "python": PYTHON, "javascript": JAVASCRIPT, "json": JSON, "yaml": YAML, "sql": SQL, "traceback": TRACEBACK,
    "log": LOG, "csv": CSV, "shell": SHELL,
    "html": HTML, "addresses": ADDRESSES, "fenced": "```\nplain words in a fence\n```",
    "syslog": SYSLOG, "sql in small letters": SQL_IN_SMALL_LETTERS, "bash": BASH, "dockerfile": DOCKERFILE,
    "csv with spaces": CSV_WITH_SPACES,
    "compiler": COMPILER, "npm": NPM, "access log": ACCESS_LOG, "java": JAVA, "go": GO, "rust": RUST,
    "indented": "    plain words that are indented\n    and some more of them",
}  # fmt: skip


@pytest.mark.parametrize("code", CODE.values(), ids=CODE.keys())
def test_a_question_with_pasted_code_is_answered_in_the_language_of_the_question(code: str) -> None:
    assert lang_of(f"למה זה לא עובד?\n{code}", language_code="en") == "he"
    assert lang_of(f"{code}\nמה זה?", language_code="en") == "he"
    assert lang_of(f"קיבלתי את זה\n{code}\nלמה?", language_code="en") == "he"
    assert lang_of(f"{code}\nלמה זה קורה?\n{code}", language_code="en") == "he"
    assert lang_of(f"{code}\nלא עובד", language_code="en") == "he"
    assert lang_of(f"why does it not work?\n{code}", language_code="he") == "en"
    assert lang_of(code, language_code="he") == "he"


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


NO_PATTERN_KNOWS_IT = (
    "Device found on port seven\nLink quality is poor and it retries\nGiving up after the third attempt was lost\n" * 9
)


@pytest.mark.parametrize("question", ["למה זה לא עובד?", "תסביר", "וזה מה שקיבלתי", "לא עובד אצלי"])
def test_words_of_programs_that_look_like_sentences_turn_no_question(question: str) -> None:
    for text in (f"{question}\n{NO_PATTERN_KNOWS_IT}", f"{NO_PATTERN_KNOWS_IT}\n{question}"):
        assert lang_of(text, language_code="en") == "he"


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("מה זה API של REST ב-Kubernetes?", "he"),
        ("npm ERR! code ENOENT מה זה", "he"),
        ("machine learning deep learning neural network תסביר", "he"),
        ("docker compose up נכשל לי", "he"),
        ("React hooks vs Redux, מה עדיף?", "he"),
        ("תסכם:\nThe government decided today to raise the tax on fuel by ten percent", "he"),
        ("what is שלום?", "en"),
        ("translate שלום to English", "en"),
        ("Explain שבת", "en"),
        ('My teacher wrote "שלום לכולם ולכולן" today', "en"),
        ("hi, can you tell me about שבת בירושלים", "en"),
        ("Is it דגש or שווא?", "en"),
        ("please summarize this:\nהממשלה החליטה היום להעלות את המס על הדלק בעשרה אחוזים", "en"),
        ("what does this mean?\nשלום לכולם", "en"),
        ("שלום world", "he"),
    ],
)
def test_terms_of_the_other_language_turn_no_sentence(text: str, lang: str) -> None:
    assert lang_of(text, language_code="en" if lang == "he" else "he") == lang


SENTENCES = [
    "Return to sender; it is mine;", "class of 1999 was nice", "import taxes are high", "I like dogs (and cats)",
    "Note: this is text", "let me know",
    "print the page please", "return of the king, who wrote it?", "select a good book for me", "make me a cake",
    "If you can, answer this:", "and/or",
    "for me: what is the best food for dogs?", "Dear Dana,\nplease pay.\nThanks,\nNoam", "Milk, eggs, bread",
    "a list:\n- bananas\n- apples\n- pears",
    "Title: one\nAuthor: two\nText: a few words", "    one indented sentence", "from here to there",
    "with love,\nfrom Haifa", "Is it 5? Yes; or no.",
    "I think, therefore I am.\nWho said it?", "error: it does not work for me",
    "set the table\nand sit down\nor go home", "run and copy that", "if so, then do it",
    "Where is it?\nFrom whom?", "note: bring milk\nand bread", "Nov 29 is a fine day", "done", "I got exit status two",
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


HOSTILE = ["a.", "a_", "(", "\\", "`", "a(", "x ", "~~~", "/a", "a-", "@", "a.b@", "a->", "//", "\n", "a\n", "a,", '"a', "[a,", "int a : ", "www.", "ab:", "= ", "'", "1.", "a,b", "what ", "מה ", "error", "Nov 1 10:0", "a.b:1", "hi "]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_no_text_takes_long(part: str) -> None:
    begun = time.process_time()
    for text in (part * (33_000 // len(part)), f"{part * (380 // len(part))}\n" * 80):
        prose_of(text)
        lang_of(f"{text} א a")
    assert time.process_time() - begun < 1.0
