"""The client and the gateway, wired in memory: what happens between two connections."""

import pytest
from tests.proto.fates import HANGS, OPENS, REFUSED, Fate
from tests.proto.wired import Wired

from dojo_proto import Stop
from dojo_proto.errors import AuthenticationError
from dojo_proto.events import (
    AuthenticationRefused,
    Cause,
    Closed,
    Opened,
    RetryScheduled,
    TakenOver,
)

UNAUTHENTICATED = Fate(status=401)
HOUR = 3600.0


# How long it waits.


def test_it_dials_again_after_1_2_4_8_16_30_30_seconds() -> None:
    wired = Wired()
    wired.fate = REFUSED
    wired.start()
    wired.advance(150)
    assert wired.dials == [0, 1, 3, 7, 15, 31, 61, 91, 121]
    assert [closed.cause for closed in wired.seen(Closed)] == [Cause.DIAL_FAILED] * 9
    assert [retry.attempt for retry in wired.seen(RetryScheduled)] == list(range(1, 10))


def test_a_dial_that_hangs_takes_its_ten_seconds_first() -> None:
    wired = Wired()
    wired.fates.extend([HANGS, HANGS])
    wired.start()
    wired.advance(60)
    assert wired.dials == [0, 11, 23]
    assert wired.state == "up"


def test_an_upgrade_that_hangs_has_the_same_ten_seconds() -> None:
    wired = Wired()
    wired.fates.append(Fate(status=0))
    wired.start()
    wired.advance(60)
    assert wired.dials == [0, 11]
    assert wired.seen(Closed)[0].cause is Cause.OPEN_TIMEOUT


def test_a_machine_that_slept_through_the_wait_dials_when_it_wakes_up() -> None:
    wired = Wired()
    wired.fates.append(REFUSED)
    wired.start()
    wired.sleep(HOUR)
    assert wired.dials == [0, HOUR]
    assert wired.state == "up"


def test_tills_that_lost_the_same_gateway_do_not_come_back_in_step() -> None:
    dials = []
    for chance in (0.0, 0.3, 0.9):
        wired = Wired(jitter=0.5, uniform=lambda chance=chance: chance)  # type: ignore[misc] # mypy infers no default
        wired.fate = REFUSED
        wired.start()
        wired.advance(10)
        dials.append(wired.dials[1])
    assert dials == pytest.approx([1.0, 0.85, 0.55])


def test_retry_after_is_a_floor() -> None:
    wired = Wired()
    wired.fates.append(Fate(status=503, headers=(("Retry-After", "42"),)))
    wired.start()
    wired.advance(41.9)
    assert wired.state == "waiting"
    wired.advance(0.1)
    assert wired.state == "up"
    assert wired.seen(Closed)[0].retry_after == 42


def test_retry_after_is_cut_down_to_five_minutes() -> None:
    wired = Wired()
    wired.fates.append(Fate(status=503, headers=(("Retry-After", "86400"),)))
    wired.start()
    wired.advance(301)
    assert wired.dials == [0, 300]


def test_a_rejection_waits_at_the_cap_and_quotes_the_gateway() -> None:
    wired = Wired()
    wired.fates.append(Fate(status=410, body=b"this endpoint has moved"))
    wired.start()
    wired.advance(31)
    assert wired.dials == [0, 30]
    closed = wired.seen(Closed)[0]
    assert (closed.cause, closed.status) == (Cause.REJECTED, 410)
    assert closed.reason == (
        'the gateway refused the upgrade with status 410: "this endpoint has moved"'
    )


def test_a_connection_that_was_stable_starts_the_delays_again() -> None:
    wired = Wired()
    wired.fates.extend([REFUSED, REFUSED, REFUSED])
    wired.start()
    wired.advance(7)
    assert wired.dials == [0, 1, 3, 7]
    wired.advance(29)
    wired.drop()
    wired.advance(10)
    assert wired.dials[4:] == [36 + 8]
    wired.advance(30)
    wired.drop()
    wired.advance(5)
    assert wired.dials[5:] == [76 + 1]


# A gateway that closes.


def test_accept_then_close_is_no_hot_loop() -> None:
    wired = Wired()
    wired.fate = Fate(closes_after=0)
    wired.start()
    wired.advance(HOUR)
    assert wired.dials[:5] == [0, 1, 3, 33, 63]
    assert len(wired.dials) <= 3 + HOUR / 30
    assert len(wired.seen(Opened)) == len(wired.seen(Closed)) == len(wired.dials)


def test_accept_then_drop_is_no_hot_loop_either() -> None:
    wired = Wired().open()
    while wired.now < 1000 + HOUR:
        wired.drop()
        wired.advance(30)
    assert len(wired.dials) <= 6 + HOUR / 30


def test_three_closes_within_a_minute_of_opening_are_a_take_over() -> None:
    wired = Wired()
    wired.fate = Fate(closes_after=59)
    wired.start()
    wired.advance(3 * 60)
    assert wired.dials == [0, 60, 120]
    [alarm] = wired.seen(TakenOver)
    assert "is another process serving" in alarm.reason
    wired.advance(29)
    assert wired.dials[3:] == [120 + 59 + 30]


def test_closes_after_more_than_a_minute_are_none() -> None:
    wired = Wired()
    wired.fate = Fate(closes_after=61)
    wired.start()
    wired.advance(HOUR)
    assert wired.seen(TakenOver) == []
    assert len(wired.dials) == HOUR // 62 + 1


# A key that is refused.


def test_a_key_that_is_refused_at_first_stops_the_service() -> None:
    wired = Wired()
    wired.fate = UNAUTHENTICATED
    wired.start()
    action = wired.client.next_action()
    assert isinstance(action, Stop)
    assert isinstance(action.error, AuthenticationError)
    assert action.error.status == 401
    assert "check that the key is the one of this gateway's account" in str(action.error)
    wired.advance(HOUR)
    assert wired.dials == [0]
    assert wired.seen(RetryScheduled) == []


def test_a_key_that_was_taken_before_is_retried_at_the_cap_with_an_alarm() -> None:
    wired = Wired().open()
    wired.fates.extend([UNAUTHENTICATED, UNAUTHENTICATED])
    wired.drop()
    wired.advance(62)
    assert wired.dials == [0, 1, 31, 61]
    assert [alarm.status for alarm in wired.seen(AuthenticationRefused)] == [401, 401]
    assert wired.state == "up"


def test_always_retries_from_the_first() -> None:
    wired = Wired(auth_retry="always")
    wired.fates.append(UNAUTHENTICATED)
    wired.start()
    wired.advance(30)
    assert wired.dials == [0, 30]
    assert wired.state == "up"


def test_never_stops_even_after_success() -> None:
    wired = Wired(auth_retry="never").open()
    wired.fate = UNAUTHENTICATED
    wired.drop()
    wired.advance(1)
    action = wired.client.next_action()
    assert isinstance(action, Stop)
    assert isinstance(action.error, AuthenticationError)


def test_a_refusal_whose_body_never_ends_is_judged_at_the_deadline() -> None:
    wired = Wired()
    wired.fates.append(Fate(status=0))
    wired.start()
    assert wired.link is not None
    head = b"HTTP/1.1 401 No\r\nContent-Length: 1000\r\n\r\nso far"
    wired.client.receive_data(wired.link, head, wired.now)
    assert wired.state == "opening"
    wired.advance(10)
    action = wired.client.next_action()
    assert isinstance(action, Stop)
    assert isinstance(action.error, AuthenticationError)


# Whatever happens.


def test_every_dial_ends_in_exactly_one_closed() -> None:
    wired = Wired()
    fates = [REFUSED, HANGS, Fate(status=0), Fate(status=503), Fate(closes_after=1), OPENS]
    wired.fates.extend(fates)
    wired.start()
    wired.advance(120)
    wired.drop()
    wired.advance(1)
    wired.stop()
    assert [closed.link for closed in wired.seen(Closed)] == [1, 2, 3, 4, 5, 6, 7]
    assert [closed.cause for closed in wired.seen(Closed)] == [
        Cause.DIAL_FAILED,
        Cause.OPEN_TIMEOUT,
        Cause.OPEN_TIMEOUT,
        Cause.UNAVAILABLE,
        Cause.PEER_CLOSED,
        Cause.LOST,
        Cause.STOPPED,
    ]
