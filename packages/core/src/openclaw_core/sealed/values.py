"""Requests to the sealed runner and what it answers: frozen values that check themselves, since neither side trusts the other."""

import math
import re
from dataclasses import dataclass, field, fields
from enum import StrEnum

MIB = 1 << 20


class ProgramLanguage(StrEnum):
    """What the runner can run."""

    PYTHON = "python"
    BASH = "bash"
    SQLITE = "sqlite"


class RunnerCause(StrEnum):
    """Why there is no exit code, or no text of a document."""

    # the runner's side
    NOT_AVAILABLE = "not_available"  # nothing was run or read; `why` says what is missing
    BAD_REQUEST = "bad_request"
    # a run that was ended, or ended itself, at a limit
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_MANY_PROCESSES = "too_many_processes"
    OUTPUT_LIMIT = "output_limit"
    FOLDER_LIMIT = "folder_limit"
    KILLED = "killed"  # by a signal that none of our limits sent
    # a document
    UNSUPPORTED = "unsupported"
    EMPTY = "empty"
    SCANNED = "scanned"  # pictures of pages, without text
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    HOSTILE = "hostile"  # made to exhaust who opens it


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """What one run may use. The runner refuses a request above `MOST`."""

    seconds: float = 10.0  # from start to end, of the program and of its test each
    memory_bytes: int = 512 * MIB  # of all processes together, beyond the imported libraries
    processes: int = 32  # processes and threads together
    open_files: int = 128  # of each process
    file_bytes: int = 16 * MIB  # the size of one file
    folder_bytes: int = 64 * MIB  # the sizes of all files together; they are in memory
    folder_entries: int = 1000
    output_bytes: int = 64 * 1024  # kept of stdout, and as much of stderr; the rest is counted
    returned_files: int = 16
    returned_bytes: int = 8 * MIB  # of the returned files together

    def __post_init__(self) -> None:
        for each in fields(self):
            value, kind = getattr(self, each.name), float if each.name == "seconds" else int
            if type(value) not in (kind, int) or not math.isfinite(value) or value <= 0:
                raise ValueError(f"{each.name} is not a positive {kind.__name__}")

    def check(self) -> None:
        """Raises ValueError for a limit that is higher than `MOST` has it."""
        for each in fields(self):
            if getattr(self, each.name) > getattr(MOST, each.name):
                raise ValueError(f"the limit {each.name} is too high")


MOST = RunLimits(
    seconds=120.0,
    memory_bytes=2048 * MIB,
    processes=64,
    open_files=256,
    file_bytes=64 * MIB,
    folder_bytes=256 * MIB,
    folder_entries=4000,
    output_bytes=MIB,
    returned_files=32,
    returned_bytes=32 * MIB,
)
"""The highest limits that a request may ask for."""

CODE_MAX_BYTES = 256 * 1024
DOCUMENT_MAX_BYTES = 20 * MIB
INPUT_FILES_MAX = 16
INPUT_MAX_BYTES = 24 * MIB
PAGES_MAX = 2000
PAGE_MAX_CHARS = 200_000
TEXT_MAX_BYTES = 16 * MIB  # of all pages of one result
WHY_MAX_CHARS = 300
NAME_MAX_BYTES = 120

_COMPONENT = re.compile(r"\w[\w.+\-() ]*", re.ASCII | re.DOTALL)


def checked_name(name: object, *, folders: int = 0) -> str:
    """Return *name* if it is one of a file: letters, digits and `_.+-() `, in at most *folders* folders. Raises ValueError.

    Only ASCII: a name goes to chats and terminals, where look-alikes and marks that turn the direction of text mislead.
    """
    if not isinstance(name, str) or len(name) > NAME_MAX_BYTES:
        raise ValueError("a file's name is too long or no text")
    components = name.split("/")
    if len(components) > folders + 1 or not all(
        _COMPONENT.fullmatch(part) and not part.endswith((".", " ")) for part in components
    ):
        raise ValueError("a file's name has characters that are not accepted")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file's name and content. Its name may lie in folders if a run has made it: `plots/first.png`."""

    name: str
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        checked_name(self.name, folders=3)
        if not isinstance(self.data, bytes):
            raise ValueError("a file's content is not bytes")  # noqa: TRY004 - the callers of this package catch one error


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Code to run, and perhaps a test of it.

    *test* is Python for pytest and runs after the code, if that ended well, in the same folder; the code is `main.py` there.
    """

    language: ProgramLanguage
    code: str = field(repr=False)
    test: str | None = field(default=None, repr=False)
    files: tuple[File, ...] = ()
    limits: RunLimits = field(default_factory=RunLimits)

    def __post_init__(self) -> None:
        for text in (self.code, self.test or ""):
            if len(text.encode("utf-8", "surrogatepass")) > CODE_MAX_BYTES:
                raise ValueError("the code is too long")
        if self.test is not None and self.language is not ProgramLanguage.PYTHON:
            raise ValueError("only Python has a test")
        if len(self.files) > INPUT_FILES_MAX or sum(len(file.data) for file in self.files) > INPUT_MAX_BYTES:
            raise ValueError("the files are too many or too large")
        if len({file.name for file in self.files}) != len(self.files):
            raise ValueError("two files have the same name")
        for file in self.files:
            checked_name(file.name)
        self.limits.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """A document whose text is wanted as Markdown, from one page on.

    A page is what the kind of document has: page, slide, sheet, chapter.
    """

    name: str
    data: bytes = field(repr=False)
    first_page: int = 1
    pages: int = 100
    limits: RunLimits = field(default_factory=lambda: RunLimits(seconds=30.0))

    def __post_init__(self) -> None:
        checked_name(self.name)
        if not isinstance(self.data, bytes) or len(self.data) > DOCUMENT_MAX_BYTES:
            raise ValueError("the document is too large")
        if not (type(self.first_page) is int and type(self.pages) is int):
            raise ValueError("a page's number is a whole number")
        if not (1 <= self.first_page <= 10_000_000 and 1 <= self.pages <= PAGES_MAX):
            raise ValueError("these pages cannot be asked for")
        self.limits.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a program ended. One of *exit_code* and *cause* is there: a cause says which limit ended it."""

    exit_code: int | None = None
    cause: RunnerCause | None = None
    why: str = ""
    stdout: str = field(default="", repr=False)
    stderr: str = field(default="", repr=False)
    stdout_dropped: int = 0  # bytes that were written and not kept
    stderr_dropped: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if (self.exit_code is None) == (self.cause is None):
            raise ValueError("an outcome has an exit code or a cause")
        if self.exit_code is not None and not (type(self.exit_code) is int and 0 <= self.exit_code <= 255):
            raise ValueError("this is no exit code")
        if len(self.why) > WHY_MAX_CHARS:
            raise ValueError("the reason is too long")
        counts = (self.stdout_dropped, self.stderr_dropped)
        if not all(type(count) is int and 0 <= count < 1 << 62 for count in counts):
            raise ValueError("these bytes cannot be counted")
        if type(self.seconds) not in (int, float) or not 0 <= self.seconds < 1e6:
            raise ValueError("this is no time")

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What became of a run. *test* is None where none was asked for, or the program had failed before it."""

    program: Outcome
    test: Outcome | None = None
    files: tuple[File, ...] = ()
    files_dropped: int = 0  # made by the run, and not returned: too many, too large, or of a kind that is not returned

    def __post_init__(self) -> None:
        if len(self.files) > MOST.returned_files or sum(len(file.data) for file in self.files) > MOST.returned_bytes:
            raise ValueError("the returned files are too many or too large")
        if len({file.name for file in self.files}) != len(self.files):
            raise ValueError("two files have the same name")
        if type(self.files_dropped) is not int or not 0 <= self.files_dropped < 1 << 62:
            raise ValueError("these files cannot be counted")
        for file in self.files:
            if media_type(file) is None:
                raise ValueError("a file is of a kind that is not returned")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """One page's text. *name* is a sheet's, a slide's or a chapter's own title."""

    number: int
    text: str = field(repr=False)
    name: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if type(self.number) is not int or not 1 <= self.number <= 10_000_000:
            raise ValueError("this is no page's number")
        if len(self.text) > PAGE_MAX_CHARS or len(self.name) > WHY_MAX_CHARS:
            raise ValueError("a page is too long")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """A document's text. With a *cause* there are no pages, or only those that were read before it."""

    cause: RunnerCause | None = None
    why: str = ""
    pages: tuple[DocumentPage, ...] = ()
    pages_total: int | None = None  # None where counting them would mean reading all
    cut: bool = False  # some page was longer than what is returned
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if len(self.why) > WHY_MAX_CHARS or len(self.pages) > PAGES_MAX:
            raise ValueError("the result is too long")
        numbers = [page.number for page in self.pages]
        if numbers != sorted(set(numbers)):
            raise ValueError("the pages are not in order")
        total = self.pages_total
        if total is not None and not (type(total) is int and 0 <= total <= 10_000_000):
            raise ValueError("these pages cannot be counted")
        if type(self.cut) is not bool or type(self.seconds) not in (int, float) or not 0 <= self.seconds < 1e6:
            raise ValueError("the result is not understood")


_RETURNED: dict[str, tuple[str, bytes]] = {
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    "gif": ("image/gif", b"GIF8"),
    "svg": ("image/svg+xml", b""),
    "pdf": ("application/pdf", b"%PDF-"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
    "csv": ("text/csv", b""),
    "tsv": ("text/tab-separated-values", b""),
    "json": ("application/json", b""),
    "txt": ("text/plain", b""),
    "md": ("text/markdown", b""),
    "html": ("text/html", b""),
}


def media_type(file: File) -> str | None:
    """The type of a file that a run may return, by its name and its first bytes; None for any other.

    It says what a file claims to be. Whoever shows one treats it as a stranger's: an SVG or HTML file can hold scripts.
    """
    kind = _RETURNED.get(file.name.rpartition(".")[2].lower())
    return kind[0] if kind is not None and file.data.startswith(kind[1]) else None
