"""The calls under way, found by their names, and the rows that are open."""

from itertools import count

import msgspec

from dojo_proto.call import Call, Waiter
from dojo_proto.contract import BY_NAME
from dojo_proto.handlers import Handler
from dojo_proto.journal import Identity
from dojo_proto.table import Table

PAY = Handler(
    method=BY_NAME["RecordOrderPaymentById"],
    function=lambda _ctx, _params: None,
    is_async=False,
    decode=msgspec.json.decode,
)
_numbers = count(1)


def a_call(key: str = "", repeat: str = "", *, ticket: str = "") -> Call:
    """A payment by these names; without any, a read."""
    call = Call(next(_numbers), PAY, [Waiter(1, b"1", 0.0, None)], 0.0, 0.0, {}, b"{}")
    call.ticket = ticket
    if key or repeat:
        call.identity = Identity(key=key, repeat=repeat, content="c", amounts="a")
    return call


def test_a_call_is_found_by_its_key_and_by_its_id_with_content() -> None:
    table = Table()
    call = a_call("k", "r")
    table.know(call)
    assert table.same(a_call("k", "other")) is call
    assert table.same(a_call("other", "r")) is call
    assert table.same(a_call("other", "other")) is None
    assert table.same(a_call("", "")) is None


def test_a_read_is_known_to_nobody() -> None:
    table = Table()
    read = a_call()
    table.know(read)
    assert (len(table), table.same(read)) == (0, None)


def test_one_that_is_over_is_not_found() -> None:
    table = Table()
    call = a_call("k", "r")
    table.know(call)
    table.forget(call)
    assert (len(table), table.same(call)) == (0, None)


def test_what_is_forgotten_leaves_the_name_to_whoever_has_it() -> None:
    table = Table()
    first, second = a_call("k", "r"), a_call("k", "s")
    table.know(first)
    table.know(second)
    table.forget(first)
    assert table.same(a_call("k")) is second


def test_the_first_deadline_is_the_tables() -> None:
    table = Table()
    for deadline in (7.0, 5.0, 6.0):
        call = a_call()
        call.deadline = deadline
        table.started[call.number] = call
        table.arm(call)
    table.arm(a_call())
    assert table.deadline == 5.0
    assert [call.deadline for call in table.due(6.0)] == [None, None]
    waiting = a_call()
    waiting.deadline = 6.5
    table.rearm([waiting])
    assert table.deadline == 6.5
    table.due(7.0)
    table.rearm([])
    assert table.deadline is None


def test_a_row_is_unresolved_while_no_call_is_at_it() -> None:
    table = Table()
    table.open_rows = {"begun here": True, "left open": False}
    assert table.unresolved == 2
    call = a_call("k", ticket="begun here")
    table.started[call.number] = call
    assert (table.unresolved, table.in_flight) == (1, 1)
    table.end()
    assert table.unresolved == 2


def test_cut_off_are_the_calls_whose_handler_has_started_here() -> None:
    table = Table()
    table.open_rows = {"begun here": True, "left open": False}
    for ticket in ("begun here", "left open", "kept"):
        call = a_call("k", ticket=ticket)
        table.started[call.number] = call
    assert table.cut_off == 0
    assert [call.ticket for call in table.end()] == ["begun here"]
    assert table.ended
    assert table.cut_off == 1


def test_nobody_waits_when_every_call_has_been_answered() -> None:
    table = Table()
    seen = [table.answered]
    call = a_call()
    table.started[call.number] = call
    seen.append(table.answered)
    call.answered = True
    seen.append(table.answered)
    assert seen == [True, False, True]
