"""Write a text into YAML so that every reader takes it for text."""

import re

import yaml

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/+-]*")
_NUMBER = re.compile(r"[0-9][0-9_]*(\.[0-9_]*)?([eE][+-]?[0-9]+)?")
"""PyYAML takes 12e34 for a text, kustomize takes it for a number."""


def scalar(value: str) -> str:
    """*value* as it is, or quoted where a reader might see a number, a date or a truth: `1.30`, or a commit such as 12…e34…."""
    plain = _PLAIN.fullmatch(value) and not _NUMBER.fullmatch(value) and yaml.safe_load(value) == value
    return value if plain else f'"{value}"'
