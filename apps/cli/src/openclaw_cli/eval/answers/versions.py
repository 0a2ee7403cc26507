"""The two versions that are compared: prompts, roles and settings of a commit, and of the work tree."""

import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from openclaw_core.errors import SettingsError
from openclaw_core.roles.check import load_roles
from openclaw_core.roles.snapshot import snapshot_of
from openclaw_core.roles.values import Role, Roles
from openclaw_core.tasks.task import RoleSnapshot

FOLDER = "platform/openclaw/base"
"""Of prompts, roles and settings, below the root of the repository."""
MAIN = ("origin/main", "main")
"""With whose common ancestor the work tree is compared, unless a revision is named. The first that there is."""
GIT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Prompts, roles and settings, and what a reader calls them."""

    name: str
    roles: Roles

    def snapshot(self, role: str, model: str | None = None) -> RoleSnapshot | None:
        """What an agent would get, with the one *model* if it is given; None if there is no such role.

        The prompt is whole, as in a cluster.
        """
        if role not in self.roles.roles:
            return None
        snapshot = snapshot_of(self.roles.roles[role])
        if model is None:
            return snapshot
        at = self.roles.at(model)
        known = self.roles.models.get(model)
        return replace(
            snapshot,
            models=(model,),
            tools=tuple(tool for tool in snapshot.tools if known is not None and tool in known.tools),
            elsewhere=(at,) if at.provider or at.id != at.name else (),
        )


def work_tree(repository: Path) -> Version:
    """The version of the files as they are now. Raises SettingsError naming each fault."""
    return Version(name="work tree", roles=load_roles(repository / FOLDER))


def at_revision(repository: Path, revision: str | None, *, of: str = "HEAD") -> Version:
    """The version at *revision*; None: where *of* left main, so that what others merged since is not judged. Raises SettingsError."""
    commit = _resolved(repository, revision) if revision else _left_main(repository, of)
    archive = _git(repository, "archive", "--format=tar", commit, FOLDER)
    with tempfile.TemporaryDirectory(prefix="openclaw-version-") as folder:
        try:
            with tarfile.open(fileobj=BytesIO(archive)) as tar:
                tar.extractall(folder, filter="data")
        except tarfile.FilterError as exc:  # such as a link to a file of this machine
            raise SettingsError(f"{FOLDER} at {commit[:8]} is refused: {exc}") from None
        try:
            roles = load_roles(Path(folder) / FOLDER)
        except SettingsError as exc:
            raise SettingsError(f"the roles at {commit[:8]} cannot be read by this code:\n{exc}") from None
    named = revision or "main"
    return Version(name=commit[:8] if commit.startswith(named) else f"{named} ({commit[:8]})", roles=roles)


def with_canaries(before: Version, after: Version, roles: Sequence[str]) -> Version:
    """*after*, where those of *roles* that begin a canary have its prompt as their own: it reaches people too.

    Raises SettingsError where both prompts of a role differ, since one comparison would have to judge two changes.
    """
    tried = [name for name in roles if _begins_a_canary(before, after, name)]
    if both := [name for name in tried if _own(before, name) != _own(after, name)]:
        raise SettingsError(
            f"{both[0]}: both its canary and its own prompt or settings differ; change one after the other"
        )
    if not tried:
        return after
    changed = {name: _of_canary(after.roles.roles[name]) for name in tried}
    return replace(
        after,
        name=f"{after.name}, canary of {', '.join(tried)}",
        roles=replace(after.roles, roles={**after.roles.roles, **changed}),
    )


def _begins_a_canary(before: Version, after: Version, name: str) -> bool:
    old, new = before.roles.roles.get(name), after.roles.roles.get(name)
    if old is None or new is None or new.canary is None:
        return False
    return old.canary is None or old.canary.prompt != new.canary.prompt


def _own(version: Version, name: str) -> RoleSnapshot | None:
    """What an agent gets without a canary. A longer canary takes its tokens from the results of tools, which is no change of the role's own."""
    snapshot = version.snapshot(name)
    return None if snapshot is None else replace(snapshot, results_tokens=0)


def _of_canary(role: Role) -> Role:
    return role if role.canary is None else replace(role, prompt=role.canary.prompt, canary=None)


def changed_roles(before: Version, after: Version, model: str | None = None) -> tuple[str, ...]:
    """The roles of both versions whose agents would get something else."""
    return tuple(
        name
        for name in after.roles.roles
        if name in before.roles.roles and before.snapshot(name, model) != after.snapshot(name, model)
    )


def _left_main(repository: Path, of: str) -> str:
    commit = _resolved(repository, of)
    for main in MAIN:
        try:
            return _git(repository, "merge-base", commit, _resolved(repository, main)).decode().strip()
        except SettingsError:
            continue
    raise SettingsError(f"there is no {' and no '.join(MAIN)} to compare with: name a commit with --against")


def _resolved(repository: Path, revision: str) -> str:
    try:
        return (
            _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            .decode()
            .strip()
        )
    except SettingsError:
        raise SettingsError(f"there is no commit {revision!r} here: fetch it, or name another with --against") from None


def _git(repository: Path, *words: str) -> bytes:
    """What git prints. Raises SettingsError if it fails."""
    command: Sequence[str] = ("git", "-C", str(repository), *words)
    try:
        return subprocess.run(command, check=True, capture_output=True, timeout=GIT_S).stdout  # noqa: S603 - a fixed program, its words are one each
    except FileNotFoundError:
        raise SettingsError("git is not installed: versions are read from it") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        told = (exc.stderr or b"").decode(errors="replace").strip().splitlines()
        raise SettingsError(f"git {words[0]} failed: {told[-1] if told else type(exc).__name__}") from None
