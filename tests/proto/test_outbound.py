"""What leaves a connection first, and how far messages have got."""

from dojo_proto.framing import Framing
from dojo_proto.keepalive import CONFIRM_AFTER, Keepalive
from dojo_proto.outbound import MAX_PINGS, Outbound

INTERVAL = 20.0
ALL = 1 << 20

framing = Framing(client=False, entropy=bytes, max_message_size=1000)


def outbound() -> tuple[Outbound, Keepalive]:
    alive = Keepalive(interval=INTERVAL, pong_timeout=10.0, now=0.0)
    return Outbound(alive), alive


def test_control_frames_leave_before_messages_and_a_close_behind_them() -> None:
    waiting, _ = outbound()
    waiting.put(framing.text(b"1"), confirm=False)
    waiting.put(framing.text(b"2"), confirm=False)
    waiting.close = 1000, ""
    waiting.ping = b"ping"
    waiting.pong(b"pong")
    assert waiting.take(framing, ALL, 0.0) == b"".join(
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


def test_a_message_that_needs_no_proof_brings_none() -> None:
    waiting, alive = outbound()
    waiting.put(b"answer", confirm=False)
    waiting.take(framing, ALL, 5.0)
    alive.sent(24.0)
    alive.received(24.0)
    assert alive.next_timer() == 24.0 + INTERVAL


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
