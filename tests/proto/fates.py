"""What becomes of the client's dials."""

from math import inf
from typing import Literal

import msgspec

from dojo_proto.gateway import Gateway


class Fate(msgspec.Struct, frozen=True):
    """What becomes of a dial."""

    socket: Literal["opens", "refused", "hangs"] = "opens"
    status: int = 101
    """Of the gateway's answer to the upgrade; 0 for none."""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    closes_after: float = inf
    """Seconds until the gateway closes, once it is open."""

    def answer(self, gateway: Gateway, now: float) -> None:
        """Have `gateway` answer the upgrade that it was asked for."""
        if self.status == 101:
            gateway.accept(now)
        elif self.status:
            headers = list(self.headers)
            gateway.refuse(self.status, "no", now, headers=headers, body=self.body)


OPENS = Fate()
REFUSED = Fate("refused")
HANGS = Fate("hangs")
