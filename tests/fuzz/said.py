"""What holds for every text that is made for people of what a peer sent."""

from dojo_proto.stage import Refused

KEY = "sk_sandbox_c4nary"
"""The API key, and what no text may show."""
LONGEST = 2000
"""Characters of an error; a peer's body is quoted, but not all of it."""


def check_text(text: str) -> None:
    """One printable line of bounded length, and no secret in it."""
    assert text, "nothing is said"
    assert text.isprintable(), f"it is not one printable line: {text!r}"
    assert len(text) <= LONGEST, f"{len(text)} characters are said"
    assert KEY not in text, "the key is shown"


def check_wait(seconds: float | None) -> None:
    """What a peer asks to wait is none at all, or some time."""
    assert seconds is None or 0 <= seconds < float("inf"), f"wait for {seconds} s"


def check_refused(refused: Refused) -> None:
    check_text(refused.reason)
    check_wait(refused.retry_after)
