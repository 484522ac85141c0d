"""The answers to CONNECT and to the upgrade.

Input: a byte of options (1 offers compression, 2 asks a proxy instead), one that says where to cut,
and the stream.
"""

import re
from typing import Literal

from tests.fuzz.reader import Reader, however_cut
from tests.fuzz.said import KEY, check_refused

from dojo_proto.address import parse_url
from dojo_proto.deflate import Deflate
from dojo_proto.exchange import EXCERPT
from dojo_proto.handshake import Handshake
from dojo_proto.stage import Asked, Passed, Refused
from dojo_proto.tunnel import Tunnel

MAX_HEADER = 512
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
NONCE = b"the sample nonce"
GATEWAY = parse_url("url", "wss://eu.ws.dojo.tech/epos", "wss")
PROXY = parse_url("proxy", f"http://till:{KEY}@proxy:3128", "http")

Judgement = Passed | Refused | Literal["early"] | None


def target(data: bytes) -> None:
    """A stream is judged the same however it is cut, and passes only with the right answer."""
    script = Reader(data)
    options, at, stream = script.byte(), script.byte(), script.rest()
    deflating, proxied = bool(options & 1), bool(options & 2)
    offered: list[Deflate] = []

    def stage() -> Handshake | Tunnel:
        if proxied:
            return Tunnel(proxy=PROXY, address=GATEWAY, max_header_size=MAX_HEADER)
        offered[:] = [Deflate(max_size=1)] * deflating
        return Handshake(
            address=GATEWAY,
            api_key=KEY,
            software_house_id="acme-epos",
            reseller_id=None,
            deflate=offered[0] if offered else None,
            max_header_size=MAX_HEADER,
            entropy=lambda size: NONCE[:size],
        )

    judged = however_cut(lambda pieces: _judge(stage(), pieces), stream, at)
    if isinstance(judged, Passed):
        assert stream.endswith(judged.trailing)
        head = stream[: len(stream) - len(judged.trailing)]
        assert re.search(rb"HTTP/\d\.\d 2" if proxied else rb"HTTP/1\.1 101", head)
        assert proxied or ACCEPT in head, "passed without the right Sec-WebSocket-Accept"
        if any(deflate.enabled() for deflate in offered):
            assert b"permessage-deflate" in head.lower(), "nobody agreed to compression"
        elif not proxied:
            assert b"permessage-deflate" not in _extensions(head), "it agreed to compression"
    elif judged is None:
        ended, late = stage(), stage()
        ended.receive_data(stream)
        late.receive_data(stream)
        check_refused(ended.receive_eof())
        check_refused(late.timed_out())


def _judge(stage: Handshake | Tunnel, pieces: list[bytes]) -> Judgement:
    for number, piece in enumerate(pieces, start=1):
        outcome = stage.receive_data(piece)
        assert not isinstance(outcome, Asked)
        if isinstance(outcome, Refused):
            check_refused(outcome)
            # What comes behind a tunnel before anything was asked through it is refused if it came
            # with the answer; later it is the gateway's.
            return "early" if "before anything was asked" in outcome.reason else outcome
        if isinstance(outcome, Passed):
            if isinstance(stage, Tunnel):
                return "early" if pieces[number:] else outcome
            return Passed(trailing=outcome.trailing + b"".join(pieces[number:]))
        waiting, _ = stage._exchange._h11.trailing_data
        assert len(waiting) <= MAX_HEADER, f"{len(waiting)} bytes wait to be understood"
        assert len(stage._exchange._excerpt) < EXCERPT
    return None


def _extensions(head: bytes) -> bytes:
    """What the last of several heads says of extensions."""
    last = head.lower().rstrip(b"\r\n").replace(b"\r\n", b"\n").rpartition(b"\n\n")[2]
    return b",".join(
        line for line in last.split(b"\n") if line.startswith(b"sec-websocket-extensions:")
    )
