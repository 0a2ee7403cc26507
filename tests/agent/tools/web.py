"""A small web for tests: servers of this machine that answer as told, and a resolver that says what it is told."""

import asyncio
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from openclaw_agent.tools.fetching.connecting import PublicOnly
from openclaw_agent.tools.fetching.fetcher import Fetcher
from openclaw_agent.tools.fetching.networks import is_public

PUBLIC = "127.0.0.1"
"""The one address of this machine that stands for the public web here. All others are judged as always."""
PRIVATE = "127.0.0.2"

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def reply(
    body: bytes | str = "", *, status: str = "200 OK", kind: str = "text/html; charset=utf-8", **headers: str
) -> bytes:
    """A whole answer. *headers* are written with `_` for `-`; an empty one takes the usual header away."""
    content = body.encode() if isinstance(body, str) else body
    lines = {"content-type": kind, "content-length": str(len(content)), "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content


def leads_to(location: str, *, status: str = "302 Found") -> bytes:
    return reply(status=status, location=location)


@dataclass(kw_only=True)
class Web:
    """Answers by host and path; keeps each request's head as it came, and at which address."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    names: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    """What the resolver says of a name, one answer after the other; the last one stays. Unnamed ones are at PUBLIC."""
    heads: list[tuple[str, str]] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    clients_gone: int = 0

    def __setitem__(self, where: str, answer: Answer) -> None:
        """`web["example.org/page"] = reply(...)`."""
        self.answers[where] = answer

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.resolved.append(host)
        said = self.names.get(host)
        if said is None:
            return [PUBLIC]
        return said.pop(0) if len(said) > 1 else said[0]

    def fetcher(self, **other: float) -> Fetcher:
        network = PublicOnly(resolve=self.resolve, allow=lambda address: address == PUBLIC or is_public(address))
        return replace(Fetcher(network=network, ports=frozenset({self.port, 80, 443})), **other)  # type: ignore[arg-type]

    async def serve(self, at: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append((at, head))
            lines = head.split("\r\n")
            path = lines[0].split(" ")[1]
            host = next(line.partition(": ")[2] for line in lines if line.lower().startswith("host: "))
            answer = self.answers.get(re.sub(r":\d+$", "", host) + path, reply("no such page", status="404 Not Found"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            self.clients_gone += 1
        finally:
            writer.close()


@asynccontextmanager
async def opened(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """A web with one server at PUBLIC and one at PRIVATE, on the same port."""
    web = Web()
    tasks: set[asyncio.Task[None]] = set()

    def serving(at: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(web.serve(at, reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        return begin

    first = await asyncio.start_server(serving(PUBLIC), PUBLIC, 0, ssl=tls)
    web.port = first.sockets[0].getsockname()[1]
    second = await asyncio.start_server(serving(PRIVATE), PRIVATE, web.port, ssl=tls)
    try:
        yield web
    finally:
        for server in (first, second):
            server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def certificate(folder: Path, name: str) -> Path:
    """A file with a key and a certificate for *name* that signs itself."""
    whole = folder / f"{name}.pem"
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    whole.write_bytes(key.read_bytes() + cert.read_bytes())
    return whole
