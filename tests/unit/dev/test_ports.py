"""Ports for clusters that start concurrently."""

from __future__ import annotations

import pytest
from imagejob_dev import ports


def test_each_of_several_processes_has_a_range_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    for number in range(3):
        monkeypatch.setenv(ports.RANGE, ports.part(number, 3))
        taken.append(set(ports.free_ports(50)))

    assert [len(each) for each in taken] == [50, 50, 50]
    assert len(set.union(*taken)) == 150
    assert max(taken[0]) < min(taken[1])
    assert max(taken[1]) < min(taken[2])


def test_without_one_it_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ports.RANGE, raising=False)

    found = ports.free_ports(200)

    assert len(set(found)) == 200
    assert all(ports.FIRST <= port < ports.LAST for port in found)


def test_a_port_is_not_found_again_before_its_server_can_listen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ports.RANGE, "31000-31060")

    found = [port for _ in range(20) for port in ports.free_ports(1)]

    assert len(set(found)) == 20
