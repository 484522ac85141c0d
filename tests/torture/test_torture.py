"""The torture is passed by the sample restaurant, and not by tills that break a promise."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from tests.torture.careless import CONSTRAINT
from tests.torture.plan import Payment
from tests.torture.runner import Job, Outcome, torture
from tests.torture.told import Booking, Told, compare

from dojo_simulator.events import Answered, Called, Unasked
from dojo_simulator.restaurant import database, schema

BOUND = 5
"""Short runs within which everything has to happen, and a till that breaks a promise to be found;
the first one is enough where the machine is not too slow to kill it often."""


def short(folder: Path, target: str, journal: str, seed: int = 0) -> Outcome:
    return torture(
        Job(
            runtime="threads",
            payments=500,
            seed=seed,
            seconds=3.0,
            kill_every=0.4,
            target=target,
            journal=journal,
        ),
        folder,
    )


def test_the_books_of_the_sample_restaurant_agree(tmp_path: Path) -> None:
    done = [0, 0, 0, 0, 0]
    for seed in range(BOUND):
        folder = tmp_path / str(seed)
        folder.mkdir()
        one = short(folder, "dojo_simulator.restaurant:epos", "sqlite:{database}", seed)
        assert one.wrongs == []
        came = (one.payments, one.kills, one.drops, one.retries, one.pence)
        done = [sum(each) for each in zip(done, came, strict=True)]
        if all(done):
            return
    pytest.fail(f"of payments, kills, drops, retries and pence something is missing: {done}")


@pytest.mark.parametrize(
    ("till", "says"),
    [
        ("forgetful", "is booked 2 times"),
        ("touchy", "was answered with Conflict, and is booked"),
        ("hasty", "was answered with success, and is not booked"),
    ],
)
def test_a_till_that_breaks_a_promise_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, till: str, says: str
) -> None:
    if till == "forgetful":
        tables = [table.replace(CONSTRAINT, "CHECK (true)") for table in schema.SCHEMA]
        assert tables != list(schema.SCHEMA)
        monkeypatch.setattr(database, "SCHEMA", tables)
    wrongs: list[str] = []
    for seed in range(BOUND):
        folder = tmp_path / str(seed)
        folder.mkdir()
        wrongs += short(folder, f"tests.torture.careless:{till}", "memory:", seed).wrongs
        if any(wrong.endswith(says) for wrong in wrongs):
            return
    pytest.fail(f"not found: {wrongs}")


# What is compared.

PAYMENT = Payment(
    number=1,
    method="RecordOrderPaymentById",
    params={"orderId": "order-1", "paymentIntentId": "pi-1"},
    intent="pi-1",
    paid=100,
    tips=5,
    fits=True,
)
MISFIT = msgspec.structs.replace(PAYMENT, fits=False)
BOOKED = Booking("pi-1", 100, 5)
ORDER = {
    "payments": [
        {"paymentIntentId": "pi-1", "paidAmount": {"value": 100}, "tipsAmount": {"value": 5}}
    ]
}
CONFLICT = {"code": -32009, "errorType": "Conflict"}


def called(connection: int = 1, id: str = "a") -> Called:
    return Called(connection=connection, id=id, method="", params=PAYMENT.params)


def answered(*, connection: int = 1, result: object = None, error: object = None) -> Answered:
    return Answered(
        connection=connection, id="a", method="", seconds=0.0, result=result, error=error
    )


SUCCEEDED = (called(), answered(result=ORDER))
REFUSED = (called(), answered(error=CONFLICT))


def test_what_was_booked_once_and_answered_so_is_right() -> None:
    told = Told([PAYMENT])
    for event in SUCCEEDED:
        told(event)
    assert compare([PAYMENT], told, [BOOKED]) == []


def test_what_was_refused_and_is_not_booked_is_right() -> None:
    told = Told([MISFIT])
    for event in REFUSED:
        told(event)
    assert compare([MISFIT], told, []) == []


def test_an_answer_that_comes_too_late_counts_too() -> None:
    told = Told([PAYMENT])
    told(called())
    late = b'{"jsonrpc": "2.0", "id": "a", "error": {"errorType": "Conflict"}}'.decode()
    told(Unasked(connection=1, message=late))
    assert told.answers[1] == ["Conflict"]


@pytest.mark.parametrize(
    ("payment", "events", "booked", "says"),
    [
        (PAYMENT, (called(),), [], "pi-1: was never answered"),
        (PAYMENT, SUCCEEDED, [], "pi-1: was answered with success, and is not booked"),
        (PAYMENT, SUCCEEDED, [BOOKED, BOOKED], "pi-1: is booked 2 times"),
        (PAYMENT, SUCCEEDED, [Booking("pi-1", 99, 6)], "pi-1: is booked with another amount"),
        (PAYMENT, SUCCEEDED, [BOOKED, Booking("pi-2", 1, 0)], "pi-2: is booked, and nobody"),
        (PAYMENT, SUCCEEDED, [], "the gateway holds 105 pence as paid, and the till 0"),
        (PAYMENT, REFUSED, [], "pi-1: fits, and was refused with Conflict"),
        (PAYMENT, REFUSED, [BOOKED], "pi-1: was answered with Conflict, and is booked"),
        (PAYMENT, (*SUCCEEDED, *REFUSED), [BOOKED], "with success and with Conflict"),
        (MISFIT, SUCCEEDED, [BOOKED], "pi-1: has to be refused, and was not"),
        (
            PAYMENT,
            (called(), answered(result={"payments": []})),
            [BOOKED],
            "pi-1: the answer shows it as not paid",
        ),
        (
            PAYMENT,
            (*SUCCEEDED, answered(result=ORDER)),
            [BOOKED],
            "pi-1: one request was answered more than once",
        ),
        (
            PAYMENT,
            (called(connection=1), answered(connection=2, result=ORDER)),
            [],
            "connection 2: an answer to 'a', which was not asked",
        ),
    ],
)
def test_what_is_wrong_is_named(
    payment: Payment,
    events: Sequence[Called | Answered],
    booked: Sequence[Booking],
    says: str,
) -> None:
    told = Told([payment])
    for event in events:
        told(event)
    assert any(says in wrong for wrong in compare([payment], told, booked))


def test_a_row_of_the_journal_that_stays_open_is_wrong() -> None:
    assert compare([], Told([]), [], open_rows=2) == ["the journal has 2 rows without an outcome"]
