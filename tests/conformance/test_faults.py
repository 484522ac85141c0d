"""The suite bites: it finds faults that are planted in the library, one for each way to be bad."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.conformance.roles import CLIENT, GATEWAY, play
from tests.conformance.suite import is_installed

from dojo_proto import framing, slow_lane
from dojo_proto.deflate import Deflate
from dojo_proto.framing import Framing
from dojo_proto.slow_lane import SlowLane

Plant = Callable[[], AbstractContextManager[object]]

pytestmark = pytest.mark.skipif(
    not is_installed(), reason="the Autobahn test suite is not here: make conformance installs it"
)


def utf_8_unchecked() -> AbstractContextManager[object]:
    """Whoever reads the message will see what it is."""
    return patch.object(SlowLane, "_check_utf8", lambda *_, **__: None)


def utf_8_checked_at_the_end() -> AbstractContextManager[object]:
    """A message is checked when it is there: before that nobody has read it."""
    check = SlowLane._check_utf8

    def late(self: SlowLane, piece: bytes, *, final: bool) -> None:
        if final:
            check(self, bytes(self._partial) + piece, final=True)

    return patch.object(SlowLane, "_check_utf8", late)


def empty_pongs() -> AbstractContextManager[object]:
    """A pong is a pong."""
    return patch.object(Framing, "pong", lambda self, _: Framing.ping(self, b""))


def silent_close() -> AbstractContextManager[object]:
    """The end of the stream says it all."""
    return patch.object(Framing, "close", lambda *_: b"")


def any_close_code() -> AbstractContextManager[object]:
    """Whatever the code, the peer wants to go."""
    plants = ExitStack()
    for module in (framing, slow_lane):
        plants.enter_context(patch.object(module, "is_sendable_close_code", lambda _: True))
    return plants


def window_too_large() -> AbstractContextManager[object]:
    """A larger window compresses better."""
    enable = Deflate._enable

    def mutant(self: Deflate, parameters: dict[str, str], *, sender: str) -> None:
        enable(self, parameters, sender=sender)
        self._send_bits = 15

    return patch.object(Deflate, "_enable", mutant)


@pytest.mark.parametrize(
    ("role", "plant", "case", "verdict"),
    [
        (CLIENT, utf_8_unchecked, "6.3.1", "failed"),
        (GATEWAY, utf_8_checked_at_the_end, "6.4.2", "non-strict"),
        (GATEWAY, empty_pongs, "2.2", "failed"),
        (CLIENT, silent_close, "7.1.1", "unclean"),
        (GATEWAY, any_close_code, "7.9.1", "failed"),
        (CLIENT, window_too_large, "13.3.4", "failed"),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_a_planted_fault_is_found(
    role: str, plant: Plant, case: str, verdict: str, tmp_path: Path
) -> None:
    with plant():
        planted = play(role, [case], folder=tmp_path)
    assert (planted.verdict(case), planted.bad()) == (verdict, [case])


@pytest.mark.parametrize("role", [CLIENT, GATEWAY])
def test_without_it_nothing_is(role: str, tmp_path: Path) -> None:
    cases = ["2.2", "6.3.1", "6.4.2", "7.1.1", "7.9.1", "13.3.4"]
    assert play(role, cases, folder=tmp_path).bad() == []
