"""A value that is written into YAML is read back as the same text, by readers of YAML 1.1 and 1.2."""

import pytest
import yaml

from openclaw_gitops.scalars import scalar


@pytest.mark.parametrize(
    "value", ["1.0.0", "v3.2.11", "2026-11-26", "1.30", "12e34", "1" * 40, "yes", "null", "0x1f", "main", "sha256:abc"]
)
def test_a_text_stays_a_text(value: str) -> None:
    assert yaml.safe_load(f"x: {scalar(value)}") == {"x": value}


@pytest.mark.parametrize("number", ["12e34", "1.30", "1_000", "20261126", "12" * 19 + "e1"])
def test_what_some_reader_takes_for_a_number_is_quoted(number: str) -> None:
    assert scalar(number) == f'"{number}"'
