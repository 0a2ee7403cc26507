"""Sources of an answer: its numbers lead to pages that were opened, and what it quotes is in what was read."""

from pydantic import Field

from openclaw_agent.tools.citing.edits import without_code
from openclaw_agent.tools.citing.numbers import MARK, numbers_of
from openclaw_agent.tools.citing.quotations import LEAST_WORDS, in_marks, occurs_in, words_of
from openclaw_cli.eval.answers.graders.grader import Grader, ToGrade
from openclaw_core.characters import cleaned


class SourcesOpened(Grader):
    at_least: int = Field(default=1, ge=0)
    """How many different opened pages the answer must cite by their numbers."""
    cites: list[str] = Field(default=[])
    """Names of pages of the task that must be cited."""
    cites_not: list[str] = Field(default=[])
    """Names of pages of the task that must not be cited."""

    def fault(self, seen: ToGrade) -> str:
        opened = {page.number: page.url for page in seen.answer.pages}
        numbers = cited(seen.answer.markdown)
        if invented := [f"[{number}]" for number in numbers if number not in opened]:
            return f"cites {', '.join(invented)}, which no opened page has"
        urls = {opened[number] for number in numbers}
        if len(urls) < self.at_least:
            return f"cites {len(urls)} opened pages; {self.at_least} must be there"
        lacks = [name for name in self.cites if seen.urls[name] not in urls]
        wrong = [name for name in self.cites_not if seen.urls[name] in urls]
        said = [f"does not cite {', '.join(lacks)}"] if lacks else []
        return "; ".join(said + ([f"cites {', '.join(wrong)}"] if wrong else []))


class QuotationsFound(Grader):
    at_least: int = Field(default=0, ge=0)
    """How many quotations of five words and more the answer must have."""

    def fault(self, seen: ToGrade) -> str:
        quoted = quotations(seen.answer.markdown)
        read = f"{seen.given}\n\n{seen.answer.material}"
        invented = [one for one in quoted if not occurs_in(one, read)]
        if invented:
            return f"{len(invented)} of {len(quoted)} quotations are not in what was read"
        return "" if len(quoted) >= self.at_least else f"has {len(quoted)} quotations; {self.at_least} must be there"


def cited(markdown: str) -> list[int]:
    """The numbers of pages in *markdown*, each once, in order; numbers in code are none."""
    text = without_code(cleaned(markdown))
    return list(dict.fromkeys(number for found in MARK.finditer(text) for number in numbers_of(found)))


def quotations(markdown: str) -> list[str]:
    """What *markdown* has in quotation marks, of five words and more: shorter ones may be a word that is only named."""
    text = cleaned(markdown)
    spans = [text[one.inner : one.inner_end] for one in in_marks(without_code(text)) if one.closed]
    return [span for span in spans if len(words_of(span)) >= LEAST_WORDS]
