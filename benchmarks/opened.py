"""The client without any I/O, on a connection that is open."""

import os
import random
from time import monotonic

from benchmarks.load import upgraded
from benchmarks.material import KEY
from dojo_proto import Client, Dial, Epos, Link, Settings


def opened(epos: Epos, settings: Settings) -> tuple[Client, Link]:
    """A client, and its connection, on which nothing but the handshake has come and left."""
    client = Client(epos, settings, entropy=os.urandom, uniform=random.random)
    client.start(monotonic())
    dial = client.next_action()
    if not isinstance(dial, Dial):
        raise TypeError(f"expected Dial, got {dial!r}")
    link = client.dial_succeeded(dial.number, KEY, monotonic())
    if link is None:
        raise RuntimeError("the client does not want its socket")
    client.receive_data(link, upgraded(client.data_to_send(link, monotonic())), monotonic())
    return client, link
