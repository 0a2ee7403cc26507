"""What kustomize says of an overlay that it cannot build, as a sentence with file, line and what to do."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from tests.manifests.rendering import ROOT

PLACES = (
    "platform/openclaw/overlays/{}",
    "platform/openclaw/base",
    "platform/openclaw/components",
    "platform/environments/{}",
    "clusters",
)
"""Where an overlay's parts are, its own first."""


def sentence(said: str, environment: str, root: Path = ROOT) -> str:
    """`file:line: what is wrong: what to do`, from kustomize's *said*."""
    said = " ".join(said.split()).removeprefix("Error: ")
    for pattern, find, advice in KNOWN:
        if match := re.search(pattern, said):
            words = match.groupdict()
            return f"{find(words, environment, root)}: {advice.format(**words)}"
    own = PLACES[0].format(environment)
    return f"{own}/kustomization.yaml:1: does not render. kustomize says: {_last(said)}. Undo what was changed last, or run `scripts/render {environment}` and follow its words"


def _last(said: str) -> str:
    """The part of kustomize's nested message that names the cause."""
    inner = re.split(
        r"accumulat\w+ (?:err='|resources(?: from '[^']*')?: |components: )|recursed accumulation of path '[^']*': ",
        said,
    )[-1]
    return re.split(r"': must build at directory", inner)[0].strip(" \"'")


def _files(environment: str, root: Path) -> list[Path]:
    return [file for place in PLACES for file in sorted((root / place.format(environment)).rglob("*.yaml"))]


def _at(word: str, files: Iterable[Path], root: Path) -> str:
    """The first line of *files* that holds *word* as one; the first file's beginning if none does."""
    whole = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w-])")
    first = None
    for file in files:
        first = first or file
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if whole.search(line) and not line.lstrip().startswith("#"):
                return f"{file.relative_to(root).as_posix()}:{number}"
    return f"{first.relative_to(root).as_posix() if first else 'platform'}:1"


def _kustomizations(environment: str, root: Path) -> Iterator[Path]:
    return (file for file in _files(environment, root) if file.name == "kustomization.yaml")


def _named(words: dict[str, str], environment: str, root: Path) -> str:
    """Where the word stands in a kustomization."""
    return _at(words["word"], _kustomizations(environment, root), root)


def _anywhere(words: dict[str, str], environment: str, root: Path) -> str:
    return _at(words["word"], _files(environment, root), root)


def _missing(words: dict[str, str], environment: str, root: Path) -> str:
    """Where a file is named that is not there: by its folder and name, or by its name alone."""
    whole = _named(words, environment, root)
    return _named({"word": words["word"].rpartition("/")[2]}, environment, root) if whole.endswith(":1") else whole


def _given(words: dict[str, str], environment: str, root: Path) -> str:
    """The file that kustomize names, from the folder that it was in, with its line."""
    files = [file for file in _files(environment, root) if file.as_posix().endswith(words["word"])]
    file = files[0].relative_to(root).as_posix() if files else words["word"]
    return f"{file}:{words.get('line') or 1}"


def _own(words: dict[str, str], environment: str, root: Path) -> str:
    """The kustomization that is no YAML; kustomize does not say which."""
    for file in _kustomizations(environment, root):
        try:
            yaml.safe_load(file.read_text())
        except yaml.YAMLError:
            return f"{file.relative_to(root).as_posix()}:{words.get('line') or 1}"
    return f"{PLACES[0].format(environment)}/kustomization.yaml:{words.get('line') or 1}"


KNOWN = (
    (
        r'unable to parse SM or JSON patch from \[path: "(?P<word>[^"]+)"',
        _given,
        "this patch cannot be read: it is neither a merge by names (apiVersion, kind, metadata.name and what changes) "
        "nor a list of operations (op, path, value)",
    ),
    (
        r"invalid Kustomization: (?:error converting YAML to JSON: )?yaml: (?:line (?P<line>\d+): )?(?P<what>.*?)(?: in File: .*)?$",
        _own,
        "this is no YAML: {what}. Look at the line and the one before it",
    ),
    (
        r"unable to parse SM or JSON patch from \[(?P<word>patch): ",
        _named,
        "a {word} of this file cannot be read: it is neither a merge by names (apiVersion, kind, metadata.name and "
        "what changes) nor a list of operations (op, path, value)",
    ),
    (
        r"(?:error in )?(?P<op>\w+) (?:for path|operation does not apply): .*?(?P<word>/[\w~./-]+)",
        _anywhere,
        "there is nothing at {word} to {op}: correct the path, or write `op: add`",
    ),
    (
        r"testing value (?P<word>\S+) failed",
        _anywhere,
        "this patch tests what stands at the position {word}, and something else does now: write the patch as a merge "
        "by names, as agent-log-level.yaml is, or correct the position",
    ),
    (
        r"MalformedYAMLError: yaml: (?:line (?P<line>\d+): )?(?P<what>.*?) in File: (?P<word>\S+?)['\"]?(?:$|[\s:])",
        _given,
        "this is no YAML: {what}. Look at the line and the one before it",
    ),
    (
        r"missing (?P<what>kind|metadata\.name) in object .*?: must build at directory: '(?P<word>[^']+)'",
        _given,
        "it has no `{what}`: write it, as in the files beside it",
    ),
    (
        r"illegally repeats the key `(?P<word>[^`]+)`",
        _named,
        "{word} stands twice in one list of literals: delete one of them",
    ),
    (
        r"invalid literal source (?P<word>[^,]+), expected key=value",
        _named,
        "{word} has no value: write {word}=VALUE",
    ),
    (
        r'unknown field "(?P<word>[^"]+)"',
        _named,
        "kustomize knows no field {word}: correct its spelling",
    ),
    (
        r"lstat \S*?/(?P<word>[\w.-]+/?[\w.-]+): no such file",
        _missing,
        "there is no file {word}: correct the name, or add the file",
    ),
    (
        r'unable to find field \\?"(?P<word>[^"\\]+)\\?" in replacement target',
        _named,
        "the objects that are selected above this line have nothing at {word} any more (positions count from 0): give "
        "it back to them, or correct the path here",
    ),
    (
        r'Kind:"(?P<kind>\w+)".*?Name:"(?P<word>[^"]+)".*? exists; can not use behavior',
        _named,
        "the {kind} {word} is there already: write `behavior: merge` (or replace) below its name",
    ),
    (
        r'Kind:"(?P<kind>\w+)".*?Name:"(?P<word>[^"]+)".*? does not exist; cannot merge or replace',
        _named,
        "there is no {kind} {word} to merge into: correct the name, or take `behavior` out",
    ),
    (
        r"already registered id: (?P<kind>\w+)\.\S*?/(?P<name>[\w-]+).*?must build at directory: '(?P<word>[^']+)'",
        _given,
        "the {kind} {name} is defined twice: delete one, or give it a name of its own",
    ),
    (
        r"no (?:resource )?matches for (?:strategic merge patch|Id) .*?(?P<kind>[A-Z]\w+)[^/]*/(?P<word>[\w-]+)",
        _anywhere,
        "there is no {kind} {word} that this patch could change: correct the name",
    ),
)  # fmt: skip
"""Kustomize's words, where the word that they name is looked for, and what to tell."""
