"""From a host name to a connected socket.

`connect` blocks, and every runtime calls it in a daemon thread: `getaddrinfo` cannot be cancelled,
and in an event loop's default pool it would hold the interpreter's exit. An address needs none of
that: `begin` and `finish` do without.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, zip_longest
from selectors import EVENT_WRITE, DefaultSelector
from time import monotonic
from typing import TypeAlias

_STAGGER = 0.25  # seconds until the next address gets its chance: RFC 8305 section 5
_GLANCE = 0.1  # seconds between two looks at whether the socket is still wanted

_SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
_AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, _SocketAddress]


def connect(host: str, port: int, deadline: float, wanted: Callable[[], bool]) -> socket.socket:
    """Connect to the first address of `host` that answers, by `deadline` (`time.monotonic`).

    Returns a socket that does not block and sends without delay. Raises OSError, soon also when it
    is no longer `wanted`, and UnicodeError for a host that cannot be a name in DNS.

    The families take turns, and an address that does not answer does not hold up the next
    (RFC 8305, Happy Eyeballs).
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first = [entry for entry in found if entry[0] == found[0][0]]
    others = [entry for entry in found if entry[0] != found[0][0]]
    entries = [entry for entry in chain(*zip_longest(first, others)) if entry is not None]
    race = _Race(wanted)
    try:
        for entry in entries:
            race.start(entry)
            last = entry is entries[-1]
            winner = race.wait(deadline if last else min(deadline, monotonic() + _STAGGER))
            if winner is not None:
                return winner
    finally:
        race.close()
    raise race.error or TimeoutError("no answer in time")


def begin(host: str, port: int) -> socket.socket | None:
    """A socket that is connecting to `host`; None if that is a name, which is to be looked up.

    Give it to `finish` when it can be written to. Raises OSError.
    """
    for family in (socket.AF_INET, socket.AF_INET6):
        # OSError says that it is no such address. One with a zone, as in fe80::1%eth0, is for
        # `getaddrinfo`.
        with suppress(OSError):
            socket.inet_pton(family, host)
            break
    else:
        return None
    return _start(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, (host, port))


def finish(sock: socket.socket) -> None:
    """Make a socket that has connected one as `connect` returns it.

    If it has not, that closes it and raises OSError.
    """
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        sock.close()
        raise OSError(code, os.strerror(code))
    # Some systems refuse this where the peer has reset the connection by now.
    with suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _start(
    family: socket.AddressFamily, kind: socket.SocketKind, protocol: int, address: _SocketAddress
) -> socket.socket:
    """A socket that does not block and is connecting. Raises OSError."""
    runner = socket.socket(family, kind, protocol)
    runner.settimeout(0)
    try:
        runner.connect(address)
    except BlockingIOError:
        pass  # it is under way
    except OSError:
        runner.close()
        raise
    return runner


def explain_dial(host: str, port: int, error: OSError | UnicodeError, *, proxy_of: str = "") -> str:
    """What `connect` has raised, for people. `proxy_of` says where a proxy was named, if it is one.

    Of a proxy's URL only host and port are told.
    """
    said = error.strerror if isinstance(error, OSError) else None
    what = f"the proxy {host}:{port} (of {proxy_of})" if proxy_of else f"{host}:{port}"
    return f"no connection to {what}: {said or str(error) or type(error).__name__}"


class _Race:
    """Sockets that are connecting at once."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self.error: OSError | None = None
        self._wanted = wanted
        self._selector = DefaultSelector()
        self._running: dict[int, socket.socket] = {}

    def start(self, entry: _AddressInfo) -> None:
        family, kind, protocol, _, address = entry
        try:
            runner = _start(family, kind, protocol, address)
        except OSError as error:
            self.error = error
        else:
            self._running[runner.fileno()] = runner
            self._selector.register(runner, EVENT_WRITE)

    def wait(self, until: float) -> socket.socket | None:
        while self._running and self._wanted() and (left := until - monotonic()) > 0:
            for key, _ in self._selector.select(min(left, _GLANCE)):
                runner = self._running.pop(key.fd)
                self._selector.unregister(runner)
                try:
                    finish(runner)
                except OSError as error:
                    self.error = error
                else:
                    return runner
        return None

    def close(self) -> None:
        """End those that have not won."""
        for runner in self._running.values():
            runner.close()
        self._selector.close()
