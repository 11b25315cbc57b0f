"""Take out of an image's environment the descriptions of AWS services other than S3.

    python prune_aws.py SITE-PACKAGES

botocore has a folder of JSON for each of four hundred services, most of the gateway's image. The
gateway signs for S3 only.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

KEPT = frozenset({"s3"})


def main() -> int:
    """0; the number of folders that went is printed."""
    (site,) = sys.argv[1:]
    gone = list(others(Path(site) / "botocore" / "data"))
    for folder in gone:
        shutil.rmtree(folder)
    print(f"botocore: {len(gone)} folders of services other than S3 are gone")
    return 0


def others(data: Path) -> list[Path]:
    """The folders of services that are not kept; files, which all services share, stay."""
    return sorted(each for each in data.iterdir() if each.is_dir() and each.name not in KEPT)


if __name__ == "__main__":
    sys.exit(main())
