"""A cluster with a kubelet, this checkout's images on its nodes, and its chart to install there.

    make e2e                                      # on kind, where Docker runs
    pytest tests/e2e --kubeconfig FILE \\
      --operator-image IMAGE --worker-image IMAGE --gateway-image IMAGE --host-address ADDRESS

With --kubeconfig, use a cluster that you may break: the release and the CRDs are installed and
removed, and nodes are drained. If something is missing, the tests fail; they never skip.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from imagejob_dev import helm
from imagejob_dev.attached import AttachedCluster
from imagejob_dev.client import REPOSITORY
from imagejob_dev.errors import DevError
from support import kind_site
from support.release import Images, Release

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from imagejob_dev.client import Client

RELEASE = pytest.StashKey[Release]()


class Site(NamedTuple):
    """Where the tests run. `address` is this machine's, as seen from the cluster's pods."""

    kubeconfig: Path
    images: Images
    address: str


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cluster")
    group.addoption(
        "--operator-image", help="the operator's image, as that cluster's nodes know it"
    )
    group.addoption("--gateway-image", help="likewise the gateway's")
    group.addoption(
        "--previous-chart",
        type=Path,
        help="the chart to upgrade from (default: that of the commit before)",
    )
    group.addoption("--previous-operator-image", help="its images (default: this checkout's)")
    group.addoption("--previous-worker-image", help="likewise")


@pytest.fixture(scope="session")
def site(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The cluster of --kubeconfig, or one that kind makes."""
    options = pytestconfig.option
    if options.kubeconfig:
        operator = pytestconfig.getoption("operator_image", default=None)
        gateway = pytestconfig.getoption("gateway_image", default=None)
        if not (operator and gateway):  # `pytest tests` doesn't know the options
            needed = "`pytest tests/e2e … --operator-image … --gateway-image`"
            pytest.fail(f"These tests need {needed}.", pytrace=False)
        images = Images(operator, options.worker_image, gateway)
        yield Site(options.kubeconfig.resolve(), images, options.host_address)
        return
    if lacking := kind_site.missing():
        pytest.fail(
            f"Without --kubeconfig these tests make a kind cluster; there is no {lacking}. "
            "With it (and --operator-image, --worker-image) they run on any.",
            pytrace=False,
        )
    with kind_site.running(tmp_path_factory.mktemp("kind")) as made:
        yield Site(*made)


@pytest.fixture(scope="session")
def cluster(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The cluster's administrator, with an S3 server on this machine."""
    folder = tmp_path_factory.mktemp("cluster")
    with AttachedCluster(folder, site.kubeconfig, site.images.worker, site.address) as attached:
        yield attached


@pytest.fixture(scope="session")
def release(site: Site, cluster: Client, pytestconfig: pytest.Config) -> Iterator[Release]:
    """The release, not installed yet; removed after the last test."""
    release = Release(cluster, helm.program(), site.images)
    pytestconfig.stash[RELEASE] = release
    yield release
    release.uninstall()


@pytest.fixture
def installed(release: Release) -> Release:
    """The release with this checkout's chart, whatever state earlier tests left."""
    release.install()
    return release


@pytest.fixture
def previous(pytestconfig: pytest.Config, site: Site, tmp_path: Path) -> tuple[Path, Images]:
    """The chart to upgrade from, and its images."""
    options, images = pytestconfig.option, site.images
    return options.previous_chart or _chart_of_the_commit_before(tmp_path), Images(
        options.previous_operator_image or images.operator,
        options.previous_worker_image or images.worker,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the operators' logs with a failure, because the namespace and pods will be deleted."""
    report = yield
    if report.failed and (release := item.config.stash.get(RELEASE, None)):
        try:
            report.sections.append(("the operators' logs", release.logs()))
        except DevError as error:
            report.sections.append(("no logs of the operators", str(error)))
    return report


def _chart_of_the_commit_before(folder: Path) -> Path:
    """The previous chart, with the CRDs that it links to."""
    parts = ("charts/imagejob-operator", "crds")
    archive = subprocess.run(
        ["git", "archive", "HEAD~1", *parts], cwd=REPOSITORY, capture_output=True, check=False
    )
    if archive.returncode:
        told = archive.stderr.decode().strip()
        pytest.fail(f"no chart of the commit before ({told}); name one with --previous-chart")
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder / parts[0]
