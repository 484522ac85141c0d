"""A client's connection: how it is put together, and what is told of its end."""

from collections.abc import Callable
from functools import partial

import msgspec

from dojo_proto.connection import Connection, Ended
from dojo_proto.events import Cause, Closed
from dojo_proto.exchange import redact
from dojo_proto.framing import MESSAGE_TOO_BIG, NO_STATUS_RECEIVED, Framing
from dojo_proto.handshake import Handshake
from dojo_proto.limits import Limits
from dojo_proto.settings import Settings, check_api_key
from dojo_proto.stage import Stage
from dojo_proto.tunnel import Tunnel


def connect(
    settings: Settings,
    *,
    software_house_id: str,
    api_key: str,
    deadline: float,
    entropy: Callable[[int], bytes],
    now: float,
) -> Connection:
    """A connection that asks for the tunnel, if there is a proxy, and then for the upgrade.

    `deadline` is when it has to be open, on the clock of `now`. Raises ConfigurationError for a key
    that cannot be sent.
    """
    deflate = None
    if settings.compression:
        # Here, since wsproto takes long to import.
        from dojo_proto.deflate import Deflate  # noqa: PLC0415

        deflate = Deflate(max_size=settings.max_message_size)
    stages: list[Stage] = [
        Handshake(
            address=settings.address,
            api_key=check_api_key(api_key),
            software_house_id=software_house_id,
            reseller_id=settings.reseller_id,
            deflate=deflate,
            max_header_size=settings.max_header_size,
            entropy=entropy,
        )
    ]
    if settings.proxy_address is not None:
        tunnel = Tunnel(
            proxy=settings.proxy_address,
            address=settings.address,
            max_header_size=settings.max_header_size,
        )
        stages.insert(0, tunnel)
    return Connection(
        stages=stages,
        framing=partial(
            Framing,
            client=True,
            entropy=entropy,
            max_message_size=settings.max_message_size,
            deflate=deflate,
        ),
        limits=Limits(
            open_deadline=deadline,
            close_timeout=settings.close_timeout,
            ping_interval=settings.ping_interval,
            pong_timeout=settings.pong_timeout,
            max_outbound=settings.max_outbound,
        ),
        ends_stream=False,
        entropy=entropy,
        now=now,
    )


def explained(ended: Ended, api_key: str) -> Ended:
    """`ended` with a reason for people, where the reason is the peer's own text or a bare fault.

    The peer's text becomes one printable line, without the key.
    """
    if ended.cause is Cause.PEER_CLOSED:
        code = "without a code" if ended.code == NO_STATUS_RECEIVED else f"with code {ended.code}"
        said = redact(ended.reason, api_key)
        said = "".join(c if c.isprintable() else "?" for c in said)
        reason = f"the gateway closed the connection {code}" + (f': "{said}"' if said else "")
    elif ended.code == MESSAGE_TOO_BIG and ended.cause is Cause.PROTOCOL_ERROR:
        reason = f"{ended.reason} (max_message_size)"
    elif ended.cause is Cause.PROTOCOL_ERROR:
        reason = f"the gateway broke RFC 6455 (close code {ended.code}): {ended.reason}"
    else:
        return ended
    return msgspec.structs.replace(ended, reason=reason)


def closed(ended: Ended, link: int) -> Closed:
    """What observers hear of it."""
    return Closed(
        link=link,
        cause=ended.cause,
        reason=ended.reason,
        code=ended.code,
        status=ended.status,
        up_for=ended.up_for,
        retry_after=ended.retry_after,
    )
