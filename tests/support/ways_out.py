"""Ways out of a decoder's process, as code that an image has planted would try them.

Each is a function that raises OSError where it is refused, and else returns what came of it. Only
the standard library, for this runs in pods, too: see taken_over.py.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from support.raw_calls import LIBC, call, checked, number

KEYCTL_GET_KEYRING_ID, BPF_MAP_CREATE, PTRACE_SEIZE = 0, 0, 0x4206
CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET = 0x1000_0000, 0x0002_0000, 0x4000_0000
AT_FDCWD = -100


class Place(NamedTuple):
    """What planted code knows: numbers and paths, and what was open before the wall."""

    folder: Path
    secret: Path
    elsewhere: Path
    worker: int
    parent: int
    port: int
    unix: Path
    abstract: str
    network: int  # a descriptor of a network namespace
    terminal: int
    code: int  # the address of memory that may be executed
    null: int


def read_by_openat2(place: Place) -> Any:
    how = struct.pack("=QQQ", os.O_RDONLY, 0, 0)
    file = call("openat2", AT_FDCWD, bytes(place.secret), how, len(how))
    return os.read(file, 100)


def read_by_handle(place: Place) -> Any:
    handle = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    path = bytes(place.secret)
    call("name_to_handle_at", AT_FDCWD, path, handle, ctypes.byref(mount), 0)
    return os.read(call("open_by_handle_at", AT_FDCWD, handle, os.O_RDONLY), 100)


def read_memory(place: Place) -> Any:
    return Path(f"/proc/{place.parent}/mem").open("rb").fileno()


def overwrite_own_memory(_: Place) -> Any:
    return os.open("/proc/self/mem", os.O_RDWR)


def connect(place: Place) -> Any:
    with socket.socket() as client:
        client.connect(("127.0.0.1", place.port))
    return "connected"


def listen(_: Place) -> Any:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        return server.getsockname()


def datagram(place: Place) -> Any:
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        return client.sendto(b"out", ("127.0.0.1", place.port))


def local(place: Place) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place.unix))
    return "connected"


def abstract(place: Place) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(place.abstract)
    return "connected"


def netlink(_: Place) -> Any:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).fileno()


def pass_descriptor(place: Place) -> Any:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        return socket.send_fds(ours, [b"take this"], [place.null])


def execute(_: Place) -> Any:
    os.execv("/proc/self/exe", ["python", "-c", "pass"])  # noqa: S606


def execute_memory(_: Place) -> Any:
    file = call("memfd_create", b"program", 0)
    os.write(file, b"#!/bin/sh\n")
    os.execve(file, ["program"], {})  # noqa: S606


def fork_bomb(_: Place) -> Any:
    for _ in range(8):
        if os.fork() == 0:
            os._exit(0)
    return "eight children"


def attach(place: Place) -> Any:
    return call("ptrace", PTRACE_SEIZE, place.parent, 0, 0)


def vector(address: int) -> Any:
    return struct.pack("@PN", address, 8)


def steal_memory(place: Place) -> Any:
    mine = ctypes.create_string_buffer(8)
    here, there = vector(ctypes.addressof(mine)), vector(id(WAYS))
    return call("process_vm_readv", place.parent, here, 1, there, 1, 0)


def change_memory(place: Place) -> Any:
    mine = ctypes.create_string_buffer(8)
    target = ctypes.create_string_buffer(8)  # at an address that the parent has, too, or not
    here, there = vector(ctypes.addressof(mine)), vector(ctypes.addressof(target))
    try:
        return call("process_vm_writev", place.parent, here, 1, there, 1, 0)
    except OSError as error:
        if error.errno == errno.EFAULT:
            return "allowed"
        raise


def signal_parent(place: Place) -> Any:
    os.kill(place.parent, signal.SIGCONT)  # what doesn't hurt, where it isn't refused
    return "signalled"


def signal_by_descriptor(place: Place) -> Any:
    signal.pidfd_send_signal(os.pidfd_open(place.parent), signal.SIGCONT)
    return "signalled"


def signal_by_file(place: Place) -> Any:
    fcntl.fcntl(place.terminal, fcntl.F_SETOWN, place.parent)
    return "will be signalled"


def steal_descriptor(place: Place) -> Any:
    return call("pidfd_getfd", os.pidfd_open(place.parent), 2, 0)


def ring(_: Place) -> Any:
    return call("io_uring_setup", 4, bytes(120))


def map_hash(_: Place) -> Any:
    attributes = struct.pack("=IIII", 2, 4, 4, 1) + bytes(112)  # an array of one number
    return call("bpf", BPF_MAP_CREATE, attributes, len(attributes))


def mount(place: Place) -> Any:
    target = bytes(place.folder)
    call("mount", b"none", target, b"tmpfs", 0, None)
    return call("umount2", target, 0)


def watch_performance(_: Place) -> Any:
    attributes = struct.pack("=IIQ", 1, 112, 0) + bytes(96)  # a software clock
    return call("perf_event_open", attributes, 0, -1, -1, 0)


def type_into_terminal(place: Place) -> Any:
    return fcntl.ioctl(place.terminal, termios.TIOCSTI, b"x")


def map_code(_: Place) -> Any:
    prot = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    return mmap.mmap(-1, 4096, prot=prot)


def turn_into_code(_: Place) -> Any:
    page = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return checked(LIBC.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ | mmap.PROT_EXEC))


def other_architecture(place: Place) -> Any:
    """On x86-64, getpid() as 32-bit programs call it, from code that was mapped before."""
    ctypes.memmove(place.code, b"\xb8\x14\x00\x00\x00\xcd\x80\xc3", 8)  # mov eax, 20; int 0x80; ret
    return ctypes.CFUNCTYPE(ctypes.c_int)(place.code)()


def other_numbers(_: Place) -> Any:
    """getpid() by the numbers of x32: refused by kernels without it, killed by the wall."""
    return number(0x4000_0000 | 39)


def shared_memory(_: Place) -> Any:
    segment = call("shmget", 0, 4096, 0o600 | 0o1000)
    LIBC.shmctl(segment, 0, None)
    return segment


def queue(_: Place) -> Any:
    return call("mq_open", b"ways-out", os.O_CREAT | os.O_RDWR, 0o600, None)


def lift_limits(place: Place) -> Any:
    return resource.prlimit(place.parent, resource.RLIMIT_CORE, (0, 0))


def change_mode(place: Place) -> Any:
    place.secret.chmod(0o644)
    return "changed"


def link(place: Place) -> Any:
    os.link(place.secret, place.folder / "outputs" / "stolen")
    return "linked"


def write_elsewhere(place: Place) -> Any:
    place.elsewhere.write_bytes(b"planted")
    return "written"


WAYS: dict[str, Callable[[Place], Any]] = {
    "open the credentials": lambda place: place.secret.read_bytes(),
    "open the credentials by openat2": read_by_openat2,
    "open the credentials by open_by_handle_at": read_by_handle,
    "link the credentials to an output": link,
    "link an output to the credentials": lambda place: (
        place.folder / "outputs" / "stolen"
    ).symlink_to(place.secret),
    "make the credentials readable for all": change_mode,
    "list the stores": lambda place: list(place.secret.parent.parent.iterdir()),
    "write elsewhere": write_elsewhere,
    "rename its source": lambda place: (place.folder / "source").rename(place.folder / "moved"),
    "open /proc/PARENT/mem": read_memory,
    "open /proc/PARENT/environ": lambda place: Path(f"/proc/{place.parent}/environ").read_bytes(),
    "list /proc/WORKER/fd": lambda place: list(Path(f"/proc/{place.worker}/fd").iterdir()),
    "open /proc/self/mem": overwrite_own_memory,
    "connect": connect,
    "listen": listen,
    "send a datagram": datagram,
    "connect to a Unix socket": local,
    "connect to an abstract Unix socket": abstract,
    "open a netlink socket": netlink,
    "send a descriptor": pass_descriptor,
    "exec": execute,
    "memfd_create and exec": execute_memory,
    "fork": fork_bomb,
    "ptrace the parent": attach,
    "process_vm_readv": steal_memory,
    "process_vm_writev": change_memory,
    "signal the parent": signal_parent,
    "pidfd_send_signal": signal_by_descriptor,
    "have a file signal the parent": signal_by_file,
    "pidfd_getfd": steal_descriptor,
    "change the parent's limits": lift_limits,
    "change the parent's priority": lambda place: os.setpriority(os.PRIO_PROCESS, place.parent, 19),
    "io_uring": ring,
    "userfaultfd": lambda _: call("userfaultfd", 1),
    "keyctl": lambda _: call("keyctl", KEYCTL_GET_KEYRING_ID, -3, 1),
    "bpf": map_hash,
    "perf_event_open": watch_performance,
    "fanotify": lambda _: call("fanotify_init", 0x200, 0),
    "mount": mount,
    "setns": lambda place: call("setns", place.network, CLONE_NEWNET),
    "unshare a user namespace": lambda _: call("unshare", CLONE_NEWUSER),
    "unshare a mount namespace": lambda _: call("unshare", CLONE_NEWNS),
    "chroot": lambda place: os.chroot(place.folder),
    "TIOCSTI": type_into_terminal,
    "map memory to execute": map_code,
    "make memory executable": turn_into_code,
    "System V shared memory": shared_memory,
    "a message queue": queue,
    "personality": lambda _: call("personality", 0x0040_0000),
}
if platform.machine() == "x86_64":
    WAYS |= {"32-bit system calls": other_architecture, "x32 system calls": other_numbers}
