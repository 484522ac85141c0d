"""The way through a proxy: HTTP CONNECT (RFC 9110 section 9.3.6)."""

from base64 import b64encode

from dojo_proto.address import Address
from dojo_proto.events import Cause
from dojo_proto.exchange import Answered, Broken, Exchange, Switched
from dojo_proto.stage import ClientStage, Passed, Refused, StageOutcome


class Tunnel(ClientStage):
    """A stage of a connection: asks `proxy` for a tunnel to `address`."""

    __slots__ = ("_name", "_secrets")

    def __init__(self, *, proxy: Address, address: Address, max_header_size: int) -> None:
        self._name = f"the proxy {proxy.authority}"
        headers = [("Host", address.authority)]
        self._secrets: tuple[str, ...] = ()
        if proxy.userinfo:
            token = b64encode(proxy.userinfo.encode()).decode("ascii")
            self._secrets = (token, proxy.userinfo, proxy.userinfo.partition(":")[2])
            headers.append(("Proxy-Authorization", f"Basic {token}"))  # RFC 7617
        exchange = Exchange(
            method="CONNECT",
            target=address.authority,
            headers=headers,
            max_header_size=max_header_size,
        )
        super().__init__(exchange, f"{self._name} did not answer CONNECT in time")

    def _switched(self, outcome: Switched) -> StageOutcome:
        if outcome.trailing:
            # TLS and HTTP/1.1 both let the client speak first.
            return Refused(
                cause=Cause.PROXY_REFUSED,
                reason=f"{self._name} sent {len(outcome.trailing)} bytes after it opened the "
                "tunnel, before anything was asked through it",
            )
        return Passed()

    def _refusal(self, answered: Answered | Broken) -> Refused:
        if isinstance(answered, Broken):
            return Refused(cause=Cause.PROXY_REFUSED, reason=f"{self._name}: {answered.reason}")
        status = answered.head.status
        hint = ""
        if status == 407 and self._secrets:  # RFC 9110 section 15.5.8
            hint = "; it does not take the credentials in the proxy's URL"
        elif status == 407:
            hint = (
                "; it wants credentials: put them into the proxy's URL (HTTPS_PROXY or the setting "
                "`proxy`), http://user:password@host:port"
            )
        return Refused(
            cause=Cause.PROXY_REFUSED,
            status=status,
            reason=f"{self._name} refused CONNECT with status {status}{hint}"
            f"{answered.quote(*self._secrets)}",
            retry_after=answered.head.retry_after,
        )
