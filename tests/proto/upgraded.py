"""A client that has dialed, and the answer to its upgrade."""

from tests.proto.wired import KEY

from dojo_proto import Client, Link
from dojo_proto.handshake import accept_token


def dialed(client: Client, now: float) -> tuple[Link, bytes]:
    """Start `client`; the link of its first dial, and the bytes that open it."""
    client.start(now)
    link = client.dial_succeeded(1, KEY, now)
    assert link is not None
    request = client.data_to_send(link, now).decode()
    key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_token(key)}\r\n\r\n"
    )
    return link, answer.encode()
