"""Lua allows 200 local names at a time in a script. The scripts leave room for what is still to come, at the end of each of their files."""

import re
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

import openclaw_core.store
from openclaw_core.store import Script
from openclaw_core.store.client import Rights

LUA = Path(openclaw_core.store.__file__).parent / "lua"
ROOM = 50
LAST = "9_dispatch.lua"
"""It ends with a return, which nothing may follow."""
BLOCK_END = "end -- of this file\n"
"""Names of a file in a block end there."""


def with_more(rights: Rights, at: str, more: int) -> str:
    """The script with *more* names at the end of its file *at*."""
    names = "".join(f"local more_{n}\n" for n in range(more))
    texts = []
    for file in [*sorted((LUA / "shared").glob("*.lua")), *sorted((LUA / rights).glob("*.lua"))]:
        text = file.read_text()
        if file.name == at == LAST:
            text = names + text
        elif file.name == at:
            text = text.removesuffix(BLOCK_END) + names + BLOCK_END if text.endswith(BLOCK_END) else text + names
        texts.append(text)
    return "\n".join(texts)


@pytest.mark.parametrize("rights", ["leader", "agent"])
async def test_each_file_of_a_script_has_room_for_more_names(script: Script, rights: Rights) -> None:
    for file in sorted((LUA / rights).glob("*.lua")):
        await script.redis.script_load(with_more(rights, file.name, ROOM))
        with pytest.raises(ResponseError, match="200"):
            await script.redis.script_load(with_more(rights, file.name, 200))


def test_a_name_that_ends_with_its_file_is_used_in_no_other() -> None:
    """There it would be a global without a value, which Redis finds out when the step is executed."""
    texts = {file: re.sub(r"--.*", "", file.read_text()) for file in sorted((LUA / "leader").glob("*.lua"))}
    ended = {file: text for file, text in texts.items() if file.read_text().endswith(BLOCK_END)}
    assert len(ended) >= 4
    for file, text in ended.items():
        constants = [name for names in re.findall(r"(?m)^local ([A-Z_, ]+) =", text) for name in names.split(", ")]
        used = [rf"(?<![.\w]){name}\(" for name in re.findall(r"(?m)^local function (\w+)", text)]
        for use in [*used, *(rf"\b{name}\b" for name in constants)]:
            assert [other.name for other, more in texts.items() if re.search(use, more)] == [file.name], use
