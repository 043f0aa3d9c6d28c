"""Children that can do nothing but compute: Landlock, a system-call filter, resource limits and a pipe of length-prefixed JSON.

Promises that a confined child reads and writes only the folders named to it, opens no socket, starts no program, leaves no core
file and dies with its parent; and that what comes back over the pipe is JSON of bounded size, or the child is dead. Never knows
what a child computes, never unpickles, never lets a child print.

Order in a child: `own_pipes`, `confine`, and only then the heavy imports: a thread started before `confine` would stay free.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import platform
import resource
import select
import signal
import struct
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

LARGEST_MESSAGE = 16 * 2**20
GIB = 2**30
F_SETSIG = 10  # Linux; not in the fcntl module


class ChildFailed(Exception):
    """A child gave no reply that can be used; it is dead now. Says nothing of what the child was doing."""


class ChildDied(ChildFailed):
    """The child ended, or spoke something that is not one message of bounded size."""


class ChildTimeout(ChildFailed):
    """The child did not reply in time and was killed. ``cpu_s``: what it had worked in that time; little where the machine was
    busy with others."""

    cpu_s = 0.0


class NoSandbox(Exception):
    """The kernel cannot confine this process."""


# ---------------------------------------------------------------------------------------------------------------- Landlock
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_READ = 1 << 2 | 1 << 3  # READ_FILE, READ_DIR
_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # the rights that a rule on a single file may name
_WRITE = _READ | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14  # WRITE_FILE, REMOVE_*, MAKE_DIR, MAKE_REG, TRUNCATE
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many file-system rights each version of Landlock knows
_INTERPRETER = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system", "/sys/fs/cgroup",
    "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
)  # fmt: skip
_libc = ctypes.CDLL(None, use_errno=True)


def _system_call(number: int, *arguments: Any) -> int:
    return int(_libc.syscall(ctypes.c_long(number), *arguments))


def landlock_version() -> int:
    """The version of Landlock that the kernel offers; 0 for none."""
    version = _system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    return max(version, 0)


def interpreter_paths() -> list[Path]:
    """What Python and its compiled modules read: libraries and this package, never the folder that the package lies in."""
    wanted = {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    wanted.add(str(sysconfig.get_config_var("LIBDIR") or "/usr/lib"))
    return [Path(path) for path in (*sorted(wanted), str(Path(__file__).resolve().parent), *_INTERPRETER)]


def _restrict_files(version: int, read: Sequence[Path], write: Sequence[Path]) -> None:
    handled = (1 << _FS_RIGHTS.get(version, 16)) - 1
    network = 3 if version >= 4 else 0  # BIND_TCP, CONNECT_TCP
    scope = 3 if version >= 6 else 0  # abstract Unix sockets, signals
    attribute = struct.pack("=QQQ", handled, network, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _system_call(_CREATE_RULESET, attribute, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        raise NoSandbox("no Landlock ruleset")
    try:
        for rights, paths in ((_READ, read), (_WRITE, write)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        if _system_call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)):
            raise NoSandbox("the Landlock ruleset was not taken")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        rule = struct.pack("=Qi", rights if path.is_dir() else rights & _FILE, place)
        if _system_call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0)):
            raise NoSandbox("a Landlock rule was not taken")
    finally:
        os.close(place)


# ------------------------------------------------------------------------------------------------------- system-call filter
# What Landlock does not see (datagram sockets, /proc of others by ptrace, io_uring) and what a computation never needs.
_ARCHITECTURES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    # machine: (audit constant, clone, denied: socket connect bind execve execveat fork vfork ptrace process_vm_* unshare setns
    #           mount bpf perf_event_open userfaultfd io_uring_* pidfd_getfd add_key request_key keyctl)
    "x86_64": (
        0xC000003E, 56,
        (41, 42, 49, 59, 322, 57, 58, 101, 310, 311, 272, 308, 165, 321, 298, 323, 425, 426, 427, 438, 248, 249, 250),
    ),
    "aarch64": (
        0xC00000B7, 220,
        (198, 203, 200, 221, 281, 117, 270, 271, 97, 268, 40, 280, 241, 282, 425, 426, 427, 438, 217, 218, 219),
    ),
}  # fmt: skip
_CLONE3, _CLONE_THREAD = 435, 0x10000


def _restrict_calls() -> None:
    """Installs the filter where the architecture is known; elsewhere Landlock stands alone."""
    if platform.machine() not in _ARCHITECTURES:
        return
    architecture, clone, denied = _ARCHITECTURES[platform.machine()]
    load, equal, at_least, has, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse, absent = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, refuse), (load, 0, 0, 0)]
    program += [(at_least, 0, 1, 0x40000000), (give, 0, 0, refuse)]  # the second table of numbers on x86_64
    for number in denied:
        program += [(equal, 0, 1, number), (give, 0, 0, refuse)]
    program += [(equal, 0, 1, _CLONE3), (give, 0, 0, absent)]  # its flags are out of a filter's sight; libc falls back to clone
    program += [(equal, 0, 3, clone), (load, 0, 0, 16), (has, 1, 0, _CLONE_THREAD), (give, 0, 0, refuse), (give, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    head = struct.pack("@HP", len(program), ctypes.addressof(code))
    if _libc.prctl(22, ctypes.c_ulong(2), head, ctypes.c_ulong(0), ctypes.c_ulong(0)):
        raise NoSandbox("the system-call filter was not taken")


# ---------------------------------------------------------------------------------------------------------------- confine
def _lower(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def confine(
    read: Sequence[Path], write: Sequence[Path], *, sandbox: bool = True, memory: int = 8 * GIB, file_size: int = 20 * GIB
) -> None:
    """Gives up, for this process and for good, everything but reading ``read`` (and the interpreter) and writing ``write``.

    ``sandbox=False`` sets the limits alone, for a kernel that has no Landlock; it has to be said. No limit on the number of
    processes: it counts everything that the user runs. The filter refuses a new process instead.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, 256)
    _lower(resource.RLIMIT_FSIZE, file_size if write else 0)
    _lower(resource.RLIMIT_AS, memory)
    if not sandbox:
        return
    version = landlock_version()
    if not version:
        raise NoSandbox("this kernel has no Landlock")
    if _libc.prctl(38, ctypes.c_ulong(1), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):  # PR_SET_NO_NEW_PRIVS
        raise NoSandbox("no_new_privs was not taken")
    _restrict_files(version, [*interpreter_paths(), *read], write)
    _restrict_calls()


# ------------------------------------------------------------------------------------------------------- the child's side
class Wire:
    """The child's end of the pipe."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = os.fdopen(source, "rb")
        self._sink = os.fdopen(sink, "wb")

    def listen(self, answer: Callable[[Any], Mapping[str, Any]]) -> None:
        """Answers one message after the other until the parent closes the pipe. ``answer`` lets no exception out."""
        while len(head := self._source.read(4)) == 4:
            (size,) = struct.unpack(">I", head)
            body = self._source.read(size)
            self._sink.write(frame(answer(json.loads(body))))
            self._sink.flush()


def own_pipes() -> Wire:
    """Takes the pipes away from whoever might print to them: standard input and output become /dev/null.

    Standard error is the reading end of a pipe that only the parent holds: nothing can be written to it, and when the parent is
    gone the kernel ends this process, whatever it is busy with. (PR_SET_PDEATHSIG fires when the parent's *thread* ends.)
    """
    source, sink, life = os.dup(0), os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        if os.read(life, 1) == b"":
            os._exit(1)  # the parent went before the signal was asked for
    return Wire(source, sink)


def frame(message: Mapping[str, Any]) -> bytes:
    """A message as it travels: four bytes of length, then JSON."""
    body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    if len(body) > LARGEST_MESSAGE:
        raise ValueError("a message above the largest size")
    return struct.pack(">I", len(body)) + body


# ------------------------------------------------------------------------------------------------------ the parent's side
def _command(module: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-B", "-m", module, *arguments]


class Child:
    """One child: ``python -I -m module arguments``. One call at a time; ``kill`` may come from another thread."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._calling = threading.RLock()  # no descriptor is closed while another thread still waits on it
        held, self._life = os.pipe()
        try:
            self._process = subprocess.Popen(
                _command(module, arguments),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=held,
                env={"LANG": "C.UTF-8"}, cwd="/", close_fds=True, start_new_session=True, bufsize=0,
            )  # fmt: skip
        except BaseException:
            os.close(self._life)
            raise
        finally:
            os.close(held)
        assert self._process.stdin and self._process.stdout
        self._sink, self._source = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._sink, False)
        os.set_blocking(self._source, False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def call(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Sends one message and waits for its reply. When there is none of the right form in time, the child is killed."""
        deadline = time.monotonic() + timeout_s
        with self._calling:
            worked = self._cpu_s()
            try:
                self._send(frame(message), deadline)
                (size,) = struct.unpack(">I", self._receive(4, deadline))
                if size > LARGEST_MESSAGE:
                    raise ChildDied
                return _as_object(self._receive(size, deadline))
            except BaseException as error:
                if isinstance(error, ChildTimeout):
                    error.cpu_s = self._cpu_s() - worked
                self.kill()
                raise

    def _cpu_s(self) -> float:
        """The processor time that the child has used, as the kernel counts it; 0 once it is gone."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def _send(self, body: bytes, deadline: float) -> None:
        rest = memoryview(body)
        while rest:
            self._wait(self._sink, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self._sink, rest) :]
            except OSError:
                raise ChildDied from None

    def _receive(self, size: int, deadline: float) -> bytes:
        parts, missing = [], size
        while missing:
            self._wait(self._source, select.POLLIN, deadline)
            try:
                part = os.read(self._source, min(missing, 2**16))
            except OSError:
                raise ChildDied from None
            if not part:
                raise ChildDied
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    @staticmethod
    def _wait(descriptor: int, event: int, deadline: float) -> None:
        if descriptor < 0:
            raise ChildDied
        watched = select.poll()
        watched.register(descriptor, event)
        left = deadline - time.monotonic()
        if left <= 0 or not watched.poll(left * 1000):
            raise ChildTimeout

    def kill(self) -> None:
        """Ends the child at once and gathers it. Again: nothing."""
        self._process.kill()
        self._process.wait()
        with self._calling:
            if self._life < 0:
                return
            os.close(self._life)
            self._life = self._sink = self._source = -1
            for stream in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()  # type: ignore[union-attr]


def _as_object(body: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ChildDied from None
    if not isinstance(reply, dict):
        raise ChildDied
    return reply


def _no_constant(name: str) -> Any:
    raise ValueError("NaN and infinity are not JSON")
