"""The command line: its help and its options."""

from __future__ import annotations

import argparse
import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, get_args

import msgspec
from imagejob_operator.api.imagejob import SourceFormat
from imagejob_operator.api.quantity import describe_bytes, to_bytes
from imagejob_operator.config.platform import Platform
from imagejob_operator.contract.order import OrderLimits

if TYPE_CHECKING:
    from collections.abc import Sequence


DEFAULTS = Platform(worker_image="")
"""The operator's defaults."""

ABOUT = "Safe, stripped, web-ready images from uploads, as a Kubernetes cluster makes them."

ABOUT_RUN = """\
Run ImageJob manifests on this machine, with no cluster: the operator resolves them, its worker's
pipeline processes them, and the output is the status that the cluster would show. Stores are
folders: each ImageStore that an ImageJob references needs a --store option, whatever its manifest
says, and keys are paths in that folder.
"""

EPILOG_RUN = """\
example:
  Make the outputs of the profile "web" from photos/incoming/cat.jpg:

    imagejob run examples/imagejob.yaml examples/profile-web.yaml --store uploads=photos

  This writes thumb.webp, phone.webp and full.jpg to photos/derived/cat.
  Use a cluster's manifests, and print the statuses as JSON:

    kubectl get imagejobs,imageprofiles -o yaml | imagejob run - --store uploads=photos -o json

Manifests are read as their turn comes; what is wrong in one keeps no other from running. ImageJobs
that write to the same place run one after the other, in the order given. A suspended one is not
run. There are no quotas, retries and pods, so status.worker and status.lastFailure are omitted.

exit code:
  0    every ImageJob succeeded
  1    at least one did not
  2    a manifest or an option is wrong, or something is missing: what it concerns was not run
  130  interrupted by Ctrl-C; the statuses are of those that had ended, as with 143
  143  terminated by SIGTERM
"""


class Options(msgspec.Struct, frozen=True):
    """The options of `imagejob run`."""

    files: tuple[str, ...]
    stores: dict[str, Path]
    namespace: str
    output: str | None
    platform: Platform
    quiet: bool
    verbose: bool


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line, without the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Formats `-o, --output FORMAT` as Python 3.13 does, with any Python."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def parse(arguments: Sequence[str] | None) -> Options:
    """Parse the command line. Exits where argparse does: after the help, or with code 2."""
    found = _parser().parse_args(arguments)
    stores: dict[str, Path] = {}
    for name, folder in found.store:
        if stores.get(name, folder) != folder:
            found.parser.error(f"argument --store: {name} has two folders")
        stores[name] = folder
    limits = OrderLimits(found.max_bytes, found.max_pixels, found.max_frames)
    platform = msgspec.structs.replace(
        _with_memory(DEFAULTS, found.memory) if found.memory else DEFAULTS,
        formats=tuple(dict.fromkeys((*DEFAULTS.formats, *found.allow_format))),
        limits=limits,
        parallelism=found.parallel,
    )
    return Options(
        files=tuple(found.files),
        stores=stores,
        namespace=found.namespace,
        output=found.output,
        platform=platform,
        quiet=found.quiet,
        verbose=found.verbose,
    )


def _with_memory(platform: Platform, size: int) -> Platform:
    """Every process may have so much, and none more."""
    memory = msgspec.structs.replace(platform.memory, child_bytes=size)
    return msgspec.structs.replace(
        platform, small_memory=memory, memory=memory, large_memory=memory
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("imagejob", description=ABOUT, formatter_class=_Help)
    number = version("imagejob-operator")
    parser.add_argument("--version", action="version", version=f"%(prog)s {number}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run ImageJob manifests on this machine, with no cluster",
        description=ABOUT_RUN,
        epilog=EPILOG_RUN,
        formatter_class=_Help,
    )
    run.set_defaults(parser=run)
    _add_what(run)
    _add_how(run)
    _add_limits(run.add_argument_group("platform limits (defaults: the operator's)"))
    return parser


def _add_what(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="manifests of ImageJobs and their ImageProfiles: YAML or JSON, a folder of such "
        "files, or - for standard input; other objects are ignored",
    )
    run.add_argument(
        "-s",
        "--store",
        type=_store,
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="use the folder as the ImageStore NAME; repeat for each store",
    )
    run.add_argument(
        "-n",
        "--namespace",
        default="default",
        metavar="NAME",
        help="the namespace of manifests without one (default: default)",
    )


def _add_how(run: argparse.ArgumentParser) -> None:
    cpus = len(os.sched_getaffinity(0))
    run.add_argument(
        "-o",
        "--output",
        choices=("table", "yaml", "json"),
        metavar="FORMAT",
        help="table, yaml or json (default: table on a terminal, else yaml)",
    )
    run.add_argument(
        "-p",
        "--parallel",
        type=_count,
        default=cpus,
        metavar="N",
        help="how many ImageJobs run at once (default: one for each CPU)",
    )
    progress = run.add_mutually_exclusive_group()
    progress.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    progress.add_argument(
        "-v", "--verbose", action="store_true", help="show what image decoders print"
    )


def _add_limits(limits: argparse._ArgumentGroup) -> None:
    allowed = DEFAULTS.limits
    more = [each for each in get_args(SourceFormat) if each not in DEFAULTS.formats]
    limits.add_argument(
        "--allow-format",
        action="append",
        default=[],
        choices=get_args(SourceFormat),
        metavar="FORMAT",
        help=f"read {', '.join(more[:-1])} or {more[-1]} too, besides "
        f"{', '.join(DEFAULTS.formats)}; can be repeated",
    )
    for option, kind, default, shown, what in (
        ("--max-bytes", _size, allowed.max_bytes, "SIZE", "bytes of a source"),
        ("--max-pixels", _count, allowed.max_pixels, "N", "pixels to decode, of all frames"),
        ("--max-frames", _count, allowed.max_frames, "N", "frames of an animated source"),
    ):
        words = describe_bytes(default) if kind is _size else f"{default:,}"
        limits.add_argument(
            option, type=kind, default=default, metavar=shown, help=f"{what} (default: {words})"
        )
    standard, large = DEFAULTS.memory.child_bytes, DEFAULTS.large_memory.child_bytes
    limits.add_argument(
        "--memory",
        type=_size,
        metavar="SIZE",
        help=f"memory for one ImageJob (default: {describe_bytes(standard)}, and "
        f"{describe_bytes(large)} for one that needs it)",
    )


def _store(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not equals or not folder or not re.fullmatch("[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=DIR, such as uploads=./photos")
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{folder!r}, for store {name}, is not a folder")
    return name, path


def _count(text: str) -> int:
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return number


def _size(text: str) -> int:
    try:
        size = to_bytes(text)
    except ValueError:
        size = 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, such as 200Mi")
    return size
