"""TLS as one filter between a socket and a machine, the same in every runtime.

An `ssl.SSLObject` over two `MemoryBIO`s: it works behind a proxy's tunnel, and costs about a tenth
of the memory of asyncio's own TLS.
"""

import ssl
from functools import cache
from typing import Protocol

from dojo_proto import ConfigurationError, Link
from dojo_proto.events import Cause

_CHUNK = 65536


def make_context(context: ssl.SSLContext | None) -> ssl.SSLContext:
    """The context for all connections of a service: `context`, or the system's trust store.

    It gets ALPN `http/1.1`, TLS 1.2 as its minimum, and no renegotiation. Raises ConfigurationError
    for a context that does not verify the peer: the API key would go to whoever answers. A context
    of the user's own is changed in place.
    """
    return _system_context() if context is None else _prepared(context)


@cache
def _system_context() -> ssl.SSLContext:
    """One for the whole process: loading a trust store is slow, and takes memory."""
    import truststore  # noqa: PLC0415 - not for who has a context of their own, or no TLS

    return _prepared(truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _prepared(context: ssl.SSLContext) -> ssl.SSLContext:
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ConfigurationError(
            "ssl_context: it does not verify certificates and host names; to trust a private CA, "
            "load it with load_verify_locations() instead"
        )
    context.set_alpn_protocols(["http/1.1"])
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    context.options |= ssl.OP_NO_RENEGOTIATION  # so that a write never has to wait for a read
    return context


class Carried(Protocol):
    """A machine whose bytes go over a wire: the client, or a call of the REST API."""

    def speaks_tls(self, link: Link, /) -> bool:
        """Whether the bytes of `link` are TLS from here on."""
        ...

    def data_to_send(self, link: Link, now: float, limit: int, /) -> bytes:
        """At most `limit` bytes that are to leave."""
        ...

    def receive_data(self, link: Link, data: bytes, now: float, /) -> None:
        """Take bytes that came in."""
        ...

    def receive_eof(self, link: Link, now: float, /) -> None:
        """The peer has ended the stream."""
        ...

    def link_failed(self, link: Link, cause: Cause, reason: str, now: float, /) -> None:
        """The connection is of no use any more."""
        ...


class Wire:
    """What lies between the socket of `link` and the machine. Driven by an adapter.

    Bytes from the socket go into `receive`, bytes for the socket come out of `data_to_send`. It
    never raises on what a peer sent.
    """

    __slots__ = ("_context", "_incoming", "_link", "_machine", "_outgoing", "_shaken", "_tls")

    def __init__(self, machine: Carried, link: Link, context: ssl.SSLContext | None) -> None:
        self._machine = machine
        self._link = link
        self._context = context
        # Made with the first byte of TLS: most links on one machine have none.
        self._incoming: ssl.MemoryBIO
        self._outgoing: ssl.MemoryBIO
        self._tls: ssl.SSLObject | None = None
        self._shaken = False

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes that came from the socket."""
        if self._speaks_tls():
            self._incoming.write(data)
            self._decrypt(now)
        else:
            self._machine.receive_data(self._link, data, now)

    def receive_eof(self, now: float) -> None:
        """The peer has ended the stream."""
        if self._tls is not None and not self._shaken:
            reason = "the peer ended the stream during the TLS handshake; is the port a TLS one?"
            self._machine.link_failed(self._link, Cause.TLS_FAILED, reason, now)
        self._machine.receive_eof(self._link, now)

    def data_to_send(self, now: float, limit: int = _CHUNK) -> bytes:
        """Bytes for the socket. Ask again when they are written; empty if none wait."""
        if not self._speaks_tls():
            return self._machine.data_to_send(self._link, now, limit)
        if not self._shaken:
            self._decrypt(now)  # the first call sends the ClientHello
        if self._shaken and self._tls is not None:
            data = self._machine.data_to_send(self._link, now, limit)
            if data:
                self._tls.write(data)
        return self._outgoing.read()

    def _speaks_tls(self) -> bool:
        if self._tls is None and self._context is not None and self._machine.speaks_tls(self._link):
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = self._context.wrap_bio(
                self._incoming, self._outgoing, server_hostname=self._link.server_hostname
            )
        return self._tls is not None

    def _decrypt(self, now: float) -> None:
        tls = self._tls
        if tls is None:
            return
        try:
            if not self._shaken:
                tls.do_handshake()
                self._shaken = True
            while data := tls.read(_CHUNK):
                self._machine.receive_data(self._link, data, now)
        except ssl.SSLWantReadError:
            return
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        except ssl.SSLError as error:
            reason = f"TLS with {self._link.server_hostname} failed: {_explain(error)}"
            self._machine.link_failed(self._link, Cause.TLS_FAILED, reason, now)
            return
        self.receive_eof(now)


def _explain(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is refused ({error.verify_message}). If a private CA signed it, add "
            "that CA to this system's trust store, or pass an ssl_context that trusts it; if it is "
            "for another host, check the url; if it expired, its owner has to renew it"
        )
    if error.reason == "WRONG_VERSION_NUMBER":
        return "what came in is not TLS; is the port a TLS one?"
    said = (error.reason or str(error)).replace("_", " ").lower()
    # RFC 7301 section 3.2. Python 3.11 has no `reason` for this alert, only OpenSSL's text.
    if "no application protocol" in said:
        return (
            "it refuses ALPN http/1.1, so it may speak HTTP/2 only, and a WebSocket here needs "
            "HTTP/1.1; check the url, or have whoever runs it offer http/1.1 there"
        )
    return said
