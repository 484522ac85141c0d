"""The sample restaurant's books and its journal, in one transaction where both are one file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from tests.simulator.shop import Json, basket, lock, payment, run

from dojo_adapters import threads
from dojo_adapters.sqlite import SqliteJournal
from dojo_proto import Conflict, Context, Settings, Unresolved
from dojo_proto.journal import Entry, Found, Identity, Verdict
from dojo_proto.work import Begin
from dojo_simulator import LocalGateway
from dojo_simulator.restaurant import Restaurant, epos, unresolved

PAY = "RecordOrderPaymentById"
CALL = cast("Any", None)  # a store does not look at calls


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Restaurant]:
    with Restaurant(tmp_path / "restaurant.db") as till:
        yield till


@pytest.fixture
def journal(till: Restaurant) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(till.path)
    yield journal
    journal.close()


ENTRY = Entry(
    ticket="t1",
    method=PAY,
    identity=Identity(key="k", repeat="r", content="c", amounts="a"),
    idempotency_key="",
    owner="us",
)


def begin(journal: SqliteJournal) -> None:
    journal.perform([Begin(CALL, ENTRY, insert=True)])


def handle(method: str, params: Json, till: Restaurant) -> object:
    """Run a handler as the library does once the journal has begun the request, and no further."""
    handler = epos.handlers()[f"{method}V1"]
    raw = msgspec.json.encode({"headers": {}, **params})
    context = Context(method=f"{method}V1", raw_id=b'"1"', raw_params=raw, state=till, ticket="t1")
    return handler.function(context, handler.decode(raw))


def verdict(journal: SqliteJournal) -> Verdict:
    (found,) = journal.perform([Begin(CALL, ENTRY, insert=False)])
    assert isinstance(found, Found)
    return found.verdict


CHANGES = [
    (PAY, payment("p1", 1000)),
    ("CancelOrderById", {"orderId": "order-1"}),
    ("CreateOrderLock", lock("lock-1")),
    ("DeleteOrderLock", {"orderId": "order-1", "lockId": "lock-1"}),
]


@pytest.mark.parametrize(("method", "params"), CHANGES, ids=[name for name, _ in CHANGES])
def test_what_is_done_is_in_the_journal_before_the_handler_returns(
    till: Restaurant, journal: SqliteJournal, method: str, params: Json
) -> None:
    begin(journal)
    handle(method, params, till)
    assert verdict(journal) is Verdict.SUCCEEDED


def test_what_is_refused_is_in_neither(till: Restaurant, journal: SqliteJournal) -> None:
    params = payment("p1", 10**6)
    begin(journal)
    with pytest.raises(Conflict):
        handle(PAY, params, till)
    assert verdict(journal) is Verdict.BEGUN
    assert till.order("order-1").payments == []


def test_a_journal_in_another_file_hears_of_it_afterwards(till: Restaurant, tmp_path: Path) -> None:
    elsewhere = SqliteJournal(tmp_path / "journal.db")
    params = payment("p1", 1000)
    begin(elsewhere)
    handle(PAY, params, till)
    assert verdict(elsewhere) is Verdict.BEGUN
    assert len(till.order("order-1").payments) == 1
    elsewhere.close()


@pytest.mark.parametrize("journal_of", ["sqlite:{}", "sqlite:{}-journal.db", "memory:"])
def test_it_is_served_with_any_journal(till: Restaurant, journal_of: str) -> None:
    with LocalGateway() as gateway:
        settings = Settings(api_key="sk_sandbox_journal", url=gateway.url)
        journal = journal_of.format(till.path)
        with threads.Runner(epos, settings, journal=journal, state=till) as runner:
            gateway.wait_for_epos()
            for request_id in ("a", "b"):
                reply = gateway.call(PAY, payment("p1", 1000), request_id=request_id)
                assert reply.error is None
            refused = gateway.call(PAY, payment("p2", 10**6))
            assert refused.error is not None
            assert refused.error["errorType"] == "Conflict"
            assert gateway.call("GetOrderById", {"orderId": "order-1"}).error is None
            runner.stop()
    assert len(till.order("order-1").payments) == 1


@pytest.mark.parametrize(
    ("method", "key", "answer"),
    [
        (PAY, "order-1/p1", True),
        (PAY, "order-1/p2", False),
        (PAY, "order-2/p1", False),
        ("CreateOrder", "dojo-1", True),
        ("CreateOrder", "dojo-2", False),
        ("CreateOrderLock", "order-1/lock-1", None),
    ],
)
def test_what_a_crash_has_left_open_is_settled_from_the_books(
    till: Restaurant, method: str, key: str, answer: bool | None
) -> None:
    run(PAY, till, payment("p1", 1000))
    run("CreateOrder", till, basket("dojo-1"))
    context = Context(method=f"{method}V1", raw_id=None, raw_params=b"{}", state=till)
    left = Unresolved(method=method, key=f"{method}/{key}", age=3.0)
    assert unresolved.settle(context, left) is answer
