"""A client that has dialed, and the answer to its upgrade."""

from tests.proto.wired import KEY

from dojo_proto import Client, Link
from dojo_proto.handshake import accept_token


def dialed(client: Client, now: float) -> tuple[Link, bytes]:
    """Start `client`; the link of its first dial, and the bytes that open it."""
    client.start(now)
    return opened(client, 1, now)


def opened(client: Client, number: int, now: float) -> tuple[Link, bytes]:
    """The link of dial `number`, which `client` asks for, and the bytes that open it.

    They agree to compression if it is asked for.
    """
    link = client.dial_succeeded(number, KEY, now)
    assert link is not None
    request = client.data_to_send(link, now).decode()
    key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
    deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_token(key)}\r\n"
        f"{deflate if 'permessage-deflate' in request else ''}\r\n"
    )
    return link, answer.encode()
