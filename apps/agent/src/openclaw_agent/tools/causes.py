"""Why a tool has nothing to give: each cause once, with the sentence that the model reads."""

from enum import StrEnum
from typing import Self


class ToolCause(StrEnum):
    """A closed list of causes, for logs and figures too. No sentence repeats what a server said."""

    sentence: str

    def __new__(cls, name: str, sentence: str = "") -> Self:
        cause = str.__new__(cls, name)
        cause._value_, cause.sentence = name, sentence
        return cause


class NothingToGive(Exception):
    """There is nothing to be had; *why* says what the model may be told."""

    def __init__(self, why: ToolCause) -> None:
        super().__init__(why.value)
        self.why = why

    @property
    def sentence(self) -> str:
        return self.why.sentence
