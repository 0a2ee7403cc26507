"""GitHub's list of a commit's statuses, on loopback: all that were set, newest first, each with who set it; pages, and refusals."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.gitops.loopback import Answering, served

TOKEN = "ghs_marker_never_logged"
ARGOCD, OURS = "argo-of-owner[bot]", "automation-of-owner[bot]"


@dataclass
class GitHub:
    url: str = ""
    _seconds: int = 0
    repository: str = "owner/platform"
    status: int = 0
    """What every call is answered with, unless 0."""
    asked: list[str] = field(default_factory=list)
    _statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        return {
            "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": self.repository, "STATUS_CREATORS": f"{ARGOCD} {OURS}",
        }  # fmt: skip

    def entries(self, commit: str) -> list[dict[str, Any]]:
        return list(reversed(self._statuses.get(commit, [])))

    def put(self, commit: str, context: str, state: str, *, by: str = OURS, kind: str = "Bot") -> None:
        """Set a status, a second after the one before."""
        at = f"2026-01-01T{self._seconds // 3600:02}:{self._seconds // 60 % 60:02}:{self._seconds % 60:02}Z"
        self._seconds += 1
        entry = {"context": context, "state": state, "created_at": at, "creator": {"login": by, "type": kind}}
        self._statuses.setdefault(commit, []).append(entry)


@contextmanager
def github() -> Iterator[GitHub]:
    hub = GitHub()

    class Handler(Answering):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path.split("/"), parse_qs(urlsplit(self.path).query)
            if not self._is_known(path):
                return
            hub.asked.append(path[5])
            size, page = int(query["per_page"][0]), int(query["page"][0])
            entries = hub.entries(path[5])
            self._answer(200, entries[(page - 1) * size : page * size])

        def _is_known(self, path: list[str]) -> bool:
            if hub.status:
                self._answer(hub.status, {"message": "no"})
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._answer(401, {"message": "Bad credentials"})
            elif path[:5] != ["", "repos", *hub.repository.split("/"), "commits"] or path[6:] != ["statuses"]:
                self._answer(404, {"message": "Not Found"})
            else:
                return True
            return False

        def _answer(self, status: int, body: object) -> None:
            self.send(status, json.dumps(body).encode())

    with served(Handler, name="github") as host:
        hub.url = f"http://{host}"
        yield hub
