"""What a service says of itself, in each state. Both roles are wired; time is virtual."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.proto.fates import HANGS, REFUSED, Fate
from tests.proto.till import Till, payment
from tests.proto.wired import KEY, Wired, counting, plain

from dojo_proto import Client, Status, __version__


def shown(status: Status) -> dict[str, Any]:
    """What a monitor gets."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(status))
    return decoded


def test_before_the_start_there_is_nothing_to_say() -> None:
    assert shown(Wired().client.status()) == {
        "state": "idle",
        "since": None,
        "healthy": False,
        "last_received": None,
        "last_request": None,
        "in_flight": 0,
        "queued": 0,
        "unresolved": 0,
        "cut_off": 0,
        "unconfirmed": 0,
        "last_error": "",
        "registration": "off",
        "notices_waiting": 0,
        "notices_dropped": 0,
        "version": __version__,
    }


@pytest.mark.parametrize(
    ("fate", "state"),
    [(HANGS, "dialing"), (Fate(status=0), "opening"), (Fate(), "up"), (REFUSED, "waiting")],
)
def test_only_an_open_connection_is_healthy(fate: Fate, state: str) -> None:
    wired = Wired()
    wired.fate = fate
    wired.start()
    status = wired.client.status()
    assert (status.state, status.healthy) == (state, state == "up")
    assert status.last_error == ("connection refused" if fate == REFUSED else "")


def test_a_connection_that_is_closing_is_not_healthy() -> None:
    wired = Wired().open()
    assert wired.gateway is not None
    wired.gateway.close(wired.now)
    assert wired.link is not None
    wired.client.receive_data(wired.link, wired.gateway.data_to_send(wired.now), wired.now)
    status = wired.client.status()
    assert (status.state, status.healthy) == ("up", False)


def test_a_service_that_drains_is_not_healthy() -> None:
    wired = Wired().open()
    wired.held.add("SearchOrdersV1")
    wired.call("SearchOrdersV1")
    wired.stop()
    status = wired.client.status()
    assert (status.state, status.healthy, status.in_flight) == ("draining", False, 1)
    wired.finish(wired.holding[0])
    status = wired.client.status()
    assert (status.state, status.healthy, status.in_flight) == ("stopped", False, 0)


def test_times_are_those_of_the_wall() -> None:
    offset = datetime(2026, 2, 27, 12, 0, tzinfo=UTC).timestamp()
    client = Client(
        Till().epos, plain(), entropy=counting(), uniform=lambda: 0.0, wall_offset=offset
    )
    client.start(5.0)
    assert client.status().since == datetime(2026, 2, 27, 12, 0, 5, tzinfo=UTC)
    link = client.dial_succeeded(1, KEY, 6.0)
    assert link is not None
    client.receive_data(link, b"HTTP/1.1 ", 7.5)
    assert client.status().last_received == datetime(2026, 2, 27, 12, 0, 7, 500_000, tzinfo=UTC)


def test_a_wall_clock_that_was_set_is_followed() -> None:
    wired = Wired(observe=True).open()
    before = wired.client.status().since
    wired.client.set_wall_offset(3600.0)
    wired.held.add("SearchOrdersV1")
    wired.call("SearchOrdersV1")
    after = wired.client.status().since
    assert before is not None
    assert after is not None
    assert (after - before).total_seconds() == 3600.0
    assert wired.holding[-1].context.received_at.timestamp() == wired.now + 3600.0


def test_requests_are_counted_while_they_run_and_while_they_wait() -> None:
    wired = Wired(max_in_flight=1, observe=True).open()
    wired.held.add("SearchOrdersV1")
    wired.advance(5)
    for _ in range(3):
        wired.call("SearchOrdersV1")
    status = wired.client.status()
    assert (status.in_flight, status.queued) == (1, 2)
    assert status.last_request == datetime.fromtimestamp(1005, UTC)
    assert status.last_received == datetime.fromtimestamp(1005, UTC)


def test_a_payment_whose_outcome_is_open_stays_in_sight() -> None:
    wired = Wired(Till(lookup=False)).open()
    wired.call("RecordOrderPaymentByIdV1", payment("pi-1"))
    assert wired.client.status().unresolved == 0
    # The handler raises, since the amount is missing, and nothing tells whether it booked.
    wired.call("RecordOrderPaymentByIdV1", {"orderId": "table-7", "paymentIntentId": "pi-2"})
    assert wired.client.status().unresolved == 1


def test_no_value_of_a_request_is_in_it() -> None:
    wired = Wired().open()
    wired.call("RecordOrderPaymentByIdV1", payment("pi-s3cret"))
    assert "s3cret" not in str(shown(wired.client.status()))
    assert "c4nary" not in str(shown(wired.client.status()))
