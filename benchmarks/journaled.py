"""Rows: payments a second, begun and committed on the disk before each answer leaves.

Both ends of the socket take part. The peer is the library itself, with a disk that is waited for at
each step of the journal.
"""

import socket
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec

from benchmarks.child import running
from benchmarks.load import PATIENCE, WINDOW, Answers, accepted, framed, received
from benchmarks.material import TABLES, order_id, request_id
from benchmarks.paying import METHOD
from benchmarks.rows import Goal, Row


def rate(runtime: str, syncs: str, *, smoke: bool) -> float:
    """Payments a second that a till books, WINDOW of which are under way at a time."""
    warm_up, seconds = (0.0, 0.02) if smoke else (0.4, 1.5)
    with (
        TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        server.settimeout(PATIENCE)
        path, port = Path(folder, "journal.db"), server.getsockname()[1]
        with (
            running("benchmarks.paying", runtime, syncs, port, path) as child,
            accepted(server) as sock,
        ):
            found, answered = _booked(sock, warm_up=warm_up, seconds=seconds)
            child.kill()  # before the socket is closed: nobody shall dial again
        with closing(sqlite3.connect(path)) as journal:
            query = "SELECT count(*) FROM dojo_journal WHERE state = 'succeeded'"
            (durable,) = journal.execute(query).fetchone()
    if durable < answered:
        raise RuntimeError(f"{answered} payments were answered and {durable} are in the journal")
    return found


def _booked(sock: socket.socket, *, warm_up: float, seconds: float) -> tuple[float, int]:
    """Answers a second after `warm_up` seconds, and how many there were in all."""
    answers = Answers()
    sock.sendall(b"".join(map(_payment, range(WINDOW))))
    warm = perf_counter() + warm_up
    end = warm + seconds
    asked, counted, began, first = WINDOW, 0, 0.0, 0
    while True:
        messages = answers.receive(received(sock))
        now = perf_counter()
        for message in messages:
            if b'"result":' not in message:
                raise RuntimeError(f"a payment was not booked: {message.decode()}")
        counted += len(messages)
        if began and now >= end:
            return (counted - first) / (now - began), counted
        if not began and now >= warm:
            began, first = now, counted
        sock.sendall(b"".join(map(_payment, range(asked, asked + len(messages)))))
        asked += len(messages)


def _payment(number: int) -> bytes:
    """A payment that there was none like before, as a frame."""
    return framed(
        msgspec.json.encode(
            {
                "jsonrpc": "2.0",
                "id": request_id(number),
                "method": METHOD,
                "params": {
                    "orderId": order_id(number % TABLES),
                    "paymentIntentId": f"pi_sandbox_{number:022}",
                    "paidAmount": {"value": 1500, "currencyCode": "GBP"},
                    "headers": {"deviceId": "PAXA920-1850123456-000000000007"},
                },
            }
        )
    )


def _row(runtime: str, factor: float) -> Row:
    peer = "one sync a step"
    return Row(
        name=f"journaled-{runtime}",
        what=f"payments a second with {runtime}, journaled on the disk, {WINDOW} under way",
        unit="/s",
        better="more",
        goal=Goal(factor=factor, against=peer),
        ours=partial(rate, runtime, "shared"),
        peers={peer: partial(rate, runtime, "single")},
        references=[peer],
    )


ROWS = (_row("asyncio", 5.0), _row("threads", 2.0))
