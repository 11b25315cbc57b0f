"""Which parts of botocore the gateway's image doesn't need."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import botocore
from support.paths import ROOT

PROGRAM = ROOT / "dev" / "image" / "prune_aws.py"
SIGN = """
from imagejob_gateway.storage.credentials import Credentials
from imagejob_gateway.storage.signer import Signer
from imagejob_operator.api.imagestore import S3, Credentials as Reference
signer = Signer(S3("https://s3.example.com", "b", Reference()), Credentials("id", "secret"))
print(signer("put_object", 60, Key="a/b").url)
"""


def test_what_is_left_signs(tmp_path: Path) -> None:
    folder = Path(botocore.__file__).parent
    shutil.copytree(folder, tmp_path / folder.name, ignore=_large)

    subprocess.run([sys.executable, PROGRAM, tmp_path], check=True)

    assert [each.name for each in (tmp_path / "botocore/data").iterdir() if each.is_dir()] == ["s3"]
    paths = [str(tmp_path), *(str(ROOT / each) for each in ("operator", "gateway"))]
    environment = {"PYTHONPATH": ":".join(paths)}
    signed = subprocess.run(
        [sys.executable, "-c", SIGN], env=environment, check=True, capture_output=True, text=True
    )
    assert signed.stdout.startswith("https://s3.example.com/b/a/b?X-Amz-Algorithm=AWS4-HMAC-SHA256")


def _large(folder: str, names: list[str]) -> set[str]:
    """Most services, without their content: copying them takes a while."""
    if Path(folder).name != "data":
        return {name for name in names if name == "__pycache__"}
    return {name for name in names if name not in ("s3", "ec2", "sqs") and "." not in name}
