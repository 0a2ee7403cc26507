"""What a process of a pool loads: each library that it does without is memory and a part of its start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from openclaw_core import store

CLAIM = "import openclaw_agent.__main__, openclaw_agent.app"
ALL = f"{CLAIM}\nfrom openclaw_agent.loading import load_libraries\nload_libraries()"
MESSENGER = {"telegram", "markdown_it", "telegramify_markdown"}
SHOWING = (
    "openclaw_core.chat.telegram.messenger",
    "openclaw_core.chat.paging",
    "openclaw_core.chat.markdown",
    "openclaw_agent.alone",
)
TOOLS = ("openclaw_agent.tools", "openclaw_agent.steps")
"""What a role without tools does not pay for."""
OF_THE_STORE = {
    "openclaw_core.store",
    *(
        f"openclaw_core.store.{name}"
        for name in ("agent_work", "client", "packing", "redis_faults", "run_steps", "server", "step_values", "turns")
    ),
}
"""What an agent uses of the store: the rest is the leader's."""


def loaded(code: str) -> set[str]:
    """Names of the modules in a fresh interpreter after *code*."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True, input=""
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def test_a_claim_needs_no_library_of_the_model() -> None:
    assert loaded(CLAIM) & {"httpx", "groq", "pydantic", *MESSENGER} == set()


def test_an_answer_needs_no_sdk_and_nothing_of_telegram_or_markdown() -> None:
    modules = loaded(ALL)

    assert {"httpx", "openclaw_agent.answering", "openclaw_agent.attachments.files"} <= modules
    assert modules & {"groq", "pydantic", *MESSENGER} == set()
    assert [name for name in modules if name.startswith(SHOWING)] == []
    assert [name for name in modules if name.startswith(("openclaw_core.chat.delivery", *TOOLS))] == []
    assert {name for name in modules if name.startswith("openclaw_core.store")} == OF_THE_STORE


@pytest.mark.skipif(sys.platform != "linux", reason="agents are forked on Linux only")
def test_what_agents_are_forked_from_has_all_of_it_and_nothing_more() -> None:
    modules = loaded(
        "from openclaw_agent import fork_server\nfork_server.main()  # at the end of its input, which is empty, it returns"
    )

    assert "openclaw_agent.answering" in modules
    assert [name for name in modules if name.startswith(SHOWING) or name in MESSENGER] == []
    assert {name for name in modules if name.startswith("openclaw_core.store")} == OF_THE_STORE


def test_every_name_of_the_store_can_be_had() -> None:
    declared = re.findall(r"import \w+ as (\w+)", Path(store.__file__).read_text())  # what type checkers see
    assert sorted(store._MODULE_OF) == sorted(declared)
    for name in declared:
        assert getattr(store, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        store.nothing  # noqa: B018
