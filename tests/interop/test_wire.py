"""What a visit does not show: pings both ways, large messages, refusals, closes."""

import pytest
from tests.interop.foreign import ForeignGateway
from tests.interop.process import PATIENCE
from tests.interop.servers.bridge import REFUSAL, RETRY_AFTER
from tests.interop.servers.catalogue import PINGING
from tests.interop.visiting import served, settings

from dojo_proto import Epos
from dojo_proto.deflate import Deflate
from dojo_proto.events import Cause, Closed, PingRoundTrip, RetryScheduled

LARGE = "order-ü-" * 40_000
"""The id of an order; it fills some 340 KiB of a request and of its answer, each."""


def expect_answer(gateway: ForeignGateway, order: str = "order-1") -> None:
    reply = gateway.wait_for_epos().call("GetOrderByIdV1", {"orderId": order}, timeout=PATIENCE)
    assert reply.result is not None, reply.error
    assert reply.result["id"] == order


def test_the_server_answers_pings(runtime: str, gateway: ForeignGateway, epos: Epos) -> None:
    with served(runtime, epos, settings(f"{gateway.url}/epos", ping_interval=0.02)) as service:
        service.told(PingRoundTrip, count=3)
        expect_answer(gateway)


@pytest.mark.parametrize("server", PINGING, indirect=True)
def test_the_epos_answers_pings(runtime: str, gateway: ForeignGateway, epos: Epos) -> None:
    with served(runtime, epos, settings(f"{gateway.url}/epos")):
        connection = gateway.wait_for_epos()
        connection.ping()
        connection.ping()
        expect_answer(gateway)


@pytest.mark.parametrize("compression", [False, True], ids=["plain", "deflate"])
def test_large_messages(
    compression: bool,
    runtime: str,
    gateway: ForeignGateway,
    epos: Epos,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compressed: list[int] = []
    compress = Deflate.compress

    def counting(self: Deflate, payload: bytes) -> bytes | None:
        made = compress(self, payload)
        compressed.append(0 if made is None else len(made))
        return made

    monkeypatch.setattr(Deflate, "compress", counting)
    with served(runtime, epos, settings(f"{gateway.url}/epos", compression=compression)):
        for _ in range(2):  # the second one with what the first has left in the window
            expect_answer(gateway, LARGE)
    assert len(compressed) == (2 if compression else 0)
    assert all(0 < size < len(LARGE) // 100 for size in compressed)


@pytest.mark.parametrize(
    ("status", "cause"),
    [(401, Cause.AUTHENTICATION), (404, Cause.REJECTED), (503, Cause.UNAVAILABLE)],
)
def test_a_refused_upgrade(
    status: int, cause: Cause, runtime: str, gateway: ForeignGateway, epos: Epos
) -> None:
    url = f"{gateway.url}/refuse/{status}"
    with served(runtime, epos, settings(url, auth_retry="always", backoff_max=300)) as service:
        closed = service.told(Closed)[0]
        service.told(RetryScheduled, lambda each: each.seconds >= float(RETRY_AFTER))
    assert (closed.cause, closed.status, closed.retry_after) == (cause, status, float(RETRY_AFTER))
    assert REFUSAL in closed.reason


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4000])
def test_a_close(code: int, runtime: str, gateway: ForeignGateway, epos: Epos) -> None:
    with served(runtime, epos, settings(f"{gateway.url}/epos")) as service:
        connection = gateway.wait_for_epos()
        connection.close(code)
        closed = service.told(Closed)[0]
        assert (closed.cause, closed.code) == (Cause.PEER_CLOSED, code)
        gateway.wait_for_epos(after=connection)
        expect_answer(gateway)


def test_a_drop(runtime: str, gateway: ForeignGateway, epos: Epos) -> None:
    with served(runtime, epos, settings(f"{gateway.url}/epos")) as service:
        connection = gateway.wait_for_epos()
        connection.drop()
        assert service.told(Closed)[0].cause in {Cause.LOST, Cause.PEER_CLOSED}
        gateway.wait_for_epos(after=connection)
        expect_answer(gateway)
