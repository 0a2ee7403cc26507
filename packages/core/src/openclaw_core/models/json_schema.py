"""Checks a JSON value against a schema. Servers promise to keep to it, and some do not."""

from typing import Any


def matches(value: Any, schema: dict[str, Any]) -> bool:
    """Whether *value* matches *schema*, of which types, enum, required and items are checked."""
    if "enum" in schema and value not in schema["enum"]:
        return False
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {})
            return (
                isinstance(value, dict)
                and all(name in value for name in schema.get("required", ()))
                and (schema.get("additionalProperties", True) is not False or all(name in known for name in value))
                and all(matches(value[name], inner) for name, inner in known.items() if name in value)
            )
        case "array":
            return isinstance(value, list) and all(matches(item, schema.get("items", {})) for item in value)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return True
