"""The dictionary, as libFuzzer reads it."""

from collections.abc import Iterator

from tests.fuzz.said import KEY
from tests.fuzz.targets.contracts import TYPES
from tests.fuzz.targets.handshake import ACCEPT
from tests.fuzz.targets.registration import SERVED

from dojo_proto.contract import METHODS
from dojo_proto.contract.shape import members


def dictionary() -> Iterator[str]:
    """What a fuzzer would be long in guessing."""
    words = {
        *("HTTP/1.1 ", "HTTP/1.0 ", "101", "200 OK", "401", "503", "\r\n", "\r\n\r\n", "GET "),
        *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ", ACCEPT.decode()),
        *("Sec-WebSocket-Key: ", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: "),
        *(
            "Sec-WebSocket-Extensions: permessage-deflate",
            "; client_max_window_bits",
            "; server_max_window_bits=9",
        ),
        *("Content-Length: ", "Transfer-Encoding: chunked", "Retry-After: ", "Date: "),
        *("Content-Type: text/html", "0\r\n\r\n", KEY, "\x7f", "\\u007f", "\x00", "\\ud800"),
        *('"jsonrpc":"2.0"', '"id":', '"method":', '"params":{', '"result":', '"error":', "null"),
        *("true", "1e400", "-0", "18446744073709551616", "2026-10-21T07:28:00Z", "[[[[", "{}"),
        *("capabilities", "wsIntegrations", "restIntegrations", "version", "v1", "c4nary"),
        *("\x81\x02", "\x01\x00", "\x80\x00", "\x88\x02\x03\xe8", "\x89\x01?", "\xc1\x07"),
        *(f'"{method.wire}"' for method in METHODS),
        *(f'"{name}":' for kind in TYPES for name in members(kind)),
        *SERVED,
    }
    for word in sorted(words):
        escaped = "".join(
            c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\x{ord(c):02x}"
            for c in word
        )
        yield f'"{escaped}"\n'
