"""A container registry with anonymous tokens, a chart repository and a download server, all on one loopback port."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.gitops.loopback import Answering, served

INDEX = "application/vnd.oci.image.index.v1+json"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Registry:
    host: str = ""
    manifests: dict[str, bytes] = field(default_factory=dict)
    """By `name:tag`."""
    charts: dict[str, bytes] = field(default_factory=dict)
    """Archives by `name version`."""
    files: dict[str, bytes] = field(default_factory=dict)
    """By path."""
    wrong_digest: str = ""
    """Said instead of the right one, by registry and index."""
    redirect_to: str = ""
    nonsense: bytes = b""
    """Sent in place of the index of charts."""
    asked: list[str] = field(default_factory=list)

    def image(self, name: str, tag: str) -> tuple[str, str]:
        """A new image: its reference and the digest of its index."""
        content = json.dumps({"mediaType": INDEX, "manifests": [], "annotations": {"of": f"{name}:{tag}"}}).encode()
        self.manifests[f"{name}:{tag}"] = content
        return f"{self.host}/{name}:{tag}", sha256(content)

    def index(self) -> bytes:
        entries: dict[str, list[dict[str, object]]] = {}
        for key, archive in self.charts.items():
            name, version = key.split(" ")
            digest = self.wrong_digest or sha256(archive).removeprefix("sha256:")
            entries.setdefault(name, []).append(
                {"version": version, "digest": digest, "urls": [f"archives/{name}-{version}.tgz"]}
            )
        return yaml.safe_dump({"apiVersion": "v1", "entries": entries}).encode()


@contextmanager
def registry() -> Iterator[Registry]:
    made = Registry()

    class Handler(Answering):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
            made.asked.append(path)
            if path == "/token":
                right = query.get("service") == ["registry.test"] and query["scope"][0].startswith("repository:")
                self.send(200 if right else 403, json.dumps({"token": f"for {query['scope'][0]}"}).encode())
            elif path.startswith("/v2/"):
                self._manifest(path)
            elif path == "/charts/index.yaml":
                self.send(200, made.nonsense or made.index())
            elif path.startswith("/charts/archives/"):
                name, _, version = path.removeprefix("/charts/archives/").removesuffix(".tgz").rpartition("-")
                self.send(200, made.charts[f"{name} {version}"])
            elif path in made.files:
                if made.redirect_to:
                    self.send(302, b"", Location=made.redirect_to)
                else:
                    self.send(200, made.files[path])
            else:
                self.send(404, b"")

        def _manifest(self, path: str) -> None:
            name, _, tag = path.removeprefix("/v2/").partition("/manifests/")
            scope = f"repository:{name}:pull"
            if self.headers.get("Authorization") != f"Bearer for {scope}":
                realm = f'Bearer realm="http://{made.host}/token",service="registry.test",scope="{scope}"'
                self.send(401, b"", **{"WWW-Authenticate": realm})
            elif INDEX not in self.headers.get("Accept", "") or f"{name}:{tag}" not in made.manifests:
                self.send(404, b"")
            else:
                content = made.manifests[f"{name}:{tag}"]
                self.send(200, content, **{"Docker-Content-Digest": made.wrong_digest or sha256(content)})

    with served(Handler, name="registry") as host:
        made.host = host
        yield made
