"""Runs `imagejob run` as a person would: a process, manifests in files, photos in a folder."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

Body = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """Its exit code and output."""

    code: int
    out: str
    err: str

    @property
    def statuses(self) -> dict[str, Body]:
        """Statuses by ImageJob, from YAML output."""
        documents = yaml.safe_load_all(self.out)
        return {each["metadata"]["name"]: each["status"] for each in documents}


@dataclass
class Desk:
    """A folder with photos, one for manifests, and an empty one for temporary files."""

    root: Path
    photos: Path = field(init=False)
    temporary: Path = field(init=False)

    def __post_init__(self) -> None:
        self.photos, self.temporary = self.root / "photos", self.root / "tmp"
        self.photos.mkdir()
        self.temporary.mkdir()

    def photo(self, key: str, width: int = 640, height: int = 480, **saved: Any) -> Path:
        """A JPEG of noise; `saved` are Pillow's."""
        image = Image.effect_noise((width, height), 60).convert("RGB")
        out = io.BytesIO()
        image.save(out, saved.pop("format", "JPEG"), **saved)
        return self.put(key, out.getvalue())

    def put(self, key: str, data: bytes) -> Path:
        path = self.photos / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def manifest(self, *bodies: Body, name: str = "jobs.yaml") -> str:
        path = self.root / name
        path.write_text("\n---\n".join(json.dumps(body) for body in bodies))
        return str(path)

    def run(self, *arguments: str, stdin: str = "") -> Ended:
        ended = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd=self.root,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "imagejob_cli", "run", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"TMPDIR": str(self.temporary), "TERM": "xterm"}


def job(name: str, key: str, *outputs: Body, **spec: Any) -> Body:
    """An ImageJob of the store `uploads`; its only output is `thumb` by default."""
    source = {"storeRef": {"name": "uploads"}, "key": key}
    if "profileRef" not in spec:
        spec["outputs"] = list(outputs) or [{"name": "thumb", "width": 32, "format": "png"}]
    return body("ImageJob", name, {"source": source, **spec})


def body(kind: str, name: str, spec: Body) -> Body:
    version = "imagejob.dev/v1alpha1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
