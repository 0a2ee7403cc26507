"""The page of a report shows answers as text alone, side by side, with what differs marked."""

from html.parser import HTMLParser

from openclaw_cli.eval.answers.page import marked, page_of
from tests.evals.answered_pairs import a_worse_summarizer, graded, pair, report

HOSTILE = '</div><script>alert(1)</script><img src="https://tracker.example.com/x" onerror=alert(1)><!-- \u202egnp.exe'


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_tags_are_closed_and_none_loads_or_runs_anything() -> None:
    page = page_of(report(pair("a", graded(HOSTILE), graded(HOSTILE, f"language: {HOSTILE}"), message=HOSTILE)))
    tags = Tags(page)

    assert not tags.open
    assert not tags.seen & {"script", "img", "link", "iframe", "object", "form", "a", "base"}
    assert not tags.attributes & {"src", "href", "onerror", "onclick", "action"}
    assert "default-src 'none'" in page
    assert "&lt;script&gt;" in page


def test_signs_that_turn_the_direction_are_shown_by_their_numbers() -> None:
    page = page_of(report(pair("a", graded(HOSTILE), graded(HOSTILE, "language: no"))))

    assert "[U+202E]gnp.exe" in page
    assert "\u202e" not in page


def test_words_of_one_side_alone_are_marked() -> None:
    assert marked("up to 40 bulbs", "about 50 bulbs") == (
        "<del>up to 40 </del>bulbs",
        "<ins>about 50 </ins>bulbs",
    )
    assert marked("a < b", "a < b") == ("a &lt; b", "a &lt; b")


def test_a_hebrew_answer_runs_from_right_to_left() -> None:
    page = page_of(a_worse_summarizer())

    assert page.count('<div class="sides" dir="rtl">') == page.count("_he</b>")
    assert page.count('<div class="sides" dir="ltr">') > 0


def test_answers_of_held_out_tasks_are_not_on_the_page() -> None:
    found = a_worse_summarizer()
    page = page_of(found)

    assert found.hidden > 0
    assert f"{found.hidden} differences are of held-out tasks" in page
    assert page.count("<details") == len(found.worse) + len(found.mixed) + len(found.better)


def test_the_verdict_and_the_subjects_that_block_stand_out() -> None:
    page = page_of(a_worse_summarizer())

    assert '<div class="verdict bad">' in page
    assert '<tr class="bad"><td>summarizer: all checks</td>' in page
    assert '<div class="verdict none">' in page_of(report(scripted=True))
