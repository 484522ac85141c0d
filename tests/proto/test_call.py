"""The life of a call: a table of phases, and nothing beside it."""

from itertools import product

import msgspec
import pytest

from dojo_proto.call import TRANSITIONS, Call, Gathering, Phase, Waiter, move
from dojo_proto.contract import BY_NAME
from dojo_proto.errors import LocalProtocolError
from dojo_proto.handlers import Handler


def call() -> Call:
    handler = Handler(
        method=BY_NAME["RecordOrderPaymentById"],
        function=lambda _ctx, _params: None,
        is_async=False,
        decode=msgspec.json.decode,
    )
    return Call(
        1,
        handler,
        [Waiter(7, b'"a"', 12.5, None)],
        12.5,
        12.5,
        {"orderId": "o"},
        b'{"orderId":"o"}',
    )


@pytest.mark.parametrize(("before", "after"), list(product(Phase, Phase)))
def test_a_phase_follows_only_where_the_table_has_a_way(before: Phase, after: Phase) -> None:
    moving = call()
    moving.phase = before
    if after in TRANSITIONS[before]:
        move(moving, after)
        assert moving.phase is after
    else:
        with pytest.raises(
            LocalProtocolError, match=f"{before.value}.*cannot become {after.value}"
        ):
            move(moving, after)
        assert moving.phase is before


def test_every_phase_is_in_the_table_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(Phase)
    reached = {Phase.QUEUED}.union(*TRANSITIONS.values())
    assert reached == set(Phase)


def test_only_the_end_has_no_way_out() -> None:
    assert [phase for phase, ways in TRANSITIONS.items() if not ways] == [Phase.DONE]


def test_a_call_begins_with_the_one_who_sent_it() -> None:
    new = call()
    assert [waiter.link for waiter in new.waiters] == [7]
    assert new.since == 12.5
    assert new.phase is Phase.QUEUED
    assert new.identity is None
    assert [new.answered, new.shed, new.threaded, new.redelivered] == [False] * 4


def test_its_text_shows_no_params() -> None:
    assert repr(call()) == "Call(method='RecordOrderPaymentByIdV1', phase='queued')"
    shown = [("method", "RecordOrderPaymentByIdV1"), ("phase", "queued")]
    assert call().__rich_repr__() == shown


@pytest.mark.parametrize(
    ("request_id", "shown"), [(b'"a"', '"a"'), (b"null", "null"), (None, ""), (b"\xff", "\ufffd")]
)
def test_ids_are_shown_as_json_text(request_id: bytes | None, shown: str) -> None:
    assert Waiter(1, request_id, 0.0, None).shown_id == shown


def test_a_batch_waits_for_itself_until_all_of_it_has_been_read() -> None:
    gathering = Gathering(3)
    assert (gathering.link, gathering.waiting, gathering.answers) == (3, 1, [])
