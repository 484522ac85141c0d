"""The demonstration shows what it claims, and says so when it cannot."""

import sys
from collections.abc import Sequence
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any
from unittest.mock import Mock

import pytest

from dojo_adapters.runtimes import RUNTIMES, RuntimeNotInstalled
from dojo_proto import LocalProtocolError
from dojo_proto.contract import Order
from dojo_proto.events import RetryScheduled
from dojo_simulator.demo import demonstrate, play
from dojo_simulator.demo.report import Line, Outcome, Report, verdict
from dojo_simulator.demo.steps import SCENES, Run, Scene, Step
from dojo_simulator.demo.visit import Heard, Unexpected, Visit, expect
from dojo_simulator.errors import WaitTimedOut
from dojo_simulator.restaurant import ledger, payments
from dojo_simulator.restaurant.database import Books

VISIT = [
    "SearchOrdersV1",
    "GetOrderByIdV1",
    "CreateOrderLockV1",
    "RecordOrderPaymentByIdV1",
    "RecordOrderPaymentByIdV1",
    "ExtendOrderLockV1",
    "GetOrderBillByIdV1",
    "DeleteOrderLockV1",
]


def shown(*runtimes: str, **options: Any) -> tuple[bool, str]:
    out = StringIO()
    passed = demonstrate(runtimes, out, **options)
    return passed, out.getvalue()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_step_passes_on_every_runtime(runtime: str) -> None:
    passed, text = shown(runtime)
    assert passed, text
    lines = text.splitlines()
    assert f"on {runtime}, " in lines[0]
    steps = [line.split() for line in lines if " ms " in line]
    assert len(steps) == sum(len(scene.steps) for scene in SCENES)
    assert [step[2] for step in steps][1 : 1 + len(VISIT)] == VISIT
    assert {step[1] for step in steps} == {"ok"}
    assert [float(step[0]) for step in steps] == sorted(float(step[0]) for step in steps)
    assert lines[-1].startswith(f"{runtime}: {len(steps)} passed in ")
    assert "\x1b" not in text


def test_a_restaurant_that_books_twice_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = payments.is_booked

    def booking_again(books: Books, order_id: str, intent: str) -> bool:
        booked = asked(books, order_id, intent)
        if booked:
            ledger.book_payment(books, order_id, intent=None, paid=1400)
        return booked

    monkeypatch.setattr(payments, "is_booked", booking_again)
    passed, text = shown("threads")
    assert not passed
    failed = [line.split("  ")[3] for line in text.splitlines() if "  FAIL  " in line]
    assert failed == ["retry, same id", "retry, new id", "the restaurant's books"]
    assert "expected  14.00 GBP\n" in text
    assert "came      28.00 GBP\n" in text
    assert "threads: 15 passed, 3 failed in" in text


def test_a_restaurant_that_answers_otherwise_than_the_vendor_wants_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show = ledger.show

    def without_total(books: Books, row: ledger.OrderRow) -> Order:
        order = show(books, row)
        order.total_amount = None
        return order

    monkeypatch.setattr(ledger, "show", without_total)
    passed, text = shown("threads")
    assert not passed
    assert "expected  the vendor's shape\n" in text
    assert "came      KeyError: 'totalAmount'\n" in text


def test_all_runtimes_are_shown_before_one_that_is_missing_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "trio", None)
    monkeypatch.delitem(sys.modules, "dojo_adapters.trio", raising=False)
    out = StringIO()
    with pytest.raises(RuntimeNotInstalled, match=r"pip install 'dojo-proto\[trio\]'"):
        demonstrate(["trio", "threads"], out, scenes=SCENES[:1])
    *_, title, first, second = out.getvalue().splitlines()
    assert title == "In all"
    assert first == "trio: not shown, since it is not installed"
    assert second.startswith("threads: 1 passed in ")


# How steps are played.


def passes(_: Visit) -> str:
    return "as it should"


def fails(_: Visit) -> str:
    expect("the sum", 3, 4)
    raise AssertionError


def times_out(_: Visit) -> str:
    raise WaitTimedOut("no answer within 5 s")


def breaks(_: Visit) -> str:
    raise LocalProtocolError("it was never started")


def played(*steps: tuple[Run, Sequence[Run]]) -> tuple[dict[Outcome, int], list[str]]:
    out = StringIO()
    scene = Scene(
        title="a scene",
        steps=tuple(Step(name=run.__name__, run=run, needs=tuple(needs)) for run, needs in steps),
    )
    counts = play([scene], Mock(spec=Visit), Report(out, {}), began=0.0)
    return dict(counts), [line.strip() for line in out.getvalue().splitlines()]


def test_a_step_that_fails_says_what_was_expected_and_what_came() -> None:
    counts, lines = played((fails, []), (passes, []))
    assert counts == {Outcome.FAILED: 1, Outcome.PASSED: 1}
    assert lines[3:6] == ["the sum", "expected  4", "came      3"]
    assert lines[6].endswith("as it should")


@pytest.mark.parametrize(
    ("run", "came"), [(times_out, "no answer within 5 s"), (breaks, "it was never started")]
)
def test_what_the_library_raises_fails_the_step(run: Run, came: str) -> None:
    counts, lines = played((run, []))
    assert counts == {Outcome.FAILED: 1}
    assert lines[-1] == f"came      {came}"


def test_a_step_is_left_out_if_what_it_builds_on_has_failed() -> None:
    counts, lines = played((fails, []), (passes, [fails]), (breaks, [passes]))
    assert counts == {Outcome.FAILED: 1, Outcome.SKIPPED: 2}
    assert lines[-1].endswith("breaks                                what it builds on has failed")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.SKIPPED])
def test_it_has_passed_only_if_every_step_has(outcome: Outcome) -> None:
    counts = dict.fromkeys(Outcome, 0) | {Outcome.PASSED: 5}
    assert verdict(counts) is Outcome.PASSED
    assert verdict(counts | {outcome: 1}) is Outcome.FAILED


def test_an_event_that_never_comes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dojo_simulator.demo.visit.PATIENCE", 0.01)
    with pytest.raises(Unexpected) as caught:
        Heard().wait(RetryScheduled)
    assert caught.value.fault.expected == "RetryScheduled"


# How it looks.


class Terminal(TextIOWrapper):
    """A terminal of the given encoding."""

    def __init__(self, encoding: str) -> None:
        self.bytes = BytesIO()
        super().__init__(self.bytes, encoding=encoding)

    def isatty(self) -> bool:
        return True


def painted(environ: dict[str, str], encoding: str = "utf-8") -> str:
    out = Terminal(encoding)
    line = Line(at=1.5, outcome=Outcome.PASSED, name="stop", took=0.002, said="closed")
    Report(out, environ).step(line)
    return out.bytes.getvalue().decode(encoding)


def test_a_terminal_gets_colours_and_signs() -> None:
    assert "\x1b[32m✓\x1b[0m  stop " in painted({})


def test_a_terminal_that_has_no_such_sign_gets_a_word() -> None:
    assert "\x1b[32mok  \x1b[0m  stop " in painted({}, "ascii")


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_user_who_wants_no_colours_gets_none(environ: dict[str, str]) -> None:
    assert painted(environ) == f"  1.500  ok    stop{' ' * 22}    2.0 ms  closed\n"


def test_an_empty_no_color_does_not_count() -> None:
    assert "\x1b" in painted({"NO_COLOR": ""})
