"""Look up digests: in container registries, chart repositories, the file itself, AWS. All that is downloaded is hashed here."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import httpx
import yaml

from openclaw_gitops.errors import FAILED, UNAVAILABLE, CommandError
from openclaw_gitops.pins import Pin

CALL_S = 60.0
MAX_BYTES = 64 * 1024 * 1024
"""The largest index of a chart repository in use has about 15 MB."""
DEBIAN = "/aws/service/debian/release/13/latest/amd64"
"""Debian's own public parameter; its value differs from region to region."""
_MANIFESTS = ", ".join([
    "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
])  # fmt: skip


def look_up(pin: Pin, env: Mapping[str, str]) -> str:
    """The digest (or id) of *pin*. Raises CommandError if it cannot be had, with FAILED if two sources contradict each other."""
    try:
        return _look_up(pin, env)
    except (httpx.InvalidURL, ValueError, yaml.YAMLError, subprocess.TimeoutExpired) as exc:
        raise CommandError(
            UNAVAILABLE,
            f"{pin}: what answers there makes no sense ({type(exc).__name__}): look at its address, or try again later",
        ) from None


def _look_up(pin: Pin, env: Mapping[str, str]) -> str:
    if pin.kind == "machine":
        return _machine(pin, env)
    hooks = {"request": [_require_https]}  # redirects pass here too
    with httpx.Client(timeout=CALL_S, follow_redirects=True, max_redirects=5, event_hooks=hooks) as http:
        if pin.kind == "image":
            return _image(http, pin.name)
        if pin.kind == "chart":
            chart, version, repository = pin.name.split(" ", 2)
            return _chart(http, chart, version, repository)
        return _sha256(_get(http, pin.name).content)


def _image(http: httpx.Client, name: str) -> str:
    """The digest of a tag: that of the index, if the image has one, so that it holds for every architecture."""
    path, _, tag = name.rpartition(":")
    host, _, rest = path.partition("/")
    if not rest or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", path
    if host == "docker.io":
        host, rest = "registry-1.docker.io", rest if "/" in rest else f"library/{rest}"
    scheme = "http" if _is_loopback(host) else "https"
    reply = _get(http, f"{scheme}://{host}/v2/{rest}/manifests/{tag}", headers={"Accept": _MANIFESTS})
    digest = _sha256(reply.content)
    if reply.headers.get("docker-content-digest", digest) != digest:
        raise CommandError(
            FAILED,
            f"the registry's digest of {name} is not that of what it sent: somebody is in between, or it is broken",
        )
    return digest


def _chart(http: httpx.Client, chart: str, version: str, repository: str) -> str:
    if "://" not in repository:
        return _image(http, f"{repository}/{chart}:{version}")  # charts in a registry
    index = yaml.load(_get(http, f"{repository.rstrip('/')}/index.yaml").content, Loader=yaml.CSafeLoader)
    entries = (index or {}).get("entries", {}).get(chart, []) if isinstance(index, dict) else []
    entry = next((entry for entry in entries if str(entry.get("version")) == version), None)
    if entry is None or not entry.get("urls"):
        raise CommandError(
            UNAVAILABLE, f"{repository} has no chart {chart} {version}: look at the version in clusters/"
        )
    digest = _sha256(_get(http, urljoin(f"{repository.rstrip('/')}/", entry["urls"][0])).content)
    if entry.get("digest") and f"sha256:{entry['digest'].removeprefix('sha256:')}" != digest:
        raise CommandError(FAILED, f"chart {chart} {version} is not what the index of {repository} says")
    return digest


def _machine(pin: Pin, env: Mapping[str, str]) -> str:
    region = pin.name.rpartition(" ")[2]
    aws = shutil.which("aws", path=env.get("PATH"))
    if aws is None:
        raise CommandError(UNAVAILABLE, f"{pin}: needs the AWS command line and credentials of any account")
    command = f"ssm get-parameter --region {region} --name {DEBIAN} --query Parameter.Value --output text"
    done = subprocess.run(  # noqa: S603
        [aws, *command.split()], capture_output=True, text=True, check=False, timeout=CALL_S, env={**env}
    )
    if done.returncode:
        raise CommandError(UNAVAILABLE, f"{pin}: AWS does not tell: {done.stderr.strip()[:200]}")
    return done.stdout.strip()


def _get(http: httpx.Client, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """GET, with the anonymous token that a registry may ask for."""
    reply = _fetch(http, url, headers or {})
    challenge = reply.headers.get("www-authenticate", "")
    if reply.status_code == 401 and challenge.lower().startswith("bearer "):
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = asked.pop("realm", "")
        token = _fetch(http, str(httpx.URL(realm, params=asked)), {})
        grant = token.json() if token.is_success else {}
        reply = _fetch(
            http, url, {**(headers or {}), "Authorization": f"Bearer {grant.get('token') or grant.get('access_token')}"}
        )
    if reply.is_error:
        raise CommandError(
            UNAVAILABLE, f"{urlsplit(url).hostname} answers {reply.status_code} for {urlsplit(url).path}"
        )
    return reply


def _fetch(http: httpx.Client, url: str, headers: Mapping[str, str]) -> httpx.Response:
    parts = urlsplit(url)
    try:
        with http.stream("GET", url, headers=headers) as reply:
            body = bytearray()
            for piece in reply.iter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise CommandError(
                        FAILED, f"{parts.hostname} sends more than {MAX_BYTES >> 20} MB for {parts.path}"
                    )
            return httpx.Response(reply.status_code, headers=_plain(reply.headers), content=bytes(body))
    except httpx.HTTPError as exc:
        raise CommandError(
            UNAVAILABLE, f"{parts.hostname} cannot be reached ({type(exc).__name__}): run this with a network"
        ) from None


def _require_https(request: httpx.Request) -> None:
    if request.url.scheme != "https" and not _is_loopback(request.url.host):
        raise CommandError(FAILED, f"{request.url} is not https: nobody vouches for what it sends")


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """Without what spoke of the body on its way: it is unpacked by now."""
    return {
        name: value
        for name, value in headers.items()
        if name not in ("content-encoding", "content-length", "transfer-encoding")
    }


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _is_loopback(host: str) -> bool:
    return urlsplit(f"//{host}").hostname in ("127.0.0.1", "::1", "localhost")
