"""Mask secrets in manifests before they get into a pull request. No Secret belongs in Git; one that got in is not repeated."""

import hashlib
import re
from typing import Any

from openclaw_gitops.kustomize import Manifest

SECRET_NAME = re.compile(r"(TOKEN|PASSWORD|PASSWD|SECRET|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$", re.IGNORECASE)
SECRET_SHAPE = re.compile(
    r"\b\d{6,12}:[A-Za-z0-9_-]{30,}\b|\bgsk_[A-Za-z0-9]{20,}|\bgh[opusr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bA(KI|SI)A[0-9A-Z]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)

SECRET_LINE = re.compile(
    r"""^(?P<name>[ \t-]*["']?[\w.-]*(?:TOKEN|PASSWORD|PASSWD|SECRET|API[_-]?KEY|PRIVATE[_-]?KEY|CREDENTIALS?)["']?[ \t]*[:=][ \t]*"""
    r"""|[ \t]*(?:requirepass|masterauth)[ \t]+)(?P<value>\S.*)$""",
    re.IGNORECASE | re.MULTILINE,
)
"""A line of a file that a ConfigMap holds: YAML, JSON, an environment file, Redis' settings."""


def masked(obj: Manifest, *, salt: str) -> Manifest:
    """A copy of *obj*. Equal secrets look equal and different ones different under one *salt*, which must be random."""
    copy: Manifest = _walk(obj, salt)
    if obj.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if isinstance(copy.get(part), dict):
                copy[part] = {key: _mask(str(value), salt) for key, value in obj[part].items()}
        # kubectl writes the whole object in here
        annotations = copy.get("metadata", {}).get("annotations")
        if isinstance(annotations, dict):
            annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    if obj.get("kind") == "ConfigMap" and isinstance(copy.get("data"), dict):
        copy["data"] = {key: _mask_file(key, str(value), salt) for key, value in copy["data"].items()}
    return copy


def _walk(value: Any, salt: str) -> Any:
    if isinstance(value, dict):
        name = value.get("name")
        if isinstance(name, str) and SECRET_NAME.search(name) and isinstance(value.get("value"), str):
            return {**value, "value": _mask(value["value"], salt)}  # a container's environment
        return {
            key: _mask(item, salt) if isinstance(item, str) and _is_setting(key) else _walk(item, salt)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_walk(item, salt) for item in value]
    if isinstance(value, str):
        return SECRET_SHAPE.sub(lambda match: _mask(match.group(), salt), value)
    return value


def _mask_file(key: str, value: str, salt: str) -> str:
    """One entry of a ConfigMap, where a name decides in whatever case: nothing in it is a field of Kubernetes."""
    if SECRET_NAME.search(key) and not value.startswith("(masked "):
        return _mask(value, salt)
    return SECRET_LINE.sub(lambda match: match["name"] + _mask(match["value"], salt), value)


def _is_setting(key: object) -> bool:
    """Whether a ConfigMap's key, in capitals as settings are, names a secret: `secretName` is a field and stays."""
    return isinstance(key, str) and key == key.upper() and SECRET_NAME.search(key) is not None


def _mask(value: str, salt: str) -> str:
    return f"(masked {hashlib.sha256((salt + value).encode()).hexdigest()[:6]})"
