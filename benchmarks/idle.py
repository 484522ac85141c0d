"""Rows: what a connection costs that is open and idle, and what it costs to open it."""

import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread, Timer

import msgspec

from benchmarks.child import running
from benchmarks.holding import Held, allow_many_sockets
from benchmarks.load import upgrade
from benchmarks.rows import Goal, Measure, Row

NUMBER = 3000
"""Connections in one process."""
LANES = 50
"""Connections that are opened at a time."""
_TLS_NUMBER = 1000
"""Over TLS fewer tell as much: 3,000 of some peers take a gigabyte."""

_PATIENCE = 120.0
"""Seconds after which a contestant counts as dead."""


class _Gateway:
    """Accepts upgrades one after the other, and says nothing more."""

    def __init__(self, server: socket.socket, context: ssl.SSLContext | None) -> None:
        self._server = server
        self._context = context
        self._open: list[socket.socket] = []
        self._thread = Thread(target=self._accept, name="gateway")
        self._thread.start()

    def expect(self, number: int) -> None:
        """Raise RuntimeError unless `number` connections are open."""
        poll = select.poll()
        for sock in self._open:
            poll.register(sock, select.POLLRDHUP)
        opened, ended = len(self._open), len(poll.poll(0))
        if opened - ended != number:
            raise RuntimeError(
                f"{number} connections were to be open; {opened} were, and {ended} have ended"
            )

    def close(self) -> None:
        """End all of them."""
        self._server.shutdown(socket.SHUT_RD)  # which wakes the thread
        self._thread.join()
        for sock in self._open:
            sock.close()

    def _accept(self) -> None:
        # The server is shut down, or a contestant has died, which is told where it was started.
        with suppress(OSError, RuntimeError):
            while True:
                sock, _ = self._server.accept()
                sock.settimeout(_PATIENCE)
                if self._context is not None:
                    sock = self._context.wrap_socket(sock, server_side=True)
                self._open.append(sock)
                upgrade(sock)


@contextmanager
def _gateway(context: ssl.SSLContext | None) -> Iterator[tuple[_Gateway, int]]:
    allow_many_sockets()
    with socket.create_server(("127.0.0.1", 0), backlog=LANES) as server:
        gateway = _Gateway(server, context)
        try:
            yield gateway, server.getsockname()[1]
        finally:
            gateway.close()


@cache
def _certificates() -> tuple[ssl.SSLContext, bytes]:
    """What the gateway has, and the CA that has signed it."""
    import trustme  # noqa: PLC0415 - only with TLS

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context, authority.cert_pem.bytes()


def held(who: str, number: int, *, tls: bool, smoke: bool) -> Held:
    """What `number` connections of a contestant cost, in a fresh process."""
    number, lanes = (4, 4) if smoke else (number, LANES)
    with TemporaryDirectory() as folder:
        context, ca = None, ""
        if tls:
            context, pem = _certificates()
            path = Path(folder, "ca.pem")
            path.write_bytes(pem)
            ca = str(path)
        with (
            _gateway(context) as (gateway, port),
            running("benchmarks.holding", who, number, lanes, port, ca) as child,
        ):
            too_late = Timer(_PATIENCE, child.kill)
            too_late.start()
            line = b"" if child.stdout is None else child.stdout.readline()
            too_late.cancel()
            if not line:
                raise RuntimeError(f"{who} has not opened {number} connections")
            gateway.expect(number + lanes)
            child.kill()
            return msgspec.json.decode(line, type=Held)


def kib(who: str, number: int, *, tls: bool, smoke: bool) -> float:
    """KiB of memory for each connection."""
    return held(who, number, tls=tls, smoke=smoke).kib


def rate(who: str, number: int, *, tls: bool, smoke: bool) -> float:
    """Connections that are opened in a second of CPU time."""
    return held(who, number, tls=tls, smoke=smoke).rate


_PEERS = ("websockets", "aiohttp", "picows")
_BARE = "a bare transport"


def _idle(name: str, what: str, number: int, *, tls: bool, limit: float) -> Row:
    measure = partial(kib, number=number, tls=tls)
    peers: dict[str, Measure] = {peer: partial(measure, peer) for peer in _PEERS}
    return Row(
        name=name,
        what=what,
        unit="KiB",
        better="less",
        goal=Goal(limit=limit),
        ours=partial(measure, "ours"),
        peers=peers | {_BARE: partial(measure, "transport")},
        references=[_BARE],
        needs=("trustme",) if tls else (),
    )


_opening = partial(rate, number=1000, tls=False)

ROWS = (
    _idle(
        "idle",
        f"memory of an idle connection, of {NUMBER:,} in one process",
        NUMBER,
        tls=False,
        limit=8,
    ),
    _idle(
        "idle-tls",
        f"the same over TLS, of {_TLS_NUMBER:,}",
        _TLS_NUMBER,
        tls=True,
        limit=48,
    ),
    Row(
        name="opening",
        what=f"connections opened in a second of CPU time, {LANES} at a time",
        unit="/s",
        better="more",
        goal=Goal(factor=1.0),
        ours=partial(_opening, "ours"),
        peers={peer: partial(_opening, peer) for peer in _PEERS},
    ),
)
