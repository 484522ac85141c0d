"""One call of Dojo's REST API: a connection of its own, one request, one answer (RFC 9112).

A connection of its own, since the calls are few and far between, and one that was kept would mostly
be found closed.
"""

import msgspec

from dojo_proto.actions import Link
from dojo_proto.events import Cause
from dojo_proto.exchange import (
    USER_AGENT,
    Answered,
    Broken,
    Exchange,
    Head,
    Header,
    Switched,
    check_header_value,
)
from dojo_proto.settings import Settings
from dojo_proto.stage import Refused
from dojo_proto.tunnel import Tunnel

API_VERSION = "2026-02-27"
"""The header `version` (vendor): of the API that this software was written for."""
MAX_ANSWER = 1 << 20
"""Bytes of an answer's body; lists of capabilities have a few KiB."""

_PASSING = frozenset({408, 425, 429})


class RestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the REST API."""

    method: str
    path: str
    body: bytes = b""
    """JSON, or empty."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer with a status of 200 to 299."""

    url: str
    body: bytes


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """There is no such answer."""

    reason: str
    """For people: what was asked, what came, and what to do. Without the key."""
    status: int | None = None
    """The HTTP status, if one came in."""
    retry_after: float | None = None
    """Seconds that the API asked to wait."""
    passing: bool = True
    """Time may heal it: the network, an overload. Else the same request will fail again."""

    @property
    def is_authentication(self) -> bool:
        """Whether the API key was refused."""
        return self.status in {401, 403}


RestOutcome = Answer | Failure


class RestCall:
    """One connection's life for one request. Driven by whoever carries its bytes.

    `outcome` is None until it is known; from then on the connection is to be closed, and nothing
    that comes changes it. Raises ConfigurationError if a header's value could not be sent safely.
    """

    __slots__ = (
        "_asking",
        "_exchange",
        "_is_here",
        "_secret",
        "_timeout",
        "_tunnel",
        "_url",
        "host",
        "link",
        "outcome",
        "port",
    )

    def __init__(
        self, request: RestRequest, *, settings: Settings, software_house_id: str, api_key: str
    ) -> None:
        self.outcome: RestOutcome | None = None
        address = settings.api_address
        proxy = settings.proxy_address
        via = proxy or address
        self.host, self.port, self._is_here = via.host, via.port, via.is_loopback
        """Where the socket goes."""
        self.link = Link(number=1, server_hostname=address.host if address.tls else None)
        self._url = f"{settings.api_url.rstrip('/')}{request.path}"
        self._asking = f"{request.method} {self._url}"
        self._timeout = settings.api_timeout
        self._secret = api_key
        self._tunnel: Tunnel | None = None
        if proxy is not None:
            self._tunnel = Tunnel(
                proxy=proxy, address=address, max_header_size=settings.max_header_size
            )
        default_port = 443 if address.tls else 80
        headers: list[Header] = [
            ("Host", address.authority.removesuffix(f":{default_port}")),
            # As in the handshake: the key as it is, not base64 (vendor).
            ("Authorization", f"Basic {check_header_value('the API key', api_key)}"),
            ("software-house-id", check_header_value("software_house_id", software_house_id)),
            ("version", API_VERSION),
            ("Accept", "application/json"),
            ("User-Agent", USER_AGENT),
            ("Connection", "close"),
        ]
        if request.body:
            headers.append(("Content-Type", "application/json"))
            headers.append(("Content-Length", str(len(request.body))))
        self._exchange = Exchange(
            method=request.method,
            target=address.target.rstrip("/") + request.path,
            headers=headers,
            max_header_size=settings.max_header_size,
            body=request.body,
            max_body=MAX_ANSWER,
        )

    # What carries it: the same as a client's, for its one link.

    def speaks_tls(self, link: Link, /) -> bool:
        """Whether the bytes of `link` are TLS from here on; a tunnel is asked for without."""
        return link.server_hostname is not None and self._tunnel is None

    def data_to_send(self, _link: Link, _now: float, limit: int, /) -> bytes:
        """At most `limit` bytes for the connection; empty if none wait."""
        stage = self._tunnel or self._exchange
        data, stage.data_to_send = stage.data_to_send[:limit], stage.data_to_send[limit:]
        return data

    def receive_data(self, _link: Link, data: bytes, _now: float, /) -> None:
        """Take bytes that came in."""
        if self.outcome is not None:
            return
        if self._tunnel is None:
            answered = self._exchange.receive_data(data)
            if answered is not None:
                self._judge(answered)
            return
        passed = self._tunnel.receive_data(data)
        if isinstance(passed, Refused):
            self._fail(passed.reason, status=passed.status)
        elif passed is not None:
            self._tunnel = None

    def receive_eof(self, _link: Link, _now: float, /) -> None:
        """The peer has ended the stream."""
        if self.outcome is not None:
            return
        if self._tunnel is not None:
            self._fail(self._tunnel.receive_eof().reason)
        else:
            self._judge(self._exchange.receive_eof())

    def link_failed(self, _link: Link, cause: Cause, reason: str, _now: float, /) -> None:
        """The connection could not be made, or was lost, or TLS has failed."""
        if self.outcome is None:
            hint = f". {self._look_at}" if cause is Cause.DIAL_FAILED else ""
            self._fail(reason + hint)

    def timed_out(self) -> None:
        """`api_timeout` has passed."""
        if self._tunnel is not None and not self._tunnel.data_to_send:
            self._fail(self._tunnel.timed_out().reason)
        elif (answered := self._exchange.answered) is not None:
            self._judge(answered)
        else:
            unsent = (self._tunnel or self._exchange).data_to_send
            advice = self._look_at if unsent else "It was asked, so try again later"
            self._fail(
                f"no answer within {self._timeout:g} s. {advice}; "
                "`api_timeout` says how long to wait"
            )

    # The judgement.

    @property
    def _look_at(self) -> str:
        if self._is_here:
            return f"Check that something listens at {self.host}:{self.port}"
        return (
            f"Check that a firewall lets {self.host}:{self.port} through, and whether "
            "HTTPS_PROXY has to be set"
        )

    def _fail(self, reason: str, *, status: int | None = None) -> None:
        self.outcome = Failure(reason=f"{self._asking}: {reason}", status=status)

    def _judge(self, answered: Answered | Broken | Switched) -> None:
        if not isinstance(answered, Answered):
            reason = answered.reason if isinstance(answered, Broken) else "101 was not asked for"
            self._fail(f"{reason}. Is api_url the one of Dojo's API?")
            return
        status = answered.head.status
        is_page = _is_page(answered)
        if 200 <= status < 300:
            self._judge_success(answered, is_page=is_page)
            return
        quote = "" if is_page else answered.quote(self._secret)
        page = (
            ". It came with an HTML page, so something in between may have answered in Dojo's place"
        )
        self.outcome = Failure(
            reason=f"{self._asking} was refused with status {status}; {_advice(answered.head)}"
            f"{page if is_page else quote}",
            status=status,
            retry_after=answered.head.retry_after,
            passing=status in _PASSING or status >= 500,
        )

    def _judge_success(self, answered: Answered, *, is_page: bool) -> None:
        if not self._exchange.complete:
            size = len(answered.excerpt)
            what = "is too large" if size == MAX_ANSWER else "was cut off"
            self._fail(
                f"the answer {what} after {size} bytes. It may have been done all the same; "
                "it does no harm to try again",
                status=answered.head.status,
            )
        elif is_page:
            self._fail(
                "the answer is an HTML page, not JSON. Either something in between has answered "
                "(a proxy, the sign-in page of a guest network), or api_url is not the one of "
                "Dojo's API",
                status=answered.head.status,
            )
        else:
            self.outcome = Answer(url=self._url, body=answered.excerpt)


def _is_page(answered: Answered) -> bool:
    kind = next(iter(answered.head.values("content-type")), "").lower()
    return kind.startswith("text/html") or answered.excerpt.lstrip()[:1] == b"<"


def _advice(head: Head) -> str:
    """What to do about a refusal."""
    status, wait = head.status, head.retry_after
    when = "later" if wait is None else f"in {wait:g} s"
    if status == 401:
        return (
            "check that the key is complete, still active, and from the account that is meant "
            "(sk_sandbox_… or sk_prod_…)"
        )
    if status == 403:
        return (
            "the key may not do this: check that software-house-id is the one from Dojo, and ask "
            "Dojo whether the EPOS Data API is enabled for this account"
        )
    if status == 404:
        return "check api_url (DOJO_API_URL): there is nothing of that name there"
    if status == 429:
        return f"too many requests came in; try again {when}"
    if status == 501:
        return (
            "the server does not know such a request: check api_url (DOJO_API_URL), and whether a "
            f"proxy answers in Dojo's place; try again {when}"
        )
    if status in _PASSING or status >= 500:
        return f"nothing here is wrong; try again {when}"
    if 300 <= status < 400:
        return "redirects are not followed, for the key would go along: check api_url"
    return "the request itself was not accepted; if what came with it does not help, ask Dojo"
