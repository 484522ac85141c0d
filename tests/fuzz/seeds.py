"""`python -m tests.fuzz.seeds` writes the corpora to begin from, and the dictionary."""

import zlib

import msgspec
from tests.contract.instances import seeded
from tests.fuzz import lives
from tests.fuzz.catalogue import CORPUS, DICTIONARY
from tests.fuzz.lives import Seeds
from tests.fuzz.reader import chunk
from tests.fuzz.said import KEY
from tests.fuzz.targets.contracts import PARAMS, TYPES
from tests.fuzz.targets.handshake import ACCEPT
from tests.fuzz.targets.peer import REQUESTS, frame
from tests.fuzz.targets.registration import SERVED
from tests.fuzz.words import dictionary

from dojo_proto.contract import Order, encode
from dojo_proto.contract.shape import members

_SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\n"
_UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
_ACCEPT = b"Sec-WebSocket-Accept: %b\r\n" % ACCEPT
_DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"


def handshake() -> Seeds:
    """Answers to CONNECT and the upgrade, each behind its options."""
    good = _SWITCHING + _UPGRADE + _ACCEPT
    quoted = b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%b"
    body = b"<p>the key %b\nis not known</p>" % KEY.encode()
    return {
        "good": b"\x00\x09" + good + b"\r\n\x81\x02hi",
        "hints": b"\x00\x02HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + good + b"\r\n",
        "wrong-accept": b"\x00\x00" + _SWITCHING + _UPGRADE + b"Sec-WebSocket-Accept: AAAA\r\n\r\n",
        "no-accept": b"\x00\x00" + _SWITCHING + _UPGRADE + b"\r\n",
        "subprotocol": b"\x00\x00" + good + b"Sec-WebSocket-Protocol: mqtt\r\n\r\n",
        "deflate": b"\x01\x00" + good + _DEFLATE + b"; server_no_context_takeover\r\n\r\n",
        "deflate-bits": b"\x01\x00" + good + _DEFLATE + b"; server_max_window_bits=10\r\n\r\n",
        "deflate-unasked": b"\x00\x00" + good + _DEFLATE + b"\r\n\r\n",
        "key-quoted": b"\x00\x40" + quoted % (len(body), body),
        "key-cut": b"\x00\x40HTTP/1.1 403 No\r\n\r\nit is sk_sandbox_c4nar",
        "chunked": b"\x00\x05HTTP/1.1 503 \r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nnot\r\n4\r\n now\r\n0\r\n\r\n",
        "bad-chunks": b"\x00\x05HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnotnow",
        "retry-negative": b"\x00\x00HTTP/1.1 503 \r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n",
        "retry-date": b"\x00\x00HTTP/1.1 503 No\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"
        b"Date: Wed, 21 Oct 2026 07:27:00 GMT\r\nContent-Length: 0\r\n\r\n",
        "redirect": b"\x00\x00HTTP/1.1 302 Found\r\nLocation: https://x/\r\n\r\n",
        "large": b"\x00\x80" + _SWITCHING + b"X: %b\r\n\r\n" % (b"x" * 600),
        "http-1.0": b"\x00\x00HTTP/1.0 101 Go\r\n" + _UPGRADE + _ACCEPT + b"\r\n",
        "no-http": b"\x00\x00SSH-2.0-OpenSSH_9.2\r\n",
        "tunnel": b"\x02\x00HTTP/1.1 200 Connection established\r\n\r\n",
        "tunnel-early": b"\x02\x10HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 ",
        "tunnel-407": b"\x02\x00HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
    }


def _frame(opcode: int, payload: bytes, *, masked: bool, fin: bool = True, rsv: int = 0) -> bytes:
    data = bytearray(frame(opcode, payload))
    data[0] = fin << 7 | rsv << 4 | opcode
    if not masked:
        return bytes(data)
    at = len(data) - len(payload)
    data[1] |= 0x80
    mask = b"\x01\x80\xff\x00"
    hidden = bytes(each ^ mask[i % 4] for i, each in enumerate(payload))
    return bytes(data[:at]) + mask + hidden


def frames() -> Seeds:
    """Streams of frames, as either side gets them."""
    seeds: Seeds = {}
    for role, masked in (("client", False), ("gateway", True)):
        options = bytes([masked])

        def made(opcode: int, payload: bytes, *, masked: bool = masked, fin: bool = True) -> bytes:
            return _frame(opcode, payload, masked=masked, fin=fin)

        pizza = "Zoë 🍕".encode()
        parts = made(1, pizza[:3], fin=False) + made(9, b"?") + made(0, pizza[3:])
        seeds |= {
            f"{role}-text": options + b"\x04" + made(1, pizza) + made(2, b"\xff\x00"),
            f"{role}-parts": options + b"\x06" + parts + made(10, b"pong"),
            f"{role}-close": options + b"\x03" + made(8, b"\x03\xe8bye") + b"behind",
            f"{role}-close-code": options + b"\x00" + made(8, b"\x03\xee"),
            f"{role}-close-empty": options + b"\x00" + made(8, b""),
            f"{role}-close-short": options + b"\x00" + made(8, b"\x03"),
            f"{role}-not-utf8": options + b"\x03" + made(1, b"ok \xc3\x28"),
            f"{role}-long": options + b"\x80" + made(1, b"y" * 299) + made(1, b"z" * 301),
            f"{role}-lanes": options + b"\x09" + made(1, pizza) + parts + made(1, pizza) * 2,
            f"{role}-reserved": options + b"\x00" + _frame(1, b"hi", masked=masked, rsv=2),
            f"{role}-padded-length": options
            + b"\x00\x81"
            + bytes([masked << 7 | 126, 0, 2])
            + b"hi",
            f"{role}-many": options + b"\x05" + made(2, b"x" * 150, fin=False) * 3,
            f"{role}-interrupted": options + b"\x00" + made(1, b"a", fin=False) + made(1, b"b"),
            f"{role}-stray": options + b"\x00" + made(0, b"a"),
            f"{role}-large-control": options + b"\x00" + made(9, b"p" * 126),
            f"{role}-wrong-mask": options + b"\x00" + made(1, b"hi", masked=not masked),
            f"{role}-huge": options + b"\x01" + b"\x82\xff\x7f" + b"\xff" * 7,
        }
    return seeds


def deflate() -> Seeds:
    """Streams of compressed frames."""

    def packed(*payloads: bytes, bits: int = -15, final: bool = False) -> list[bytes]:
        machine = zlib.compressobj(9, zlib.DEFLATED, bits)
        flush = zlib.Z_FINISH if final else zlib.Z_SYNC_FLUSH
        made = [machine.compress(each) + machine.flush(flush) for each in payloads]
        return [each.removesuffix(b"\x00\x00\xff\xff") for each in made]

    seeds: Seeds = {}
    for role, masked in (("client", False), ("gateway", True)):

        def made(
            opcode: int, payload: bytes, *, rsv: int = 4, fin: bool = True, masked: bool = masked
        ) -> bytes:
            return _frame(opcode, payload, masked=masked, rsv=rsv, fin=fin)

        first, second = packed(b"hello, hello", b"hello, hello")
        (bomb,) = packed(b"\x00" * 20_000)
        (small,) = packed(b"in a small window", bits=-9)
        (wrong,) = packed(b"ok \xc3\x28")
        (last,) = packed(b"the final block", final=True)
        both = made(1, first) + made(1, second)
        seeds |= {
            f"{role}-context": bytes([masked, 4]) + both,
            f"{role}-no-context": bytes([masked | 2, 4]) + made(1, first) * 2,
            f"{role}-small-window": bytes([masked | 4, 4]) + made(1, small),
            f"{role}-plain": bytes([masked | 6, 4]) + made(1, b"as it is", rsv=0) + both,
            f"{role}-not-utf8": bytes([masked, 4]) + made(1, wrong),
            f"{role}-bomb": bytes([masked, 4]) + made(2, bomb),
            f"{role}-final": bytes([masked, 9]) + made(1, last) + both,
            f"{role}-corrupt": bytes([masked, 4]) + made(1, b"\xff" * 9),
            f"{role}-parts": bytes([masked, 7])
            + made(1, first[:4], fin=False)
            + made(9, b"?", rsv=0)
            + made(0, first[4:], rsv=0)
            + made(1, second),
            f"{role}-reserved": bytes([masked, 0]) + made(1, first, rsv=6),
        }
    return seeds


def jsonrpc() -> Seeds:
    """Messages, behind the depth that is allowed."""
    request = b'{"jsonrpc":"2.0","id":%b,"method":"SearchOrdersV1","params":{}}'
    seeds = {f"request-{number}": b"\x01" + each for number, each in enumerate(REQUESTS)}
    ids = (b'"a"', b"1.0", b"1e3", b"-0", b"null", b'"\\u00e9\\n"', b"123456789012345678901", b"{}")
    seeds |= {f"id-{number}": b"\x01" + request % each for number, each in enumerate(ids)}
    return seeds | {
        "error": b'\x01{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no"}}',
        "named-answer": b'\x01{"jsonrpc":"2.0","id":1,"method":"M","result":{},"error":null}',
        "nulls": b'\x01{"jsonrpc":"2.0","id":1,"method":"M","result":null,"error":null}',
        "no-version": b'\x01{"id":1,"method":"SearchOrdersV1"}',
        "no-method": b'\x01{"jsonrpc":"2.0","id":1,"method":7}',
        "stray": b'\x01{"result":1}',
        "doubled": b'\x01{"jsonrpc":"2.0","id":1,"id":2,"method":"A","method":"B"}',
        "deep": b"\x00" + request.replace(b"{}}", b'{"a":[[[["]"]]]]}}') % b"1",
        "deep-text": b"\x00" + request % b'"[[[[[[\\"{{{{{{\\\\"',
        "empty-batch": b"\x01[]",
        "numbers": b"\x01[1,2.5,true,null]",
        "not-utf8": b'\x01{"jsonrpc":"2.0","id":"\xff"}',
        "cut": b'\x01{"jsonrpc":"2.0","id":',
        "spaced": b"\x01 \t\r\n" + request % b"1" + b" \n",
    }


def contract() -> Seeds:
    """An instance of each type, with a member that it does not know; and params that do not fit."""
    seeds: Seeds = {}
    for number, kind in enumerate(TYPES):
        data = encode(seeded(kind.__name__).typed(kind, strict=True))
        text = data.replace(b'"table 7"', b'"c4nary"')[:-1]
        comma = b"," if len(text) > 1 else b""
        seeds[kind.__name__] = b'%c%b%b"c4nary":{"a":[null,1.5]}}' % (number, text, comma)
        if kind in PARAMS or kind is Order:
            first = next(iter(members(kind))).encode()
            seeds[f"{kind.__name__}-misfit"] = b'%c{"%b":{"c4nary":[]}}' % (number, first)
    return seeds


def registration() -> Seeds:
    """Answers of the REST API, whole or only their bodies."""
    listed = msgspec.json.encode(
        [{"capabilities": [{"name": name, "version": "v1"} for name in SERVED]}]
    )
    older = b'[{"capabilities":[{"name":"GetOrderBill","version":"v2","updatedAt":null}]}]'
    every = b'{"wsIntegrations":%b,"restIntegrations":[{"url":"https://x/"}]}'
    answer = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    leak = b'{"detail":"the key %b is not known"}' % KEY.encode()
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><p>sign in"
    return {
        "listed": b"\x08\x00" + listed,
        "older": b"\x08\x00" + older,
        "every": b"\x09\x00" + every % listed,
        "nothing": b"\x08\x00[]",
        "no-list": b'\x08\x00{"capabilities":[]}',
        "whole": b"\x00\x30" + answer % (b"200 OK", len(listed), listed),
        "cut-off": b"\x00\x30" + answer % (b"200 OK", len(listed) + 9, listed),
        "timed-out": b"\x10\x30" + answer % (b"200 OK", len(listed) + 9, listed),
        "silent": b"\x10\x00",
        "chunked": b"\x02\x40HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "in-chunks": b"\x00\x40HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n[]\r\n0\r\n\r\n",
        "refused": b"\x02\x09" + answer % (b"401 No", len(leak), leak),
        "forbidden": b"\x02\x09" + answer % (b"403 No", len(leak) + 30, leak[:29]),
        "later": b"\x00\x00HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
        "never": b"\x00\x00HTTP/1.1 503 Down\r\nRetry-After: -7\r\nContent-Length: 0\r\n\r\n",
        "moved": b"\x00\x00HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n",
        "page": b"\x00\x20" + page,
        "proxied": b"\x04\x20" + page,
        "switched": b"\x00\x00" + _SWITCHING + _UPGRADE + b"\r\n",
        "no-http": b"\x00\x00\x15\x03\x01\x00\x02\x02\x46",
    }


def upgrade() -> Seeds:
    """Requests for an upgrade, and what follows them."""
    asking = (
        b"GET /epos HTTP/1.1\r\nHost: eu.ws.dojo.tech\r\n" + _UPGRADE + b"Sec-WebSocket-Key: "
        b"dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    )
    key = b"Authorization: Basic %b\r\n\r\n" % KEY.encode()
    good = asking + key

    def said(payload: bytes, opcode: int = 1) -> bytes:
        return _frame(opcode, payload, masked=True)

    result, error = (
        said(b'{"jsonrpc":"2.0","id":"a","result":{"data":[]}}'),
        said(b'{"jsonrpc":"2.0","id":"b","error":{"code":-32603,"message":"no"}}'),
    )
    close = said(b"\x03\xe8", opcode=8)
    return {
        "answered": b"\x00\x20" + chunk(good) + result + error + close,
        "twice": b"\x00\x03" + chunk(good) + result + result,
        "unasked": b"\x00\x03" + chunk(good) + said(b"hello") + said(b"?", opcode=9),
        "half": b"\x00\x03" + chunk(good) + result,
        "early": b"\x00\x40" + chunk(good + said(b"early", opcode=9) + result) + error,
        "unmasked": b"\x00\x00" + chunk(good) + frame(1, b"hi"),
        "compressed": b"\x01\x00"
        + chunk(asking + _DEFLATE + b"; client_max_window_bits\r\n" + key)
        + result,
        "refused": b"\x02\x00" + chunk(good) + result,
        "no-key": b"\x00\x00" + chunk(asking.replace(b"Key", b"Kex") + key),
        "short-key": b"\x00\x00" + chunk(asking.replace(b"dGhlIHN", b"") + key),
        "post": b"\x00\x00" + chunk(good.replace(b"GET", b"POST", 1)),
        "head": b"\x00\x00" + chunk(good.replace(b"GET", b"HEAD", 1)),
        "old-version": b"\x00\x00" + chunk(good.replace(b": 13", b": 8")),
        "no-upgrade": b"\x00\x00" + chunk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        "http-1.0": b"\x00\x00" + chunk(good.replace(b"1.1", b"1.0", 1)),
        "no-http": b"\x00\x00" + chunk(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    }


SEEDS = {
    "handshake": handshake,
    "frames": frames,
    "deflate": deflate,
    "jsonrpc": jsonrpc,
    "contract": contract,
    "registration": registration,
    "upgrade": upgrade,
    "service": lives.of_service,
    "shortcut": lives.of_shortcut,
}


def main() -> None:
    """Write them all."""
    for target, make in SEEDS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, data in make().items():
            (folder / name).write_bytes(data)
    DICTIONARY.write_text("".join(dictionary()), "utf-8")


if __name__ == "__main__":
    main()
