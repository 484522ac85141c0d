"""The client's upgrade: the request and the judgement of its answer (RFC 6455 section 4.1)."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import TYPE_CHECKING

from dojo_proto.address import Address
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
from dojo_proto.stage import ClientStage, Passed, Refused, StageOutcome

if TYPE_CHECKING:
    from dojo_proto.deflate import Deflate

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3

_RETRYABLE = frozenset({408, 425, 429})


def accept_token(key: str) -> str:
    """The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (RFC 6455 section 4.2.2)."""
    return b64encode(sha1((key + _GUID).encode("ascii"), usedforsecurity=False).digest()).decode()


class Handshake(ClientStage):
    """A stage of a connection: asks for the upgrade and judges what comes.

    `deflate` is offered if given, and enabled if the gateway agrees. Raises ConfigurationError
    if a header value could not be sent safely; the API key is never part of its text.
    """

    __slots__ = ("_accept", "_deflate", "_secret")

    def __init__(
        self,
        *,
        address: Address,
        api_key: str,
        software_house_id: str,
        reseller_id: str | None,
        deflate: "Deflate | None",
        max_header_size: int,
        entropy: Callable[[int], bytes],
    ) -> None:
        key = b64encode(entropy(16)).decode("ascii")
        default_port = 443 if address.tls else 80
        host = address.authority.removesuffix(f":{default_port}")
        headers: list[Header] = [
            ("Host", host),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key),
            ("Sec-WebSocket-Version", "13"),
            # The vendor: "Despite the scheme name, do not base64-encode your API key."
            ("Authorization", f"Basic {check_header_value('the API key', api_key)}"),
            ("software-house-id", check_header_value("software_house_id", software_house_id)),
            ("User-Agent", USER_AGENT),
        ]
        if reseller_id is not None:
            headers.append(("reseller-id", check_header_value("reseller_id", reseller_id)))
        if deflate is not None:
            headers.append(("Sec-WebSocket-Extensions", deflate.offer()))
        self._accept = accept_token(key)
        self._deflate = deflate
        self._secret = api_key
        exchange = Exchange(
            method="GET", target=address.target, headers=headers, max_header_size=max_header_size
        )
        super().__init__(exchange, "the gateway did not answer the upgrade in time")

    def _switched(self, outcome: Switched) -> StageOutcome:
        fault = self._fault(outcome.head)
        if fault:
            return Refused(
                cause=Cause.BAD_HANDSHAKE,
                status=101,
                reason=f"the gateway's 101 is not a WebSocket handshake: {fault}",
            )
        return Passed(trailing=outcome.trailing)

    def _fault(self, head: Head) -> str:
        """What RFC 6455 section 4.1 finds wrong with a 101, or nothing."""
        if head.http_version != "1.1":
            return f"expected HTTP/1.1, got HTTP/{head.http_version}"
        if "websocket" not in head.tokens("upgrade"):  # point 2
            return "expected `Upgrade: websocket`"
        if "upgrade" not in head.tokens("connection"):  # point 3
            return "expected `Connection: Upgrade`"
        accepts = head.values("sec-websocket-accept")  # point 4
        if len(accepts) != 1:
            return f"expected one Sec-WebSocket-Accept, got {len(accepts)}"
        if accepts[0] != self._accept:
            return "Sec-WebSocket-Accept does not answer the key that was sent (a cache between?)"
        extensions = head.members("sec-websocket-extensions")  # point 5
        if extensions:
            if self._deflate is None:
                return "it uses an extension, and none was offered"
            fault = self._deflate.agree(", ".join(extensions))
            if fault:
                return fault
        if head.values("sec-websocket-protocol"):  # point 6
            return "it uses a subprotocol, and none was offered"
        return ""

    def _refusal(self, answered: Answered | Broken) -> Refused:
        if isinstance(answered, Broken):
            return Refused(cause=Cause.BAD_HANDSHAKE, reason=f"the gateway: {answered.reason}")
        status = answered.head.status
        if status in {401, 403}:
            cause = Cause.AUTHENTICATION
            hint = (
                "; check that the key is the one of this gateway's account (sk_sandbox_… or "
                "sk_prod_…), that it is still active, and that software-house-id is the one from "
                "Dojo"
            )
        elif status in _RETRYABLE or status // 100 == 5:
            cause, hint = Cause.UNAVAILABLE, ""
        else:
            cause, hint = Cause.REJECTED, ""
            if status in {404, 405, 426}:
                hint = "; check that `url` is the gateway's"
            elif 300 <= status < 400:
                # RFC 6455 section 4.1 would allow to follow it; a key must not follow a redirect.
                hint = "; redirects are not followed"
        quote = answered.quote(self._secret)
        return Refused(
            cause=cause,
            status=status,
            reason=f"the gateway refused the upgrade with status {status}{hint}{quote}",
            retry_after=answered.head.retry_after,
        )
