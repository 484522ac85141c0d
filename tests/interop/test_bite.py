"""Planted defects of this side's. Each has to be found by what the other tests here do."""

import ssl
from collections.abc import Sequence

import pytest
from tests.adapters.life_stories.tills import Till
from tests.interop import foreign
from tests.interop.foreign import ForeignGateway
from tests.interop.nginx import PATIENT, Nginx
from tests.interop.servers.catalogue import PINGING, SERVERS
from tests.interop.test_nginx import test_a_payment_outlives_a_reload as through_a_reload
from tests.interop.test_wire import expect_answer
from tests.interop.visiting import served, settings, visit

from dojo_proto import Epos
from dojo_proto.deflate import Deflate
from dojo_proto.framing import Framing
from dojo_proto.journal import Found, JournalError
from dojo_proto.memory import MemoryJournal
from dojo_proto.work import Begin, JournalStep
from dojo_simulator.demo import steps as demo_steps
from dojo_simulator.demo import visit as demo_visit
from dojo_simulator.errors import ConnectionEnded, WaitTimedOut

BRIEFLY = 0.3
"""Seconds to wait for what will not come."""

behind_nginx = pytest.mark.parametrize("server", ["websockets"], indirect=True)


# aiohttp takes them, whatever RFC 6455 section 5.1 says.
@pytest.mark.parametrize("server", [one for one in SERVERS if one != "aiohttp"], indirect=True)
def test_frames_without_a_mask(
    gateway: ForeignGateway, epos: Epos, monkeypatch: pytest.MonkeyPatch
) -> None:
    framed = Framing._frame

    def unmasked(self: Framing, first: int, payload: bytes) -> bytes:
        self._client = False
        return framed(self, first, payload)

    monkeypatch.setattr(Framing, "_frame", unmasked)
    with (
        served("asyncio", epos, settings(f"{gateway.url}/epos")),
        pytest.raises(ConnectionEnded),
    ):
        expect_answer(gateway)


def test_compressed_messages_that_do_not_say_so(
    gateway: ForeignGateway, epos: Epos, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress = Deflate.compress
    monkeypatch.setattr(
        Framing, "_message", lambda self, payload: (1, compress(self._deflate, payload))
    )
    with (
        served("asyncio", epos, settings(f"{gateway.url}/epos", compression=True)),
        pytest.raises(ConnectionEnded),
    ):
        expect_answer(gateway)


@pytest.mark.parametrize("server", PINGING, indirect=True)
def test_pongs_with_another_payload(
    gateway: ForeignGateway, epos: Epos, monkeypatch: pytest.MonkeyPatch
) -> None:
    pong = Framing.pong
    monkeypatch.setattr(Framing, "pong", lambda self, _payload: pong(self, b"another"))
    monkeypatch.setattr(foreign, "PATIENCE", BRIEFLY)
    with served("asyncio", epos, settings(f"{gateway.url}/epos")):
        connection = gateway.wait_for_epos(5.0)
        with pytest.raises(WaitTimedOut, match="there was no pong"):
            connection.ping()


@behind_nginx
def test_an_alpn_that_offers_http2(
    proxied: ForeignGateway, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = ssl.SSLContext.set_alpn_protocols
    monkeypatch.setattr(
        ssl.SSLContext, "set_alpn_protocols", lambda self, names: offer(self, ["h2", *names])
    )
    for module in (demo_steps, demo_visit):
        monkeypatch.setattr(module, "PATIENCE", BRIEFLY)
    said = visit("asyncio", proxied, settings(proxied.url + PATIENT), trusting)
    assert "no EPOS connected" in said


@behind_nginx
def test_a_journal_that_forgets(
    proxied: ForeignGateway,
    *,
    epos: Epos,
    till: Till,
    trusting: ssl.SSLContext,
    nginx: Nginx,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    perform = MemoryJournal.perform

    def forget(
        self: MemoryJournal, steps: Sequence[JournalStep]
    ) -> list[Found | JournalError | None]:
        if any(isinstance(step, Begin) for step in steps):
            self.close()
        return perform(self, steps)

    monkeypatch.setattr(MemoryJournal, "perform", forget)
    with pytest.raises(AssertionError, match="pi_1"):
        through_a_reload("asyncio", proxied, epos=epos, till=till, trusting=trusting, nginx=nginx)
    assert till.booked == ["pi_1", "pi_1"]
