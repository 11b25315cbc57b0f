"""A Kubernetes cluster on this machine, with no root and no containers.

A real control plane (etcd, API server, controller manager, scheduler), a node that runs the
containers of its pods as plain processes of yours, and a real S3 server. All of it listens on
127.0.0.1 only. The programs are taken from $KUBEBUILDER_ASSETS, from the cache, from Kubernetes'
own releases, or are built from pinned Go modules: minutes the first time, seconds afterwards.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_dev import background, messages, state
from imagejob_dev.errors import DevError
from imagejob_dev.progress import Progress
from imagejob_dev.supervisor import supervise
from imagejob_dev.tools.catalogue import EXTRAS, MODULES
from imagejob_dev.tools.find import find

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
a first tour:
  python -m imagejob_dev up          prints the lines to paste: KUBECONFIG and S3 credentials
  kubectl get nodes                  one node, whose pods are processes
  kubectl explain imagejob.spec      the API, explained
  python -m imagejob_dev status      what runs, and where its logs are
  python -m imagejob_dev down        ends it all and removes its folder

environment:
  KUBEBUILDER_ASSETS        a folder with etcd, kube-apiserver, ...: used for those it holds
  IMAGEJOB_DEV_PREBUILT=0   fetch no released programs, build all
  IMAGEJOB_DEV_PREBUILT_URL another server laid out like dl.k8s.io/release
  XDG_CACHE_HOME            where built programs are kept (default ~/.cache)
  XDG_STATE_HOME            where clusters live (default ~/.local/state)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    folder: Path = options.dir or state.default_folder(options.name)
    try:
        return _run(options.command, folder.resolve(), getattr(options, "extra", ()))
    except DevError as error:
        print(f"imagejob_dev: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(command: str, folder: Path, extra: Sequence[str]) -> int:
    match command:
        case "up":
            print(messages.up(background.up(folder, Progress()), folder, shutil.which("kubectl")))
        case "down":
            found = background.down(folder)
            print(f"Stopped and removed {folder}." if found else f"Nothing runs in {folder}.")
        case "status":
            running = state.read(folder)
            print(messages.status(running, folder))
            return 0 if running else 1
        case "tools":
            chosen = tuple(module for module in EXTRAS if module.name in extra)
            print(messages.tools(find(modules=(*MODULES, *chosen))))
        case _:
            return supervise(folder)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m imagejob_dev",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    helps = {
        "up": "start the cluster in the background, unless it runs, and say how to use it",
        "down": "stop the cluster and remove its folder",
        "status": "say what runs and where the logs are; exit code 1 if nothing runs",
        "tools": "install the programs if need be, and say where they are",
        "supervise": "run the cluster in the foreground (what `up` starts)",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        where = command.add_mutually_exclusive_group()
        where.add_argument("--name", default="dev", help="one of several clusters (default: dev)")
        where.add_argument("--dir", type=Path, help="the cluster's folder, instead of a name")
    names = [module.name for module in EXTRAS]
    commands.choices["tools"].add_argument(
        "--with",
        dest="extra",
        action="append",
        default=[],
        choices=names,
        help="also install this tool",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
