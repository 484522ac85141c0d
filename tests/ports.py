"""Ports of this machine, for what has to be told one before it listens."""

import socket
from contextlib import ExitStack
from random import randrange


def free_port() -> int:
    """One at which nobody listens, nor at the two above it.

    It is not of those that a system gives to whoever does not choose: between this and the moment
    at which it is used, one of those may be given to somebody else.
    """
    while True:
        port = randrange(10_000, 30_000)  # noqa: S311 - no secret
        with ExitStack() as stack:
            try:
                for each in range(port, port + 3):
                    stack.enter_context(socket.create_server(("127.0.0.1", each)))
            except OSError:
                continue
            return port
