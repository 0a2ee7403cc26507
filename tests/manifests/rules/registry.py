"""A rule is a function of all objects of an environment: it gives its faults as sentences, none if all is well."""

from collections.abc import Callable, Iterator, Sequence

from tests.manifests.rendering import Object

Rule = Callable[[Sequence[Object]], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__.replace("_", "-")] = function
    return function
