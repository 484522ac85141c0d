"""How fast time goes: a till's pauses are minutes long, and nobody wants to wait for a check."""

import msgspec

from dojo_proto import Settings

LONGEST_PAUSE = 30.0
"""Seconds between two dials at the most (vendor)."""

_OWN = Settings(api_key="sk_sandbox_check")


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What an EPOS keeps to while it is checked. All times are seconds."""

    scale: float = 1.0
    """How long a second of the vendor's rules lasts: less for an EPOS that is served with pauses
    shortened as much."""
    patience: float = 5.0
    """How long an answer may take."""
    silence: float = 1.0
    """After which a request that may stay unanswered counts as unanswered."""
    lock: float = 1.0
    """How long a lock holds that is to run out: a request or two have to fit in."""
    pong_within: float = 5.0
    """How long the answer to a ping may take (the vendor: a few seconds)."""

    def of(self, seconds: float) -> float:
        """How long that many seconds of the vendor's rules last."""
        return seconds * self.scale

    def settings(self, *, url: str, api_url: str | None) -> Settings:
        """Of an EPOS that is served at this pace, with delays that are exact and can be judged."""
        return Settings(
            api_key=_OWN.api_key,
            url=url,
            api_url=api_url or _OWN.api_url,
            ping_interval=self.of(_OWN.ping_interval),
            backoff_initial=self.of(_OWN.backoff_initial),
            backoff_max=self.of(_OWN.backoff_max),
            stable_after=self.of(_OWN.stable_after),
            jitter=0,
            auth_retry="after-success",
        )
