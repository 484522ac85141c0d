"""A gateway behind nginx, which terminates TLS, times out idle connections, and reloads."""

import ssl

import pytest
from tests.adapters.life_stories.tills import HELD, Till, payment
from tests.interop.foreign import ForeignConnection, ForeignGateway
from tests.interop.nginx import BRIEF, BRIEFLY, NOBODY, PATIENT, Nginx
from tests.interop.process import PATIENCE
from tests.interop.visiting import Served, served, settings, visit

from dojo_proto import Epos
from dojo_proto.events import Cause, Closed, PingRoundTrip
from dojo_simulator.connection import PendingCall
from dojo_simulator.errors import ConnectionEnded

pytestmark = pytest.mark.parametrize("server", ["websockets"], indirect=True)
NEVER = 30.0
"""Seconds between pings, the most that may be set: no test takes as long."""


def ask_to_pay(connection: ForeignConnection) -> PendingCall:
    """Ask for a payment whose handler waits at the till's door."""
    return connection.start_call("RecordOrderPaymentByIdV1", payment(HELD, "pi_1"), request_id="1")


def expect_one_booking(
    till: Till, service: Served, gateway: ForeignGateway, lost: ForeignConnection, call: PendingCall
) -> None:
    """The connection `lost` ends while `call` runs, which is then joined, then answered again."""
    closed = service.told(Closed)[0]
    assert (closed.cause, closed.code) == (Cause.LOST, 1006)
    with pytest.raises(ConnectionEnded):
        call.wait(PATIENCE)
    again = ask_to_pay(gateway.wait_for_epos(after=lost))
    till.door.set()
    reply = again.wait(PATIENCE)
    assert reply.error is None
    assert [each["paymentIntentId"] for each in reply.result["payments"]] == ["pi_1"]
    once_more = ask_to_pay(gateway.wait_for_epos()).wait(PATIENCE)
    assert once_more.result == reply.result
    assert till.booked == ["pi_1"]


def test_the_visit(runtime: str, proxied: ForeignGateway, trusting: ssl.SSLContext) -> None:
    assert visit(runtime, proxied, settings(proxied.url + PATIENT), trusting) == ""


def test_a_payment_outlives_the_idle_timeout(
    runtime: str, proxied: ForeignGateway, epos: Epos, till: Till, trusting: ssl.SSLContext
) -> None:
    chosen = settings(proxied.url + BRIEF, ping_interval=NEVER)
    with served(runtime, epos, chosen, trusting=trusting) as service:
        first = proxied.wait_for_epos()
        call = ask_to_pay(first)
        till.wait_for_visitor()
        expect_one_booking(till, service, proxied, first, call)


def test_pings_keep_an_idle_connection(
    runtime: str, proxied: ForeignGateway, epos: Epos, trusting: ssl.SSLContext
) -> None:
    interval = BRIEFLY / 10
    chosen = settings(proxied.url + BRIEF, ping_interval=interval)
    with served(runtime, epos, chosen, trusting=trusting) as service:
        first = proxied.wait_for_epos()
        service.told(PingRoundTrip, count=round(1.5 * BRIEFLY / interval))
        assert proxied.wait_for_epos() is first
        assert first.ended is None


def test_a_payment_outlives_a_reload(
    runtime: str,
    proxied: ForeignGateway,
    *,
    epos: Epos,
    till: Till,
    trusting: ssl.SSLContext,
    nginx: Nginx,
) -> None:
    with served(runtime, epos, settings(proxied.url + PATIENT), trusting=trusting) as service:
        first = proxied.wait_for_epos()
        call = ask_to_pay(first)
        till.wait_for_visitor()
        nginx.reload()
        expect_one_booking(till, service, proxied, first, call)


def test_traffic_goes_on_through_a_reload(
    runtime: str,
    proxied: ForeignGateway,
    *,
    epos: Epos,
    till: Till,
    trusting: ssl.SSLContext,
    nginx: Nginx,
) -> None:
    asked = 0
    with served(runtime, epos, settings(proxied.url + PATIENT), trusting=trusting):
        first = proxied.wait_for_epos()
        remaining = 20
        while remaining:
            asked += 1
            pay_until_answered(proxied, f"pi_{asked}")
            if asked == 20:
                nginx.reload()
            remaining -= first.ended is not None
    assert till.booked == [f"pi_{number + 1}" for number in range(asked)]


def pay_until_answered(gateway: ForeignGateway, intent: str) -> None:
    """Ask for a payment on one connection after another, until it is answered."""
    params = payment("order-1", intent)
    while True:
        connection = gateway.wait_for_epos()
        try:
            call = connection.start_call("RecordOrderPaymentByIdV1", params, request_id=intent)
            reply = call.wait(PATIENCE)
        except ConnectionEnded:
            continue
        assert reply.error is None, reply.error
        return


def test_a_gateway_that_is_gone(
    runtime: str, proxied: ForeignGateway, epos: Epos, trusting: ssl.SSLContext
) -> None:
    with served(runtime, epos, settings(proxied.url + NOBODY), trusting=trusting) as service:
        closed = service.told(Closed, count=2)[1]
    assert (closed.cause, closed.status) == (Cause.UNAVAILABLE, 502)
    assert "502 Bad Gateway" in closed.reason
