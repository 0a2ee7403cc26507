"""docs/tools.md, "Add a tool", walked: its blocks of code are added to a copy of the packages by its own steps, and a
model uses the tool.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openclaw_core.tasks.outcome import Exit
from openclaw_standin.bot_api import BotApi
from openclaw_standin.model import ScriptedModel
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[3]
AGENT, CORE, BASE = "apps/agent/src", "packages/core/src", "platform/openclaw/base"
TOKEN = "4242:marker-token-never-logged"


def blocks() -> tuple[str, str, str, str]:
    """The page's example: the file, the line for the toolbox, the command, the line of a role."""
    page = (ROOT / "docs/tools.md").read_text(encoding="utf-8")
    chapter = page[page.index("## Add a tool") : page.index("## The loop")]
    file, line, role = re.findall(r"^ *```\w+\n(.*?)^ *```$", chapter, re.MULTILINE | re.DOTALL)
    [command] = re.findall(r"^ {7}(\.venv/bin/python .+)$", chapter, re.MULTILINE)
    return file, line.strip(), command, role.strip()


def inserted(text: str, before: str, new: str) -> str:
    assert text.count(before) == 1, before
    return text.replace(before, new + before)


def followed(folder: Path) -> None:
    """The steps of the page, in a copy."""
    for part in (AGENT, CORE, BASE):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    file, line, command, role = blocks()
    path, _, code = file.partition("\n")
    (folder / path.removeprefix("# ")).write_text(code, encoding="utf-8")
    [name] = re.findall(r"^class (\w+):$", code, re.MULTILINE)
    module = path.removeprefix(f"# {AGENT}/").removesuffix(".py").replace("/", ".")

    toolbox = folder / AGENT / "openclaw_agent/tools/toolbox.py"
    text = inserted(toolbox.read_text(), "\n\nlog = ", f"\nfrom {module} import {name}")
    toolbox.write_text(inserted(text, "    return {tool.name: tool for tool in found}\n", f"    {line}\n"))

    roles = folder / CORE / "openclaw_core/roles/file.py"
    text = roles.read_text()
    assert text.count("\nToolName = Literal[") == 1
    roles.write_text(text.replace("\nToolName = Literal[", f'\nToolName = Literal["{module.rpartition(".")[2]}", '))
    shell = command.replace(".venv/bin/python", sys.executable)
    subprocess.run(["bash", "-c", shell], cwd=folder, env=environment(folder), check=True)

    config = folder / BASE / "config/roles.yaml"
    before = re.sub(r"\n    tools: \[web_search.*\]\n", f"\n    {role}\n", config.read_text())
    assert role in before
    config.write_text(before)


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{folder / AGENT}:{folder / CORE}"}


async def test_the_steps_of_the_page_give_a_model_a_new_tool(tmp_path: Path) -> None:
    followed(tmp_path / "code")
    (tmp_path / "redis").mkdir()
    with RedisServer.start(tmp_path / "redis") as redis:
        async with ScriptedModel.open(first_token_s=0.01, tokens_per_s=2000) as model, BotApi.open(token=TOKEN) as api:
            model.scripts.add(
                {"when": "Purim",
                 "turns": [{"calls": [{"name": "days_between", "arguments": {"first": "2026-11-30", "second": "2027-03-23"}},
                                      {"name": "days_between", "arguments": {"first": "yesterday", "second": 7}}]},
                           {"take": {"days": r"(\d+) days\."}, "text": "It is {{days}} days until then."}]}
            )  # fmt: skip
            api.users.write(5, "/help")
            env = environment(tmp_path / "code") | {
                "TASK": "How long is it until Purim?", "ROLE": "researcher", "CHAT_ID": "5", "ROLES_DIR": str(tmp_path / "code" / BASE),
                "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_BASE_URL": api.url, "GROQ_API_KEY": "k", "GROQ_BASE_URL": model.url,
                "REDIS_URL": redis.url,
            }  # fmt: skip
            agent = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "openclaw_agent", env=env, stderr=asyncio.subprocess.PIPE
            )
            _, errors = await agent.communicate()
            assert agent.returncode == Exit.DONE, errors.decode()
            assert "It is 113 days until then." in api.bot_texts(5)[-1]
            told = [one for one in model.calls[-1].messages if one["role"] == "tool"]
            assert [one["content"] for one in told] == [
                "113 days.",
                "days_between needs the arguments first and second, each a date such as 2026-11-30.",
            ]
    schema = (tmp_path / "code" / BASE / "config/roles.schema.json").read_text()
    assert schema.count('"days_between"') == 1
