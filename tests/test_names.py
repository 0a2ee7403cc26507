"""Names of the code: one name means one thing, and each module says in its first line what it is for."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]

EACH_PROCESS_HAS_ITS_OWN = frozenset({"Settings", "from_env", "run", "main"})
"""A process has one of each, and no module imports those of two processes."""


def module_of(file: Path) -> str:
    return ".".join(file.parts[file.parts.index("src") + 1 :]).removesuffix(".py").removesuffix(".__init__")


FILES = sorted(file for folder in ("apps", "packages", "tools") for file in (ROOT / folder).glob("*/src/**/*.py"))
CODE = {module_of(file): ast.parse(file.read_text()) for file in FILES}


def top_level_names(tree: ast.Module) -> set[str]:
    """Names of functions, classes, types and constants of a module."""
    names = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def is_type(name: str) -> bool:
    """Whether *name* is written as a class or a type is: `Task`, not `TASK_S` or `task`."""
    return name[0].isupper() and not name.isupper()


def shared(places: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """The names that two modules use, with these modules."""
    return {
        name: sorted(modules)
        for name, modules in sorted(places.items())
        if len(modules) > 1 and not name.startswith("_") and name not in EACH_PROCESS_HAS_ITS_OWN
    }


def types_of_two_modules(code: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    places = defaultdict(set)
    for module, tree in code.items():
        for name in filter(is_type, top_level_names(tree)):
            places[name].add(module)
    return shared(places)


def imported_names_of_two_modules(code: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Names that stand in code without their module (`from a import name`), and that two modules define."""
    defined = {module: top_level_names(tree) for module, tree in code.items()}
    places = defaultdict(set)
    for tree in code.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if node.module in defined and alias.name in defined[node.module]:
                        places[alias.name].add(node.module)
    return shared(places)


def test_no_two_types_have_one_name() -> None:
    assert types_of_two_modules(CODE) == {}


def test_a_name_that_is_imported_comes_from_one_module() -> None:
    """A function such as `read` may have a name that others have too if its module is named with it: `rows.read()`."""
    assert imported_names_of_two_modules(CODE) == {}


def parsed(**modules: str) -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in modules.items()}


def test_names_of_two_things_are_noticed() -> None:
    code = parsed(
        a="class Page: ...\ndef read(): ...\nMAX = 1",
        b="class Page: ...\ndef read(): ...\nMAX = 2",
        c="from a import read, MAX",
        d="from b import read, Page",
    )

    assert types_of_two_modules(code) == {"Page": ["a", "b"]}
    assert imported_names_of_two_modules(code) == {"read": ["a", "b"]}


def without_a_sentence(code: Mapping[str, ast.Module]) -> Iterable[str]:
    """Modules with code of their own whose first line says nothing."""
    return [name for name, tree in code.items() if tree.body and len((ast.get_docstring(tree) or "").split()) < 3]


def test_each_module_says_in_its_first_line_what_it_is_for() -> None:
    assert without_a_sentence(CODE) == []
    assert without_a_sentence(parsed(a="x = 1", b='"""Reads pages of documents."""', c="")) == ["a"]


PLAIN_WORDS = {
    r"\bstands? (in|there)\b(?! for)": "is in, is there: a stand-in is a server that takes another's place",
    r"\blets? \w* ?(tasks? )?go\b|\blet go\b": "release",
    r"\bunborn\b|\bnewborn\b|\bnursery\b": "not started, fork server",
    r"\bhears?\b of\b|\b[Hh]eard\b of\b": "learns of, reads",
    r"\b(has no|without) ears\b": "cannot transcribe",
    r"\bloudly\b": "in the log, in the chat",
}
"""Pictures of our own that were in the code once, and the words of the field for them."""
TEXTS = [*(file for file in FILES if file.parent.name != "texts"), *sorted((ROOT / "packages").glob("*/src/**/*.lua"))]
"""Users' sentences are not among them: they keep their tone."""


def pictures(text: str) -> list[str]:
    """What of *text* is a picture of our own, with a plain word for it."""
    return [
        f"{found[0]!r}: write {plain}" for pattern, plain in PLAIN_WORDS.items() for found in re.finditer(pattern, text)
    ]


def test_code_speaks_in_the_words_of_the_field() -> None:
    found = [f"{file.relative_to(ROOT)}: {one}" for file in TEXTS for one in pictures(file.read_text())]
    assert "\n".join(found) == ""


def test_a_picture_of_our_own_is_noticed() -> None:
    assert len(pictures("The run stands in Redis until the leader hears of it. It is let go then.")) == 3
    assert pictures("`{{url}}` stands for it, the stand-in answers, it lets them wait") == []


def glossary_words() -> list[str]:
    page = (ROOT / "docs/architecture.md").read_text()
    return re.findall(r"^\| \*\*(.+?)\*\* \|", page.partition("\n## Glossary\n")[2].partition("\n## ")[0], re.MULTILINE)


def test_the_glossary_has_each_word_once() -> None:
    words = glossary_words()
    assert len(words) > 30
    assert sorted(word for word in set(words) if words.count(word) > 1) == []
