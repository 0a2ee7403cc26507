"""The text of a task's material: what a summary may take figures and names from."""

from html.parser import HTMLParser

from openclaw_cli.eval.answers.task import AnswerTask

_SILENT = frozenset({"script", "style", "head", "template"})


def source_of(task: AnswerTask) -> str:
    """Message, earlier turns, files and pages of *task* as one text."""
    return "\n\n".join([given_by(task), *(page_text(page.body) for page in task.web)])


def given_by(task: AnswerTask) -> str:
    """Message, earlier turns and files of *task*: what is read without opening a page."""
    turns = [part for turn in task.history for part in (turn.user, turn.assistant)]
    return "\n\n".join([task.message, *turns, *(file.text for file in task.files)])


def page_text(body: bytes) -> str:
    """The words of a page that a reader sees."""
    page = _Words()
    page.feed(body.decode())
    page.close()
    return " ".join(" ".join(page.words).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)
