"""The schema of `access.yaml`, which says who may use the bot and who owns it, and its reader."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from openclaw_core.errors import SettingsError
from openclaw_core.roles.yaml_file import FileFaults, Strict, read_yaml

UserId = Annotated[int, Field(gt=0, lt=2**52)]
ChatId = Annotated[int, Field(gt=-(2**52), lt=0)]


class AccessFile(Strict):
    """Who may use the bot."""

    owners: list[UserId] = Field(default=[])
    """Ids of people who may use the bot and decide about others: /access, /allow, /remove, and newcomers. Only this file names them."""
    users: list[UserId] = Field(default=[])
    """Ids of people who may use the bot, beside those of ALLOWED_USER_IDS."""
    groups: list[ChatId] = Field(default=[])
    """Ids of groups in which everybody may use the bot. They are negative; /allow@YourBot in a group needs no id."""
    pairing: bool = True
    """Whether a stranger who writes to the bot gets a code, and each owner a button that lets them in. Without owners nobody gets one."""


def load_access(folder: Path) -> AccessFile:
    """Read `folder/config/access.yaml`; without the file nobody owns the bot. Raises SettingsError listing `file:line: reason` of each fault."""
    path = folder / "config" / "access.yaml"
    if not path.exists():
        return AccessFile()
    faults = FileFaults()
    shown = str(path)
    found, _ = read_yaml(path, shown, AccessFile, faults, missing="restore it")
    if found is None or faults.found:
        raise SettingsError("wrong access.yaml:\n" + "\n".join(f"  {line}" for line in faults.lines()))
    return found


def json_schema() -> dict[str, Any]:
    """The schema that editors use for `access.yaml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **AccessFile.model_json_schema()}


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
