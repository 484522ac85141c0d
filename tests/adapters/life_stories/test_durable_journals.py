"""A journal on the disk: what one service began, the next one knows."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.tills import HELD, Till, order, payment

from dojo_adapters.sqlite import SqliteJournal
from dojo_adapters.sqlite.reading import Record, records
from dojo_proto import Context, Epos, Unresolved
from dojo_proto.errors import JournalInUse
from dojo_proto.events import OutcomeUnknown, RequestStarted
from dojo_proto.journal import JournalError, RowState
from dojo_simulator import ConnectionEnded, LocalGateway

PAY = "RecordOrderPaymentByIdV1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def row(path: Path, intent: str) -> Record:
    (found,) = records(path, intent=intent)
    return found


def test_a_payment_is_not_booked_again_after_a_restart(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway, path: Path
) -> None:
    first = serve(epos, journal=f"sqlite:{path}")
    connection = gateway.wait_for_epos()
    paid = connection.call(PAY, payment("o-1", "pi-1"))
    first.stop()
    serve(epos, journal=f"sqlite:{path}")
    again = gateway.wait_for_epos(after=connection).call(PAY, payment("o-1", "pi-1"))
    assert again.result == paid.result == order("o-1", "pi-1")
    assert till.booked == ["pi-1"]


def test_a_payment_that_was_cut_off_runs_again_and_is_told_so(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway, path: Path
) -> None:
    first = serve(epos, journal=f"sqlite:{path}", drain_timeout=0.05)
    connection = gateway.wait_for_epos()
    paying = connection.start_call(PAY, payment(HELD, "pi-1"))
    till.wait_for_visitor()
    first.stop()  # which the handler, that never returns, does not hold up
    with pytest.raises(ConnectionEnded):
        paying.wait()
    assert row(path, "pi-1").state is RowState.BEGUN
    till.door.set()
    second = serve(epos, journal=f"sqlite:{path}")
    unknown = second.wait_for_event(OutcomeUnknown)
    assert unknown.key == f"RecordOrderPaymentById/{HELD}/pi-1"
    connection = gateway.wait_for_epos(after=connection)
    assert connection.call(PAY, payment(HELD, "pi-1")).error is None
    assert second.wait_for_event(RequestStarted).redelivered
    assert row(path, "pi-1").state is RowState.SUCCEEDED


def test_what_was_cut_off_can_be_settled_before_anybody_asks(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway, path: Path
) -> None:
    @epos.on_unresolved
    def settle(_ctx: Context, unresolved: Unresolved) -> object:
        asked.append(unresolved.parts)
        return order(*unresolved.parts)

    asked: list[tuple[str, ...]] = []
    first = serve(epos, journal=f"sqlite:{path}", drain_timeout=0.05)
    connection = gateway.wait_for_epos()
    connection.start_call(PAY, payment(HELD, "pi-1"))
    till.wait_for_visitor()
    first.stop()
    serve(epos, journal=f"sqlite:{path}")
    connection = gateway.wait_for_epos(after=connection)
    assert connection.call(PAY, payment(HELD, "pi-1")).result == order(HELD, "pi-1")
    assert asked == [(HELD, "pi-1")]
    till.door.set()


def test_at_a_stop_dojo_is_known_to_have_every_answer(
    serve: Serve, epos: Epos, gateway: LocalGateway, path: Path
) -> None:
    service = serve(epos, journal=f"sqlite:{path}")
    gateway.wait_for_epos().call(PAY, payment("o-1", "pi-1"))
    service.stop()
    assert row(path, "pi-1").confirmed_at is not None
    assert service.status().unconfirmed == 0


def test_a_second_service_is_refused_and_the_first_not_disturbed(
    serve: Serve, epos: Epos, gateway: LocalGateway, path: Path
) -> None:
    serve(epos, journal=f"sqlite:{path}")
    connection = gateway.wait_for_epos()
    with pytest.raises(JournalInUse, match="process"):
        serve(epos, journal=f"sqlite:{path}").ready()
    assert connection.call(PAY, payment("o-1", "pi-1")).error is None


def test_the_journal_is_free_when_the_service_has_ended(
    serve: Serve, epos: Epos, path: Path
) -> None:
    for _ in range(3):
        service = serve(epos, journal=f"sqlite:{path}")
        assert service.ready()
        service.abort()


def test_a_journal_that_is_damaged_is_told_of_and_not_held(
    serve: Serve, epos: Epos, path: Path
) -> None:
    SqliteJournal(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE dojo_journal")
    with pytest.raises(JournalError, match="no such table"):
        serve(epos, journal=f"sqlite:{path}").ready()
    SqliteJournal(path).close()  # which raises JournalInUse if it is


def test_a_configuration_that_is_wrong_does_not_hold_the_journal(
    serve: Serve, epos: Epos, path: Path
) -> None:
    with pytest.raises(ValueError, match="handles nothing"):
        serve(Epos("acme-epos"), journal=f"sqlite:{path}").ready()
    assert serve(epos, journal=f"sqlite:{path}").ready()
