"""Our images as a registry would hand them out: by digest. A node that has an image under its digest pulls nothing."""

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any


def exported(tag: str, folder: Path) -> Path:
    """The OCI layout of an image that the cluster tool has built."""
    subprocess.run(
        ["buildah", "--storage-driver", "overlay", "push", "--quiet", "--disable-compression", tag, f"oci:{folder}"],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return folder


def labelled(layout: Path, **labels: str) -> str:
    """The digest of the same image with other labels, written into *layout*: another build of the same code."""
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(_blob(layout, index["manifests"][0]["digest"]).read_text())
    config = json.loads(_blob(layout, manifest["config"]["digest"]).read_text())
    config.setdefault("config", {}).setdefault("Labels", {}).update(labels)
    manifest["config"] |= _written(layout, config)
    return str(_written(layout, manifest)["digest"])


def digest(layout: Path) -> str:
    return str(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"])


def load(tool: str, layout: Path, image: str, digests: list[str], folder: Path) -> None:
    """Put the image on the node under its name by each of *digests*."""
    index = json.loads((layout / "index.json").read_text())
    known = index["manifests"][0]
    index["manifests"] = [
        known
        | {
            "digest": one,
            "size": _blob(layout, one).stat().st_size,
            "annotations": {"io.containerd.image.name": f"{image}@{one}"},
        }
        for one in digests
    ]
    (layout / "index.json").write_text(json.dumps(index))
    archive = folder / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(layout, arcname=".")
    subprocess.run([tool, "load", str(archive)], check=True, capture_output=True, timeout=300)
    archive.unlink()


def _blob(layout: Path, name: str) -> Path:
    return layout / "blobs" / name.replace(":", "/")


def _written(layout: Path, body: Any) -> dict[str, Any]:
    data = json.dumps(body, separators=(",", ":")).encode()
    name = f"sha256:{hashlib.sha256(data).hexdigest()}"
    _blob(layout, name).write_bytes(data)
    return {"digest": name, "size": len(data)}
