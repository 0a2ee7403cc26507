"""The schema of `access.yaml`, which says who may use the bot and who owns it, and its reader."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openclaw_core.errors import SettingsError
from openclaw_core.roles.file import FileFaults, read_mapping

UserId = Annotated[int, Field(gt=0, lt=2**52)]
ChatId = Annotated[int, Field(gt=-(2**52), lt=0)]


class AccessFile(BaseModel):
    """Who may use the bot."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    owners: list[UserId] = []
    """Ids of people who may use the bot and decide about others: /access, /allow, /remove, and newcomers. Only this file names them."""
    users: list[UserId] = []
    """Ids of people who may use the bot, beside those of ALLOWED_USER_IDS."""
    groups: list[ChatId] = []
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
    data, places = read_mapping(path, shown, faults, keys="owners, users, groups and pairing")
    found = None
    if data is not None:
        try:
            found = AccessFile.model_validate(data)
        except ValidationError as exc:
            for error in exc.errors(include_url=False, include_input=False, include_context=False):
                where = ".".join(str(part) for part in error["loc"])
                about = AccessFile.model_fields.get(str(error["loc"][0]))
                reason = f"`{where}`: {error['msg'][0].lower()}{error['msg'][1:]}. {about.description if about else ''}"
                faults.add(shown, places.of(*error["loc"]), reason.rstrip())
    if found is None or faults.found:
        raise SettingsError("wrong access.yaml:\n" + "\n".join(f"  {line}" for line in faults.lines()))
    return found


def json_schema() -> dict[str, Any]:
    """The schema that editors use for `access.yaml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **AccessFile.model_json_schema()}


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
