"""What an adapter is asked to do, and what it says came of it."""

from typing import get_args

import msgspec
import pytest
from tests.proto.stored import entry

from dojo_proto import Context, Epos, work
from dojo_proto.call import Call, Waiter
from dojo_proto.decisions import Keep, Reply
from dojo_proto.journal import Row, RowState
from dojo_proto.unshown import Unshown
from dojo_proto.work import Commit, Returned, Run


@pytest.mark.parametrize("piece", [*get_args(work.Work), *get_args(work.Outcome)])
def test_each_piece_is_frozen(piece: type[msgspec.Struct]) -> None:
    assert piece.__struct_config__.frozen


@pytest.mark.parametrize("piece", set(get_args(work.Work)) - {work.Note})
def test_each_piece_of_work_names_its_call_first(piece: type[msgspec.Struct]) -> None:
    assert piece.__struct_fields__[0] == "call"


def test_what_is_to_be_done_shows_no_values() -> None:
    epos = Epos("acme-epos")
    epos.on("ListAreas")(lambda _ctx, _params: [])
    call = Call(
        1, epos.handlers()["ListAreasV1"], [Waiter(1, b"1", 0.0, None)], 0.0, 0.0, {}, b"{}"
    )
    context = Context(method="ListAreasV1", raw_id=b"1", raw_params=b"{}")
    run = Run(call, print, context, {"name": "Ada"}, is_async=False)
    shown = "Call(method='ListAreasV1', phase='queued')"
    assert repr(run) == f"Run(call={shown})"
    assert run.__rich_repr__() == [("call", call)]
    commit = Commit(call, "ticket-1", RowState.SUCCEEDED, b'{"name":"Ada"}')
    assert repr(commit) == f"Commit(call={shown}, ticket='ticket-1', state='succeeded')"
    assert "Ada" not in repr(commit.__rich_repr__())


@pytest.mark.parametrize(
    "holder",
    [
        Returned({"name": "Ada C4nary"}),
        Reply(b'{"name":"Ada C4nary"}'),
        Keep(RowState.SUCCEEDED, b'{"name":"Ada C4nary"}'),
        Row(entry=entry(), state=RowState.SUCCEEDED, answer=b'{"name":"Ada C4nary"}'),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_nothing_of_a_result_is_shown(holder: Unshown) -> None:
    assert repr(holder) == f"{type(holder).__name__}(…)"
    assert list(holder.__rich_repr__()) == []
