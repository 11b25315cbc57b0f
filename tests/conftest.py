"""Options of the whole run, among them a given cluster, and a namespace for each test."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from imagejob_dev import ports
from support import examples, namespaces

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from imagejob_dev.client import Client

examples.register()
pytest_plugins = ["support.fixtures.clusters", "support.fixtures.charts"]

LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cluster", "a cluster that runs already")
    group.addoption("--kubeconfig", type=Path, help="run on this cluster, as its administrator")
    group.addoption("--worker-image", help="the worker's image, as that cluster's nodes know it")
    group.addoption(
        "--host-address",
        default="127.0.0.1",
        help="this machine's address for that cluster's pods (default: %(default)s)",
    )
    parser.addoption(
        "--calm",
        action="store_true",
        help="nothing else runs on this machine: hold the tests to their figures of time, too",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.option.kubeconfig and not config.option.worker_image:
        raise pytest.UsageError("--kubeconfig needs --worker-image")
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        os.environ[ports.RANGE] = ports.part(int(worker.removeprefix("gw")), count)
    # A background run ignores Ctrl-C, and so would the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a given cluster, deselect tests that don't need it."""
    if not config.option.kubeconfig:
        return
    left_out = {item: why for item in items if (why := _why_left_out(item))}
    config.hook.pytest_deselected(items=list(left_out))
    config.stash[LEFT_OUT] = Counter(left_out.values())
    items[:] = [item for item in items if item not in left_out]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    left_out = config.stash.get(LEFT_OUT, Counter())
    return [f"left out: {count} {why}" for why, count in left_out.items()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn measurements into text, which can be sent between processes."""
    report = yield
    report.user_properties = [(name, str(value)) for name, value in report.user_properties]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have measured and passed to `record_property`."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    measured = [(report.nodeid, *each) for report in reports for each in report.user_properties]
    if measured:
        terminalreporter.section("measured")
    for test, name, value in measured:
        terminalreporter.write_line(f"{test}: {name}: {value}")


@pytest.fixture
def namespace(cluster: Client) -> Iterator[str]:
    """A tenant's namespace, which admits only hardened pods."""
    with namespaces.fresh(cluster) as name:
        yield name


def _why_left_out(item: pytest.Item) -> str:
    if "cluster" not in getattr(item, "fixturenames", ()):
        return "that use no cluster"
    if item.get_closest_marker("laptop"):
        return "marked laptop: they stop or look into parts of a cluster of their own"
    if item.get_closest_marker("crowd"):
        return "marked crowd: they make more pods than one real node starts in minutes"
    return ""
