"""Read GitHub's commit statuses: they tell the health of staging, and nobody needs a key to the cluster for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import httpx

from openclaw_gitops.errors import REFUSED, UNAVAILABLE, USAGE, CommandError
from openclaw_gitops.promotion_rules import CommitStatus

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
        """From GITHUB_TOKEN or GH_TOKEN, STATUS_CREATORS, GITHUB_REPOSITORY (else *repository_url*), GITHUB_API_URL.

        Raises CommandError.
        """
        token = env.get("GITHUB_TOKEN") or env.get("GH_TOKEN")
        if not token:
            raise CommandError(
                UNAVAILABLE,
                "no GitHub token: set GITHUB_TOKEN to one that reads commit statuses (gh auth token prints yours)",
            )
        name = env.get("GITHUB_REPOSITORY") or repository_url.removeprefix("https://github.com/").removesuffix(".git")
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            raise CommandError(USAGE, "the repository is not on GitHub: set GITHUB_REPOSITORY to owner/name")
        creators = frozenset(env.get("STATUS_CREATORS", "").replace(",", " ").split())
        if not creators or not all(re.fullmatch(r"[\w-]+\[bot\]", creator) for creator in creators):
            raise CommandError(
                USAGE,
                "set STATUS_CREATORS to the GitHub Apps whose statuses count, Argo CD's and that of the automation: name[bot] name[bot]."
                " Anybody who may write to the repository may set a status",
            )
        api = env.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
        return cls(api=api, repository=name, token=token, creators=creators)

    def of(self, commit: str) -> dict[str, CommitStatus]:
        """The newest status of each context at *commit*, of those whose status counts. Raises CommandError if GitHub does not tell.

        Whoever may write to the repository may set any status, so each is asked who set it. The combined status does not say: this
        is the list of all, newest first.
        """
        found: dict[str, CommitStatus] = {}
        for page in range(1, 11):
            entries = self._get(f"commits/{commit}/statuses?per_page={PAGE}&page={page}")
            if not isinstance(entries, list):
                raise CommandError(UNAVAILABLE, "GitHub does not answer as it should: try again later")
            for entry in entries:
                creator = entry.get("creator") or {}
                if creator.get("type") != "Bot" or creator.get("login") not in self.creators:
                    continue
                status = CommitStatus(state=str(entry["state"]), at=str(entry["created_at"]))
                found.setdefault(str(entry["context"]), status)
            if len(entries) < PAGE:
                return found
        raise CommandError(REFUSED, f"{commit} has more than {PAGE * 10} statuses")

    def _get(self, path: str) -> object:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            reply = httpx.get(f"{self.api}/repos/{self.repository}/{path}", headers=headers, timeout=CALL_S)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise CommandError(
                UNAVAILABLE, "GitHub cannot be reached: try again later, or set GITHUB_API_URL"
            ) from None
        if reply.status_code in (401, 403, 404):
            raise CommandError(
                UNAVAILABLE,
                f"GitHub refuses ({reply.status_code}): the token needs `statuses: read` on {self.repository}",
            )
        if reply.status_code == 422:
            raise CommandError(REFUSED, "GitHub does not know this commit: push it first")
        if reply.is_error:
            raise CommandError(UNAVAILABLE, f"GitHub answers {reply.status_code}: try again later")
        try:
            return reply.json()
        except ValueError:
            raise CommandError(UNAVAILABLE, "GitHub does not answer as it should: try again later") from None
