"""Graders of words, figures, dates and names, on answers of which they hold and of which they do not, in both languages."""

import pytest

from tests.evals.answers import fault


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("The committee **approved** the lift.", ["approve*"]),
        ("On Tue we meet.", ["Tuesday | Tue"]),
        ("ההחלטה: והמעלית תתוקן", ["מעלית"]),
        ("נפגש ב-Zoom מחר", ["zoom"]),
        ("צה״ל הודיע", ['צה"ל']),
        ("It’s done", ["it's done"]),
        ("שָׁלוֹם לכולם", ["שלום"]),
    ],
)
def test_words_are_found_in_any_form_that_means_the_same(answer: str, words: list[str]) -> None:
    assert fault("has", answer, words=words) == ""
    assert fault("has_not", answer, words=words) == f"has {words[0]}"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("The lifting of the ban", ["lift"]),
        ("disapproved", ["approve*"]),
        ("מעליתן", ["מעלית"]),
        ("Wednesday", ["Tuesday | Tue"]),
        ("", ["lift"]),
    ],
)
def test_other_words_are_not(answer: str, words: list[str]) -> None:
    assert fault("has", answer, words=words) == f"lacks {words[0]}"
    assert fault("has_not", answer, words=words) == ""


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("1,250,000 people", 1250000), ("1.250.000 Menschen", 1250000), ("1.25 million", 1250000), ("1 250 000", 1250000),
        ("כ-1.25 מיליון", 1250000), ("3,5 km", 3.5), ("3.5 km", 3.5), ("12k", 12000), ("41%", 41), ("ב41 מטרים", 41), ("$41.", 41),
    ],
)  # fmt: skip
def test_figures_are_found_however_they_are_written(answer: str, number: float) -> None:
    assert fault("has", answer, numbers=[number]) == ""
    assert fault("has_not", answer, numbers=[number]) != ""


@pytest.mark.parametrize(
    ("answer", "number"),
    [("twelve vans", 12), ("twenty-five people", 25), ("שלושה ילדים", 3), ("כעשרים וחמישה אלף", 25000)],
)
def test_figures_in_words_are_there_and_are_no_figures_that_must_not_be(answer: str, number: float) -> None:
    assert fault("has", answer, numbers=[number]) == ""
    assert fault("has_not", answer, numbers=[number]) == ""


@pytest.mark.parametrize("answer", ["412", "4.1", "1. a point\n41. another one", "[41]", "v41", "140"])
def test_other_figures_and_the_numbers_of_lists_and_pages_are_not(answer: str) -> None:
    assert fault("has", answer, numbers=[41]) == "lacks 41"


@pytest.mark.parametrize(
    "answer",
    ["2026-05-03", "3 May 2026", "May 3, 2026", "3rd of May", "3.5.2026", "03/05/2026", "05/03/2026", "3 במאי 2026", "ב-3 למאי", "3.5", "3.5.26"],
)  # fmt: skip
def test_dates_are_found_however_they_are_written(answer: str) -> None:
    assert fault("has", answer, dates=["2026-05-03"]) == ""
    assert fault("has", answer, dates=["05-03"]) == ""
    assert fault("has_not", answer, dates=["2026-05-03"]) != ""


@pytest.mark.parametrize("answer", ["2026-05-04", "3 June", "3 May 2025", "13 May", "3 במרץ 2026", "version 3.5.1"])
def test_other_dates_are_not(answer: str) -> None:
    assert fault("has", answer, dates=["2026-05-03"]) == "lacks 2026-05-03"


def test_some_of_several_words_must_be_there() -> None:
    assert fault("has_any", "Miriam and Eyal", words=["Miriam", "Eyal", "Rachel"], at_least=2) == ""
    assert "has 1 of" in fault("has_any", "מרים בלבד", words=["מרים", "אייל", "רחל"], at_least=2)


SOURCE = "On 2 September Dana Levi of Marom Lifts offered 18,400 shekels; two flats owe 6,250. Call at 2:30 pm. A third of it, twenty-five people."
HEBREW_SOURCE = (
    "ב-1 בנובמבר דחה הקבלן את המסירה בשלושה שבועות. נועה ביקשה 4,500 ש״ח, ומשפחת ברגר עשרים וחמישה אלף. ישיבה ב-14:00."
)


@pytest.mark.parametrize(
    "answer", ["18400 by 2.9., at 14:30", "2 flats, 6250", "25 people", "1. one\n2. two", "no figure [7]"]
)
def test_figures_of_a_summary_that_stand_in_the_source_are_taken(answer: str) -> None:
    assert fault("numbers_from_source", answer, source=SOURCE) == ""


@pytest.mark.parametrize(("answer", "unknown"), [("18,500 shekels", "18,500"), ("6.2 thousand", "6.2 thousand"), ("on 3 flats and 40 more", "40"), ("at 15:30", "15:30")])  # fmt: skip
def test_other_figures_of_a_summary_are_named(answer: str, unknown: str) -> None:
    assert fault("numbers_from_source", answer, source=SOURCE) == f"not in the source: {unknown}"
    assert fault("numbers_from_source", answer, source=HEBREW_SOURCE) != ""


def test_figures_of_a_hebrew_summary() -> None:
    assert fault("numbers_from_source", "עד 4500 ש״ח, 3 שבועות, מ-1.11, 25 אלף, בשעה 14:00", source=HEBREW_SOURCE) == ""
    assert fault("numbers_from_source", "עד 5,400 ש״ח", source=HEBREW_SOURCE) == "not in the source: 5,400"
    assert fault("numbers_from_source", "ארבע נקודות: 4", source=HEBREW_SOURCE, also=[4]) == ""


@pytest.mark.parametrize("answer", ["Dana offered; Marom’s price stands.", "**Next Steps:** she calls. Nothing else.", "- Payment by Levi\n- I `Foo`", "**Key Points**\n\nDana pays NIS 18,400 by 2 PM.", "I'm told that I'll pay."])  # fmt: skip
def test_names_of_a_summary_that_stand_in_the_source_are_taken(answer: str) -> None:
    assert fault("names_from_source", answer, source=SOURCE) == ""


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [
        ("The offer of Dana Cohen", "Cohen"),
        ("It goes to NATO", "NATO"),
        ("ACME pays.", "ACME"),
        ("לפי דנה מ-Paris", "Paris"),
    ],
)
def test_other_names_of_a_summary_are_named(answer: str, unknown: str) -> None:
    assert unknown in fault("names_from_source", answer, source=SOURCE)


def test_names_of_a_hebrew_summary() -> None:
    assert fault("names_from_source", "לנועה ולמשפחת ברגר ישולם שכר הדירה.", source=HEBREW_SOURCE) == ""
    assert fault("names_from_source", "לנועה ולמשפחת מזרחי ישולם.", source=HEBREW_SOURCE) == "not in the source: מזרחי"
    assert fault("names_from_source", 'עו"ד סגלוביץ ביקש.', source=HEBREW_SOURCE) == "not in the source: סגלוביץ"
    assert fault("names_from_source", 'עו"ד Levi ביקשה.', source=SOURCE) == ""
