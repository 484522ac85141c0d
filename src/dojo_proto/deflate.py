"""permessage-deflate (RFC 7692), with the size of what comes out bounded.

Off unless `Settings.compression` asks for it: it costs memory, and compressing secrets beside text
that an outsider chose can leak them.
"""

import zlib
from typing import TYPE_CHECKING

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Opcode, ParseFailed, RsvBits

if TYPE_CHECKING:
    from wsproto.frame_protocol import FrameDecoder, FrameProtocol

NAME = "permessage-deflate"
CORRUPT = "a compressed message is not DEFLATE data (RFC 7692 section 7.2.2), or not UTF-8"
"""One reason for both: which of two faults is met first depends on how the stream was cut."""
_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.2
_NONE = RsvBits(rsv1=False, rsv2=False, rsv3=False)
_RSV1 = RsvBits(rsv1=True, rsv2=False, rsv3=False)
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_BITS = ("server_max_window_bits", "client_max_window_bits")


class Deflate(Extension):
    """The extension for one connection, of either role. Driven by the handshake and framing.

    `max_size` is in bytes: of a message that inflates beyond it one byte more is inflated, by which
    the framing sees that it is too large, and nothing behind that.
    """

    name = NAME

    def __init__(self, *, max_size: int) -> None:
        self._max_size = max_size
        self._enabled = False
        self._reset_sender = False
        self._send_bits = 15
        self._deflater: zlib._Compress | None = None
        self._inflater = zlib.decompressobj(-15)
        # Whether the message under way is compressed, and whether the frame under way is a control
        # frame between its fragments.
        self._compressed = False
        self._control = False
        # Whether further frames of the message under way have to come.
        self._unfinished = False
        # Bytes that are still inflated of the message under way.
        self._left = 0

    # The opening handshake.

    def enabled(self) -> bool:
        """Whether both sides have agreed."""
        return self._enabled

    def offer(self) -> str:
        """The client's `Sec-WebSocket-Extensions`."""
        return f"{NAME}; client_max_window_bits"

    def agree(self, accepted: str) -> str:
        """Take the server's answer to the offer: the fault in it, or nothing and it is enabled."""
        if "," in accepted:
            return f"it uses several extensions, and only {NAME} was offered"
        parameters = _parameters(accepted)
        if parameters is None or "" in (parameters.get(name, "15") for name in _BITS):
            # RFC 7692 section 7.1: the client must fail the connection on any parameter that is
            # unknown, doubled, or has a wrong value.
            return f"expected {NAME} with the parameters of RFC 7692 section 7.1"
        self._enable(parameters, sender="client")
        return ""

    def answer(self, offers: str) -> str | None:
        """The server's answer to the client's offers; None to go on without compression."""
        for offer in offers.split(","):
            parameters = _parameters(offer)
            # A window of 2^8 is one that zlib cannot keep to when it compresses.
            if parameters is not None and parameters.get(_BITS[0]) not in {"", "8"}:
                self._enable(parameters, sender="server")
                agreed = [NAME]
                agreed += [name for name in _FLAGS if name in parameters]
                if _BITS[0] in parameters:
                    agreed.append(f"{_BITS[0]}={self._send_bits}")
                return "; ".join(agreed)
        return None

    def _enable(self, parameters: dict[str, str], *, sender: str) -> None:
        self._enabled = True
        self._reset_sender = f"{sender}_no_context_takeover" in parameters
        self._send_bits = int(parameters.get(f"{sender}_max_window_bits") or 15)

    # Outgoing.

    def compress(self, payload: bytes) -> bytes | None:
        """A message's payload, compressed; None if it has to go as it is."""
        if self._send_bits < 9:
            return None  # zlib cannot compress with a window this small
        if self._deflater is None or self._reset_sender:
            self._deflater = zlib.compressobj(
                zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -self._send_bits
            )
        data = self._deflater.compress(payload) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        # RFC 7692 section 7.2.3.6: of an empty message behind another one zlib makes nothing.
        return data[: -len(_TAIL)] or b"\x00"

    # Incoming: called by wsproto's frame decoder.

    def frame_inbound_header(
        self,
        _proto: "FrameDecoder | FrameProtocol",
        opcode: Opcode,
        rsv: RsvBits,
        _payload_length: int,
    ) -> RsvBits:
        """Only the first frame of a message may carry RSV1: it marks the message as compressed.

        Called again for the same frame when its masking key had not come in yet.
        """
        self._control = opcode.iscontrol()
        if self._control or opcode is Opcode.CONTINUATION:
            return _NONE  # RFC 7692 section 6.1
        # A message inside another one is not inflated, since the framing refuses it as it is.
        self._compressed = rsv.rsv1 and not self._unfinished
        self._left = self._max_size + 1
        return _RSV1

    def frame_inbound_payload_data(
        self, _proto: "FrameDecoder | FrameProtocol", data: bytes
    ) -> bytes:
        """Inflate a piece of a frame."""
        return self._inflate(data) if self._compressed and not self._control else data

    def frame_inbound_complete(
        self,
        _proto: "FrameDecoder | FrameProtocol",
        fin: bool,  # noqa: FBT001 - wsproto's signature
    ) -> bytes:
        """A frame is complete; the last one of a message ends its deflate stream."""
        if self._control:
            return b""
        self._unfinished = not fin
        if self._unfinished or not self._compressed:
            return b""
        self._compressed = False
        if self._inflater.eof:
            # A final block (RFC 7692 section 7.2.3.4) ended zlib's stream, not the connection's.
            self._inflater = zlib.decompressobj(-15)
            return b""
        return self._inflate(_TAIL)

    def _inflate(self, data: bytes) -> bytes:
        if not self._left:
            return b""  # too large already, and for zlib 0 would mean without a limit
        inflated, rest = b"", data
        if not self._inflater.eof:
            try:
                inflated = self._inflater.decompress(data, self._left)
            except zlib.error:
                raise _corrupt() from None
            self._left -= len(inflated)
            rest = self._inflater.unused_data
        if self._left and rest.strip(b"\x00"):
            # Behind a final block only the empty one of section 7.2.3.4 is understood.
            raise _corrupt()
        return inflated


def _corrupt() -> ParseFailed:
    return ParseFailed(CORRUPT, CloseReason.INVALID_FRAME_PAYLOAD_DATA)


def _parameters(extension: str) -> dict[str, str] | None:
    """The parameters of one extension (RFC 6455 section 9.1), or None if it is not a valid one."""
    name, *parts = (part.strip() for part in extension.split(";"))
    if name.lower() != NAME:
        return None
    parameters: dict[str, str] = {}
    for part in parts:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        value = value.strip('"')
        known_flag = key in _FLAGS and not equals
        known_bits = key in _BITS and (
            not equals or value in {"8", "9", "10", "11", "12", "13", "14", "15"}
        )
        if key in parameters or not (known_flag or known_bits):
            return None
        parameters[key] = value
    return parameters
