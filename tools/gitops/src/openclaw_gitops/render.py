"""Render an environment's manifests: of each part that is in this repository, as Argo CD does."""

from collections.abc import Mapping
from pathlib import Path

from openclaw_gitops.environments import applications, check_name
from openclaw_gitops.errors import REFUSED, USAGE, CommandError
from openclaw_gitops.kustomize import Manifest, build, objects


def parts(root: Path, environment: str) -> dict[str, Path]:
    """The folders that *environment* is made of, by part: `root` is what Argo CD is told to follow."""
    found: dict[str, Path] = {}
    for app in applications(root, environment):
        own = [source for source in app.sources if source.own and source.path]
        for source in own:
            name = "root" if app.is_root else app.part if len(own) == 1 else f"{app.part}/{Path(source.path).name}"
            found[name] = root / source.path
    return dict(sorted(found.items()))


def not_rendered(root: Path, environment: str) -> list[str]:
    """Sources from elsewhere, which need a network: each with its version."""
    return [
        f"{source.what} {source.revision}"
        for app in applications(root, environment)
        for source in app.sources
        if not source.own
    ]


def render(root: Path, environment: str, part: str | None, env: Mapping[str, str]) -> str:
    """The manifests of *environment*, or of one part of it. Raises CommandError if there is no such part, or it does not build."""
    check_name(root, environment)
    folders = parts(root, environment)
    if part is not None and part not in folders:
        raise CommandError(USAGE, f"no part {part} in {environment}: one of {', '.join(folders)}")
    chosen = folders if part is None else {part: folders[part]}
    return "---\n".join(_folder(folder, env) for folder in chosen.values())


def rendered(
    root: Path, environment: str, env: Mapping[str, str], *, without: frozenset[str] = frozenset()
) -> list[Manifest]:
    """All objects of *environment*. A tree that does not know the environment yet has none."""
    if not (root / "clusters" / environment / "environment.yaml").exists():
        return []
    texts = [_folder(folder, env) for part, folder in parts(root, environment).items() if part not in without]
    return [obj for text in texts for obj in objects(text)]


def _folder(folder: Path, env: Mapping[str, str]) -> str:
    if (folder / "kustomization.yaml").exists():
        return build(folder, env)
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise CommandError(REFUSED, f"{folder} holds no manifest")
    return "---\n".join(file.read_text() for file in files)
