"""JSON-RPC 2.0 envelopes over msgspec: what came, and what goes out.

Ids are kept as the bytes that came, so that every answer echoes exactly what was asked: `1`, `1.0`
and `"1"` are three ids, and a number may be larger than any integer type.
"""

from itertools import accumulate
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, DecodeError, Raw, UnsetType, ValidationError

from dojo_proto.errors import INVALID_REQUEST, PARSE_ERROR

NULL_ID = b"null"

MAX_BATCH = 1000
"""Messages in one batch: each may cost far more to answer than its two bytes took to send."""


class Request(msgspec.Struct, frozen=True):
    """A request, or a notification if it has no id (section 4.1)."""

    id: bytes | None
    method: str
    params: Raw | None
    """As it came, undecoded; None if the member is missing."""


class Response(msgspec.Struct, frozen=True):
    """An answer to a call of this side. Exactly one of the two is set (section 5)."""

    id: bytes
    result: Raw | None = None
    error: Raw | None = None


class Stray(msgspec.Struct, frozen=True):
    """Not a sound answer, but with `result` or `error` and no `method` nothing else either.

    To complain about it would be to answer an answer.
    """


class Invalid(msgspec.Struct, frozen=True):
    """Not a JSON-RPC message. `code` and `reason` are the error to answer with, `id` its id."""

    id: bytes
    code: int
    reason: str


class Batch(msgspec.Struct, frozen=True):
    """Several messages in one, at least one (section 6)."""

    messages: tuple[Request | Response | Stray | Invalid, ...]


Incoming: TypeAlias = Request | Response | Stray | Invalid | Batch


class ErrorObject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, valid both as JSON-RPC 2.0 (section 5.1) and in the vendor's schema."""

    code: int
    message: str
    error_type: str = msgspec.field(name="errorType")
    debug_message: str = msgspec.field(name="debugMessage", default="")
    trace_id: str = msgspec.field(name="traceId", default="")


class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    """What nearly every message is: a request with all members, and no other."""

    jsonrpc: Literal["2.0"]
    id: Raw
    method: str
    params: Raw


class _Envelope(msgspec.Struct):
    """What every well-formed message fits: anything else takes the slow way to a complaint."""

    jsonrpc: Literal["2.0"]
    id: Raw | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class _Misfit(msgspec.Struct):
    """Any object: what a complaint about it needs."""

    id: Raw | UnsetType = UNSET
    method: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


_decode_whole = msgspec.json.Decoder(_Whole).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_misfit = msgspec.json.Decoder(_Misfit).decode
_decode_batch = msgspec.json.Decoder(list[Raw]).decode
_decode_any = msgspec.json.Decoder(Raw).decode
_encode = msgspec.json.Encoder().encode

_NO_ID = b"{[tf"
"""Section 4: an id is a String, Number, or Null; what is none of them begins with one of these."""

_ARRAY = ord("[")
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'"[]{}')
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # as signed bytes: one in, one out


def nests_deeper_than(data: bytes, limit: int) -> bool:
    """Whether arrays and objects in `data` nest deeper than `limit`.

    Checked before parsing, since a parser that recurses fails badly on what is nested deeply. Takes
    linear time on any bytes. Behind the first error in what is not JSON the count means little, and
    no parser gets there.
    """
    arrays = data.count(b"[") if _ARRAY in data else 0  # to look is quicker than to count
    if data.count(b"{") + arrays <= limit:
        return False
    # Escapes first, then everything but quotes and brackets. Two quotes side by side go too: that
    # ends a string or joins two, and moves no bracket from inside a string to outside.
    unescaped = data.replace(rb"\\", b"").replace(rb"\"", b"")
    structure = unescaped.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    brackets = b"".join(structure.split(b'"')[::2])
    depths = accumulate(memoryview(brackets.translate(_STEPS)).cast("b"))
    return max(depths, default=0) > limit


def parse(data: bytes, *, binary: bool, max_depth: int) -> Incoming:
    """Read one WebSocket message. Never raises.

    `binary` says that `data` has not been checked to be UTF-8; `max_depth` is how deep arrays and
    objects may nest.
    """
    try:
        if binary:
            data.decode()
        if nests_deeper_than(data, max_depth):
            return Invalid(NULL_ID, PARSE_ERROR, f"the message nests deeper than {max_depth}")
        try:
            whole = _decode_whole(data)
        except ValidationError:
            return _parse_unusual(data)
        identity = bytes(whole.id)
        if identity[0] in _NO_ID:
            return _parse_unusual(data)
        return Request(identity, whole.method, whole.params)
    except UnicodeDecodeError as error:
        return Invalid(NULL_ID, PARSE_ERROR, f"not UTF-8: {error.reason} (byte {error.start})")
    except (DecodeError, RecursionError) as error:
        return Invalid(NULL_ID, PARSE_ERROR, f"not JSON: {error}")


def _interpret(envelope: _Envelope) -> Request | Response | Stray | Invalid:
    identity = None if envelope.id is UNSET else bytes(envelope.id)
    if identity is not None and identity[0] in _NO_ID:
        if _is_stray(envelope):
            return Stray()
        return Invalid(NULL_ID, INVALID_REQUEST, "`id` is not a string, a number or null")
    result, error, params = envelope.result, envelope.error, envelope.params
    # An answer may name its method, as the vendor's schema asks for, and a request may spell out
    # that it has no result and no error.
    if error is not UNSET and bytes(error) != b"null":
        return Response(identity or NULL_ID, error=error)
    if result is not UNSET and (envelope.method is UNSET or bytes(result) != b"null"):
        return Response(identity or NULL_ID, result=result)
    if envelope.method is UNSET:
        if _is_stray(envelope):
            return Stray()
        return Invalid(identity or NULL_ID, INVALID_REQUEST, "`method` is missing")
    return Request(identity, envelope.method, None if params is UNSET else params)


def _is_stray(message: _Envelope | _Misfit) -> bool:
    nothing = message.result is UNSET and message.error is UNSET
    return message.method is UNSET and not nothing


def _parse_unusual(data: bytes) -> Incoming:
    """What is no whole request: a notification, an answer, a batch, something to complain about."""
    if data.lstrip()[:1] != b"[":
        return _parse_item(_decode_any(data))
    items = _decode_batch(data)
    if not items:
        return Invalid(NULL_ID, INVALID_REQUEST, "the batch is empty")  # section 6
    if len(items) > MAX_BATCH:
        reason = f"the batch holds {len(items)} messages; at most {MAX_BATCH} are taken"
        return Invalid(NULL_ID, INVALID_REQUEST, reason)
    return Batch(tuple(_parse_item(item) for item in items))


def _parse_item(item: Raw) -> Request | Response | Stray | Invalid:
    try:
        return _interpret(_decode_envelope(item))
    except ValidationError:
        return _complain(item)


def _complain(message: Raw) -> Invalid | Stray:
    try:
        misfit = _decode_misfit(message)
    except ValidationError:
        return Invalid(NULL_ID, INVALID_REQUEST, "the message is not an object")
    if _is_stray(misfit):
        return Stray()
    identity = NULL_ID if misfit.id is UNSET else bytes(misfit.id)
    if misfit.method is UNSET or bytes(misfit.method)[:1] == b'"':
        reason = '`jsonrpc` is not "2.0"'
    else:
        reason = "`method` is not a string"
    return Invalid(NULL_ID if identity[0] in _NO_ID else identity, INVALID_REQUEST, reason)


def encode_result(request_id: bytes, result: bytes, method: str = "") -> bytes:
    """A success answer; `result` is encoded JSON. `method` is added where it is wanted."""
    named = b',"method":%b' % _encode(method) if method else b""
    return b"".join((b'{"jsonrpc":"2.0","id":', request_id, named, b',"result":', result, b"}"))


def encode_error(request_id: bytes, error: ErrorObject, method: str = "") -> bytes:
    """An error answer (section 5.1). `method` is added where it is wanted."""
    named = b'"method":%b,' % _encode(method) if method else b""
    return b'{"jsonrpc":"2.0","id":%b,%b"error":%b}' % (request_id, named, _encode(error))


def encode_request(request_id: str, method: str, params: object) -> bytes:
    """A call of this side. `params` encodes as a JSON object or array; None leaves it out."""
    call = {"jsonrpc": "2.0", "id": request_id, "method": method}
    # Section 4.2: params is an object or an array, or is missing; never null.
    return _encode(call if params is None else {**call, "params": params})


def encode_batch(answers: list[bytes]) -> bytes:
    """The answers to a batch as one message; for no answers, nothing is sent (section 6)."""
    return b"[%b]" % b",".join(answers)
