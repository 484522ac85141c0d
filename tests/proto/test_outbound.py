"""What leaves a connection first, and how far messages have got."""

import pytest

from dojo_proto.framing import Framing
from dojo_proto.keepalive import CONFIRM_AFTER, Keepalive
from dojo_proto.outbound import MAX_PINGS, MAX_PONGS, Outbound

INTERVAL = 20.0
ALL = 1 << 20

framing = Framing(client=False, entropy=bytes, max_message_size=1000)


def outbound() -> tuple[Outbound, Keepalive]:
    alive = Keepalive(interval=INTERVAL, pong_timeout=10.0, now=0.0)
    return Outbound(alive), alive


@pytest.mark.parametrize("limit", [1, 2, 7, ALL])
def test_control_frames_leave_before_messages_and_a_close_behind_them(limit: int) -> None:
    waiting, _ = outbound()
    waiting.put(framing.text(b"1"), confirm=False)
    waiting.put(framing.text(b"2"), confirm=False)
    waiting.close = 1000, ""
    waiting.ping = b"ping"
    waiting.pong(b"pong")
    left = b""
    while data := waiting.take(framing, limit, 0.0):
        left += data
    assert left == b"".join(
        [
            framing.pong(b"pong"),
            framing.ping(b"ping"),
            framing.text(b"1"),
            framing.text(b"2"),
            framing.close(1000, ""),
        ]
    )


def test_a_mark_counts_the_frames_up_to_the_end_of_the_message() -> None:
    waiting, _ = outbound()
    assert waiting.put(b"a", confirm=False) == 1
    assert waiting.put(b"bc", confirm=False) == 2
    assert waiting.size() == 3


def test_a_message_is_written_when_more_is_asked_for() -> None:
    waiting, _ = outbound()
    mark = waiting.put(b"answer", confirm=True)
    assert waiting.written < mark
    assert waiting.take(framing, 4, 1.0) == b"answ"
    assert waiting.written < mark
    assert waiting.take(framing, 4, 1.0) == b"er"
    assert waiting.written < mark
    assert waiting.take(framing, 4, 1.0) == b""
    assert waiting.written == mark


def test_a_ping_tells_which_messages_left_before_it() -> None:
    waiting, _ = outbound()
    before = waiting.put(b"before", confirm=True)
    waiting.take(framing, ALL, 1.0)
    waiting.ping = b"ping"
    waiting.put(b"behind", confirm=True)
    waiting.take(framing, ALL, 2.0)
    assert waiting.answered(b"ping") == (2.0, before)


def test_of_a_slow_peer_several_pings_may_be_on_their_way() -> None:
    waiting, _ = outbound()
    marks = []
    for second in (1, 2, 3):
        marks.append(waiting.put(b"answer", confirm=True))
        waiting.take(framing, ALL, second)
        waiting.ping = b"ping %d" % second
        waiting.take(framing, ALL, second)
    assert waiting.answered(b"ping 1") == (1.0, marks[0])
    # RFC 6455 section 5.5.3: the peer may answer only the newest of several.
    assert waiting.answered(b"ping 3") == (3.0, marks[2])
    assert waiting.answered(b"ping 2") is None


def test_the_pong_to_a_ping_leaves_the_pings_behind_it_open() -> None:
    waiting, _ = outbound()
    for second in (1, 2, 3):
        waiting.ping = b"ping %d" % second
        waiting.take(framing, ALL, second)
    assert waiting.answered(b"ping 1") == (1.0, 0)
    assert waiting.answered(b"ping 2") == (2.0, 0)
    assert waiting.answered(b"ping 3") == (3.0, 0)


def test_pings_that_are_never_answered_are_forgotten() -> None:
    waiting, _ = outbound()
    for number in range(MAX_PINGS + 1):
        waiting.ping = b"ping %d" % number
        waiting.take(framing, ALL, number)
    assert waiting.answered(b"ping 0") is None
    assert waiting.answered(b"ping 1") == (1.0, 0)


def test_a_message_to_be_confirmed_brings_a_ping_after_it() -> None:
    waiting, alive = outbound()
    waiting.put(b"answer", confirm=True)
    waiting.put(b"another", confirm=False)
    waiting.take(framing, ALL, 5.0)
    alive.sent(5.5)
    alive.received(5.5)
    assert alive.next_timer() == 5.0 + CONFIRM_AFTER


def test_one_of_many_that_wait_does_not_wait_for_the_last() -> None:
    waiting, alive = outbound()
    waiting.put(b"answer", confirm=True)
    waiting.put(b"another", confirm=True)
    waiting.take(framing, 1, 5.0)
    assert alive.next_timer() == 5.0 + CONFIRM_AFTER


def test_one_that_has_no_room_yet_brings_no_ping() -> None:
    waiting, alive = outbound()
    waiting.put(b"answer", confirm=True)
    pong = framing.pong(b"first")
    waiting.pong(b"first")
    assert waiting.take(framing, len(pong), 5.0) == pong
    alive.received(5.0)
    assert alive.next_timer() == 5.0 + INTERVAL


def test_a_message_that_needs_no_proof_brings_none() -> None:
    waiting, alive = outbound()
    waiting.put(b"answer", confirm=False)
    waiting.take(framing, ALL, 5.0)
    alive.sent(24.0)
    alive.received(24.0)
    assert alive.next_timer() == 24.0 + INTERVAL


def test_where_nothing_waits_nothing_has_left_and_silence_goes_on() -> None:
    waiting, alive = outbound()
    assert waiting.take(framing, ALL, 5.0) == b""
    alive.received(5.0)
    assert alive.next_timer() == INTERVAL


def test_what_has_left_is_unproven_until_the_pong_to_a_later_ping() -> None:
    waiting, _ = outbound()
    mark = waiting.put(b"answer", confirm=True)
    seen = [waiting.unproven]
    waiting.take(framing, ALL, 1.0)
    seen.append(waiting.unproven)
    waiting.ping = b"ping"
    seen.append(waiting.unproven)
    waiting.take(framing, ALL, 2.0)
    seen.append(waiting.unproven)
    assert seen == [False, True, False, False]
    assert waiting.answered(b"other") is None
    assert waiting.answered(b"ping") == (2.0, mark)
    assert waiting.answered(b"ping") is None
    assert not waiting.unproven


def test_what_has_left_does_not_wait() -> None:
    waiting, _ = outbound()
    waiting.put(b"answer", confirm=False)
    assert waiting.size() == len(b"answer")
    waiting.take(framing, ALL, 0.0)
    assert waiting.size() == 0


def test_nothing_is_left_after_the_end() -> None:
    waiting, _ = outbound()
    waiting.put(b"answer", confirm=True)
    waiting.ping = b""
    waiting.pong(b"")
    waiting.close = 1000, ""
    waiting.clear()
    assert waiting.size() == 0
    assert waiting.take(framing, ALL, 0.0) == b""


def test_what_was_cleared_never_counts_as_written() -> None:
    waiting, _ = outbound()
    waiting.put(b"written", confirm=True)
    waiting.take(framing, ALL, 0.0)
    mark = waiting.put(b"cleared", confirm=True)
    waiting.clear()
    for _ in range(2):
        assert waiting.take(framing, ALL, 0.0) == b""
    assert waiting.written == mark - 1


def test_with_little_room_messages_leave_one_by_one() -> None:
    waiting, _ = outbound()
    for frame in (b"first", b"second", b"third"):
        waiting.put(frame, confirm=False)
    seen = []
    while data := waiting.take(framing, 6, 0.0):
        seen.append((data, waiting.size(), waiting.written))
    assert seen == [(b"firsts", 10, 0), (b"econdt", 4, 0), (b"hird", 0, 0)]
    assert waiting.written == 3


def test_no_message_begins_to_leave_before_there_is_room_for_it() -> None:
    waiting, _ = outbound()
    for frame in (b"first", b"second", b"third", b"fourth"):
        waiting.put(frame, confirm=False)
    waiting.take(framing, 6, 0.0)
    waiting.take(framing, 6, 0.0)
    # So what comes now goes between the third, of which a part has left, and the fourth.
    waiting.pong(b"pong")
    assert waiting.take(framing, ALL, 0.0) == b"hird" + framing.pong(b"pong") + b"fourth"


def test_a_ping_that_fills_the_room_lets_no_message_begin() -> None:
    waiting, _ = outbound()
    waiting.ping = b"ping"
    waiting.put(b"answer", confirm=False)
    begun = waiting.take(framing, 1, 0.0)
    waiting.pong(b"pong")
    left = begun + waiting.take(framing, ALL, 0.0)
    assert left == framing.ping(b"ping") + framing.pong(b"pong") + b"answer"


def test_a_pong_that_has_no_room_yet_gives_way_to_newer_ones() -> None:
    waiting, _ = outbound()
    old = [b"old %d" % number for number in range(MAX_PONGS)]
    new = [b"new %d" % number for number in range(MAX_PONGS)]
    for payload in old:
        waiting.pong(payload)
    begun = waiting.take(framing, 1, 0.0)
    for payload in new:
        waiting.pong(payload)
    assert begun + waiting.take(framing, ALL, 0.0) == b"".join(
        framing.pong(payload) for payload in (old[0], *new)
    )
