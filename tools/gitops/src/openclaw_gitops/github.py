"""GitHub's commit statuses: how the health of staging gets out of the cluster without anybody holding a key to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import httpx

from openclaw_gitops.promotion import Word
from openclaw_gitops.stopping import REFUSED, UNAVAILABLE, USAGE, Stop

CALL_S = 15.0
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """Commit statuses of one repository."""

    api: str
    repository: str
    """owner/name"""
    token: str = field(repr=False)
    creators: frozenset[str]
    """Logins of the GitHub Apps whose statuses count, as `name[bot]`."""

    @classmethod
    def from_env(cls, env: Mapping[str, str], repository_url: str) -> Self:
        """From GITHUB_TOKEN or GH_TOKEN, STATUS_CREATORS, GITHUB_REPOSITORY (else *repository_url*), GITHUB_API_URL. Raises Stop."""
        token = env.get("GITHUB_TOKEN") or env.get("GH_TOKEN")
        if not token:
            raise Stop(
                UNAVAILABLE,
                "no GitHub token: set GITHUB_TOKEN to one that reads commit statuses (gh auth token prints yours)",
            )
        name = env.get("GITHUB_REPOSITORY") or repository_url.removeprefix("https://github.com/").removesuffix(".git")
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            raise Stop(USAGE, "the repository is not on GitHub: set GITHUB_REPOSITORY to owner/name")
        creators = frozenset(env.get("STATUS_CREATORS", "").replace(",", " ").split())
        if not creators or not all(re.fullmatch(r"[\w-]+\[bot\]", creator) for creator in creators):
            raise Stop(
                USAGE,
                "set STATUS_CREATORS to the GitHub Apps whose statuses count, Argo CD's and that of the automation: name[bot] name[bot]."
                " Anybody who may write to the repository may set a status",
            )
        api = env.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
        return cls(api=api, repository=name, token=token, creators=creators)

    def of(self, commit: str) -> dict[str, Word]:
        """The newest word on each context at *commit*, of those whose word counts. Raises Stop if GitHub does not tell.

        Whoever may write to the repository may set any status, so each is asked who set it. The combined status does not say: this
        is the list of all, newest first.
        """
        found: dict[str, Word] = {}
        for page in range(1, 11):
            entries = self._call("GET", f"commits/{commit}/statuses?per_page={PAGE}&page={page}")
            if not isinstance(entries, list):
                raise Stop(UNAVAILABLE, "GitHub does not answer as it should: try again later")
            for entry in entries:
                creator = entry.get("creator") or {}
                if creator.get("type") != "Bot" or creator.get("login") not in self.creators:
                    continue
                word = Word(state=str(entry["state"]), at=str(entry["created_at"]))
                found.setdefault(str(entry["context"]), word)
            if len(entries) < PAGE:
                return found
        raise Stop(REFUSED, f"{commit} has more than {PAGE * 10} statuses")

    def _call(self, method: str, path: str) -> object:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            reply = httpx.request(method, f"{self.api}/repos/{self.repository}/{path}", headers=headers, timeout=CALL_S)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Stop(UNAVAILABLE, "GitHub cannot be reached: try again later, or set GITHUB_API_URL") from None
        if reply.status_code in (401, 403, 404):
            raise Stop(
                UNAVAILABLE,
                f"GitHub refuses ({reply.status_code}): the token needs `statuses: read` on {self.repository}",
            )
        if reply.status_code == 422:
            raise Stop(REFUSED, "GitHub does not know this commit: push it first")
        if reply.is_error:
            raise Stop(UNAVAILABLE, f"GitHub answers {reply.status_code}: try again later")
        try:
            return reply.json()
        except ValueError:
            raise Stop(UNAVAILABLE, "GitHub does not answer as it should: try again later") from None
