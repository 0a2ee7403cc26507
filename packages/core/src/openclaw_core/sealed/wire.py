"""Messages on the socket: a fixed prefix, a small JSON header, then the bytes that the header counts.

    b"OCSR" | version (1 byte) | length of the header (4 bytes, big-endian) | header | parts

The header's `parts` names each part and its size. Code, files and output are parts and not JSON: they are binary, and a header that may be
small can be refused before it costs memory. Nothing here reads from a socket, so both sides use the same code: one blocks, one awaits.
"""

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from openclaw_core.sealed.values import (
    CODE_MAX_BYTES,
    DOCUMENT_MAX_BYTES,
    INPUT_FILES_MAX,
    INPUT_MAX_BYTES,
    MOST,
    PAGES_MAX,
    TEXT_MAX_BYTES,
    DocumentPage,
    File,
    Outcome,
    ProgramLanguage,
    ReadRequest,
    ReadResult,
    RunLimits,
    RunnerCause,
    RunRequest,
    RunResult,
)

VERSION = 1
MAGIC = b"OCSR"
PREFIX = struct.Struct(">4sBI")
IN_PARTS = ("pages", "stdout", "stderr")
"""Fields of results that are not in the header, or not as they are."""
HEADER_MAX_BYTES = 1 << 20  # 2,000 pages with their titles
REQUEST_MAX_BYTES = max(2 * CODE_MAX_BYTES + INPUT_MAX_BYTES, DOCUMENT_MAX_BYTES)
RESULT_MAX_BYTES = max(4 * 3 * MOST.output_bytes + MOST.returned_bytes, TEXT_MAX_BYTES)

Request = RunRequest | ReadRequest
SealedResult = RunResult | ReadResult


class Malformed(Exception):
    """A message that breaks the protocol or one of its limits. Its text says which, and nothing of the content."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header that was read, and the sizes of the parts that follow it."""

    fields: dict[str, Any]
    names: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def body_bytes(self) -> int:
        return sum(self.sizes)


def header_bytes(prefix: bytes) -> int:
    """The length of the header that follows *prefix*. Raises Malformed."""
    magic, version, length = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise Malformed("this is not the runner's protocol")
    if version != VERSION:
        raise Malformed(f"version {version} of the protocol is not known, {VERSION} is")
    if length > HEADER_MAX_BYTES:
        raise Malformed("the header is too long")
    return int(length)


def read_header(raw: bytes, *, most_bytes: int) -> Header:
    """Read a header whose parts may have *most_bytes* together. Raises Malformed."""
    try:
        decoded = json.loads(raw.decode("utf-8"))
        parts = decoded.pop("parts")
        names, sizes = tuple(part[0] for part in parts), tuple(part[1] for part in parts)
    # RecursionError: brackets in brackets. The others: no JSON, no text, or JSON of another shape.
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError, IndexError) as exc:
        raise Malformed("the header is not understood") from exc
    if len(parts) > 2 * PAGES_MAX or not all(isinstance(name, str) and len(name) < 200 for name in names):
        raise Malformed("the parts are too many, or their names are not understood")
    if not all(type(size) is int and size >= 0 for size in sizes) or sum(sizes) > most_bytes:
        raise Malformed("the message is too long")
    return Header(decoded, names, sizes)


def split_body(header: Header, body: bytes) -> list[tuple[str, bytes]]:
    """The parts of *body* with their names."""
    found, at = [], 0
    for name, size in zip(header.names, header.sizes, strict=True):
        found.append((name, body[at : at + size]))
        at += size
    return found


def _message(header: dict[str, Any], parts: Sequence[tuple[str, bytes]]) -> bytes:
    header["parts"] = [[name, len(data)] for name, data in parts]
    encoded = json.dumps(header, separators=(",", ":")).encode()
    if len(encoded) > HEADER_MAX_BYTES:
        raise Malformed("the header is too long")
    return b"".join([PREFIX.pack(MAGIC, VERSION, len(encoded)), encoded, *(data for _, data in parts)])


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise Malformed("a text is not UTF-8") from exc


def _limits(raw: object) -> RunLimits:
    known = {each.name for each in fields(RunLimits)}
    if not isinstance(raw, dict) or not raw.keys() <= known:
        raise Malformed("the limits are not understood")
    return RunLimits(**raw)


def encode_request(request: Request) -> bytes:
    """The whole message of *request*."""
    limits = asdict(request.limits)
    if isinstance(request, ReadRequest):
        header = {"kind": "read", "first_page": request.first_page, "pages": request.pages, "limits": limits}
        return _message(header, [(request.name, request.data)])
    parts = [("code", _utf8(request.code))]
    if request.test is not None:
        parts.append(("test", _utf8(request.test)))
    parts += [(f"file:{file.name}", file.data) for file in request.files]
    return _message({"kind": "run", "language": request.language.value, "limits": limits}, parts)


def _utf8(text: str) -> bytes:
    """Half of a surrogate pair, which a model's JSON can hold, becomes a question mark: no program means it."""
    return text.encode("utf-8", "replace")


def decode_request(header: Header, body: bytes) -> Request:
    """The request of a message. Raises Malformed with what is wrong."""
    parts = split_body(header, body)
    try:
        if header.fields.get("kind") == "read":
            [(name, data)] = parts
            asked = {each: header.fields[each] for each in ("first_page", "pages")}
            return ReadRequest(name=name, data=data, limits=_limits(header.fields["limits"]), **asked)
        if header.fields.get("kind") == "run":
            named = dict(parts)
            if len(named) != len(parts) or len(parts) > INPUT_FILES_MAX + 2:
                raise Malformed("the parts are too many, or two have one name")
            test = named.pop("test", None)
            return RunRequest(
                language=ProgramLanguage(header.fields["language"]),
                code=_text(named.pop("code")),
                test=None if test is None else _text(test),
                files=tuple(File(name=_after("file:", name), data=data) for name, data in named.items()),
                limits=_limits(header.fields["limits"]),
            )
    except (ValueError, KeyError, TypeError) as exc:
        raise Malformed(f"the request is not accepted: {exc}"[:200]) from exc
    raise Malformed("the kind of request is not known")


def _after(label: str, name: str) -> str:
    if not name.startswith(label):
        raise Malformed("a part is not known")
    return name.removeprefix(label)


def encode_result(result: SealedResult) -> bytes:
    """The whole message of *result*."""
    if isinstance(result, ReadResult):
        header = {"kind": "read", "pages": [[page.number, page.name] for page in result.pages], **_plain(result)}
        return _message(header, [("page", _utf8(page.text)) for page in result.pages])
    outcomes = [("program", result.program)] + ([("test", result.test)] if result.test else [])
    header = {"kind": "run", "files_dropped": result.files_dropped}
    parts: list[tuple[str, bytes]] = []
    for name, outcome in outcomes:
        header[name] = _plain(outcome)
        parts += [(f"{name}.stdout", _utf8(outcome.stdout)), (f"{name}.stderr", _utf8(outcome.stderr))]
    return _message(header, parts + [(f"file:{file.name}", file.data) for file in result.files])


def _plain(value: ReadResult | Outcome) -> dict[str, Any]:
    """The fields that are no parts of their own."""
    return {each.name: getattr(value, each.name) for each in fields(value) if each.name not in IN_PARTS}


def _checked(raw: dict[str, Any], kind: type[ReadResult] | type[Outcome]) -> dict[str, Any]:
    """The same of a header, for *kind*, which checks numbers and sizes. Raises KeyError, TypeError and ValueError."""
    found = {each.name: raw[each.name] for each in fields(kind) if each.name not in IN_PARTS}
    return found | {"cause": _cause(raw["cause"]), "why": _string(raw["why"])}


def decode_result(header: Header, body: bytes) -> SealedResult:
    """The result of a message, of which nothing is trusted. Raises Malformed."""
    parts = split_body(header, body)
    try:
        if header.fields.get("kind") == "read":
            return _read_result(header.fields, parts)
        if header.fields.get("kind") == "run":
            return _run_result(header.fields, parts)
    except (ValueError, KeyError, TypeError) as exc:
        raise Malformed("the result is not understood") from exc
    raise Malformed("the kind of result is not known")


def _read_result(raw: dict[str, Any], parts: Sequence[tuple[str, bytes]]) -> ReadResult:
    pages = tuple(
        DocumentPage(number=number, name=_string(name), text=_text(text))
        for (number, name), (_, text) in zip(raw["pages"], parts, strict=True)
    )
    return ReadResult(pages=pages, **_checked(raw, ReadResult))


def _run_result(raw: dict[str, Any], parts: Iterable[tuple[str, bytes]]) -> RunResult:
    named = dict(parts)
    program = _outcome(raw["program"], named, "program")
    test = _outcome(raw["test"], named, "test") if "test" in raw else None
    files = tuple(File(name=_after("file:", name), data=data) for name, data in named.items())
    return RunResult(program=program, test=test, files=files, files_dropped=raw["files_dropped"])


def _outcome(raw: dict[str, Any], parts: dict[str, bytes], name: str) -> Outcome:
    stdout, stderr = (_text(parts.pop(f"{name}.{stream}")) for stream in ("stdout", "stderr"))
    return Outcome(stdout=stdout, stderr=stderr, **_checked(raw, Outcome))


def _cause(raw: object) -> RunnerCause | None:
    return None if raw is None else RunnerCause(_string(raw))


def _string(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError("not a text")
    return raw
