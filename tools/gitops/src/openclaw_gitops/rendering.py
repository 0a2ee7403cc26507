"""An environment's manifests: those of each part that stands in this repository, as Argo CD renders them."""

from collections.abc import Mapping
from pathlib import Path

from openclaw_gitops.environments import check_name, children
from openclaw_gitops.kustomizing import Object, build, objects
from openclaw_gitops.stopping import REFUSED, USAGE, Stop


def parts(root: Path, environment: str) -> dict[str, Path]:
    """The folders that *environment* is made of, by part: `root` is what Argo CD is told to follow."""
    found: dict[str, Path] = {}
    for child in children(root, environment):
        own = [source for source in child.sources if source.own and source.path]
        for source in own:
            name = (
                "root" if child.is_root else child.part if len(own) == 1 else f"{child.part}/{Path(source.path).name}"
            )
            found[name] = root / source.path
    return dict(sorted(found.items()))


def not_rendered(root: Path, environment: str) -> list[str]:
    """Sources from elsewhere, which need a network: each with its version."""
    return [
        f"{source.what} {source.revision}"
        for child in children(root, environment)
        for source in child.sources
        if not source.own
    ]


def render(root: Path, environment: str, part: str | None, env: Mapping[str, str]) -> str:
    """The manifests of *environment*, or of one part of it. Raises Stop if there is no such part, or it does not build."""
    check_name(root, environment)
    folders = parts(root, environment)
    if part is not None and part not in folders:
        raise Stop(USAGE, f"no part {part} in {environment}: one of {', '.join(folders)}")
    chosen = folders if part is None else {part: folders[part]}
    return "---\n".join(_folder(folder, env) for folder in chosen.values())


def rendered(
    root: Path, environment: str, env: Mapping[str, str], *, without: frozenset[str] = frozenset()
) -> list[Object]:
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
        raise Stop(REFUSED, f"{folder} holds no manifest")
    return "---\n".join(file.read_text() for file in files)
