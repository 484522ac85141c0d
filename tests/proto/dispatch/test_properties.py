"""Whatever happens, in whatever order: money is neither lost nor doubled, and nothing is left over.

A model till knows what is booked. Its handlers raise a DomainError only when nothing is booked, its
lookup tells the truth, and its process may die at any time; the journal survives.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.proto.till import an_order

from dojo_proto.call import Phase
from dojo_proto.errors import Conflict, UnexpectedError
from dojo_proto.journal import Verdict
from dojo_proto.work import Abort, Begin, Cancel, Commit, Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Till

ANY_HANDLER = st.sampled_from(["done", "done and raised", "raised", "refused", "failed"])
ANY_JOURNAL = st.sampled_from(["works", "works", "works", "fails", "fails but works"])
MANY = st.integers(0, 255)
FEW = st.integers(0, 1)


class Gateway(RuleBasedStateMachine):
    """Sends at random, and lets everything that may happen to a till happen to it."""

    new_till: "type[Till]"
    lookup: bool

    @initialize(is_async=st.booleans())
    def start(self, is_async: bool) -> None:
        self.is_async = is_async
        self.till = self.process()
        self.booked: set[str] = set()
        # Effects of this process's runs, and since when a lock may have been taken.
        self.booked_now: set[str] = set()
        self.locked: dict[str, tuple[float, bool]] = {}
        self.waiting: Counter[Any] = Counter()

    def process(self, **over: Any) -> "Till":
        return self.new_till(
            lookup=self.lookup,
            is_async=self.is_async,
            max_in_flight=3,
            workers=2,
            max_queued=2,
            **over,
        )

    # What the gateway does. An id says what was asked, so that an answer can be judged by it.

    @rule(intent=FEW, number=FEW, amount=FEW)
    def pay(self, intent: int, number: int, amount: int) -> None:
        asked = f"pay {intent} {number}"
        self.waiting[asked] += 1
        self.till.pay(asked, intent=str(intent), amount=amount)

    @rule(lock=FEW, number=FEW)
    def lock(self, lock: int, number: int) -> None:
        asked = f"lock {lock} {number}"
        self.waiting[asked] += 1
        self.till.lock(asked, lock=str(lock))

    @rule(number=MANY)
    def read(self, number: int) -> None:
        asked = f"read {number} {self.waiting.total()}"
        self.waiting[asked] += 1
        self.till.read(asked)

    def reconnect(self) -> None:
        self.waiting.clear()
        self.till.reconnect()

    # What the till does.

    def runs(self) -> list[Run]:
        return [work for work in self.till.collect() if isinstance(work, Run)]

    def steps(self) -> list[Begin | Commit | Abort]:
        return [w for w in self.till.collect() if isinstance(w, Begin | Commit | Abort)]

    @precondition(lambda self: self.runs())
    @rule(which=MANY, how=ANY_HANDLER)
    def handle(self, which: int, how: str) -> None:
        runs = self.runs()
        run = runs[which % len(runs)]
        self.till.pending.remove(run)
        kind = run.context.method
        if kind == "GetOrderByIdV1":
            self.handle_read(run, how)
        elif run.call.phase is not Phase.RUNNING:
            self.handle_lookup(run, how)
        elif kind == "CreateOrderLockV1":
            self.handle_lock(run, how)
        else:
            self.handle_payment(run, how)

    def handle_read(self, run: Run, how: str) -> None:
        if how.startswith("done"):
            self.till.returns(an_order(str(run.context.request_id)), run)
        else:
            self.till.raises(RuntimeError(), run)

    def handle_lookup(self, run: Run, how: str) -> None:
        if how == "raised":
            self.till.raises(RuntimeError(), run)
        elif run.context.method == "CreateOrderLockV1":
            since_done = self.locked.get(str(run.call.idempotency_key))
            done = since_done is not None and since_done[1]
            self.till.returns(an_order(run.params["lockId"]) if done else None, run)
        else:
            intent = run.params["paymentIntentId"]
            self.till.returns(an_order(intent) if intent in self.booked else None, run)

    def handle_payment(self, run: Run, how: str) -> None:
        intent = run.params["paymentIntentId"]
        assert intent not in self.booked_now, "it runs again in the process that has booked it"
        if intent in self.booked:
            assert run.context.redelivered, "it may have been booked, and the handler is not told"
            self.till.returns(an_order(intent), run)
            return
        if how.startswith("done"):
            self.book(intent)
        self.finish(run, intent, how)

    def handle_lock(self, run: Run, how: str) -> None:
        name, now = run.context.idempotency_key, self.till.disk.now
        assert not self.locked.get(name, (now, False))[1] or run.context.redelivered
        done = how.startswith("done") or (name in self.locked and self.locked[name][1])
        if done and not how.startswith("done"):
            how = "done and raised"
        self.locked[name] = (now, done)
        self.finish(run, run.params["lockId"], how)

    def finish(self, run: Run, name: str, how: str) -> None:
        match how:
            case "done":
                self.till.returns(an_order(name), run)
            case "refused":
                self.till.raises(Conflict(), run)
            case "failed":
                self.till.raises(UnexpectedError(), run)
            case _:
                self.till.raises(RuntimeError(), run)

    def book(self, intent: str) -> None:
        self.booked.add(intent)
        self.booked_now.add(intent)

    @precondition(lambda self: self.steps())
    @rule(how=ANY_JOURNAL)
    def journal(self, how: str) -> None:
        step = self.steps()[0]  # a store does them in order
        self.till.pending.remove(step)
        if how == "works":
            self.till.step(step)
            return
        fresh = False
        if isinstance(step, Begin) and how == "fails":
            (found,) = self.till.disk.journal.perform([Begin(step.call, step.entry, insert=False)])
            fresh = getattr(found, "verdict", None) is Verdict.FRESH
        self.till.fail(step, fresh=fresh, late=how == "fails but works")

    # What comes between, all of it in one rule, so that it does not come too often.

    @rule(what=st.sampled_from(["wait", "wait", "reconnect", "crash", "crash", "drain"]), how=MANY)
    def disturb(self, what: str, how: int) -> None:
        match what:
            case "wait":
                self.till.wait((0.5, 5.0, 10.0)[how % 3])
            case "reconnect":
                self.reconnect()
            case "crash":
                self.crash(how)
            case _:
                self.till.drain()

    def crash(self, which: int) -> None:
        """The process dies; of the handlers that ran, some had done their work."""
        for bit, run in enumerate(self.runs()):
            if run.call.phase is Phase.RUNNING and which >> bit & 1:
                if run.context.method == "RecordOrderPaymentByIdV1":
                    self.booked.add(run.params["paymentIntentId"])
                elif run.context.method == "CreateOrderLockV1":
                    self.locked[run.context.idempotency_key] = (self.till.disk.now, True)
        self.booked_now.clear()
        self.waiting.clear()
        self.till = self.process(disk=self.till.disk)

    # What has to hold after every step.

    @invariant()
    def answers_are_right(self) -> None:
        for answer in self.till.answers():
            asked = answer["id"]
            self.waiting[asked] -= 1
            assert self.waiting[asked] >= 0, "it was answered twice"
            kind, name, _ = asked.split()
            if "result" in answer:
                assert answer["result"]["id"] == (asked if kind == "read" else name)
            if kind == "pay":
                assert ("result" in answer) == (name in self.booked)

    @invariant()
    def no_timer_stays_in_the_past(self) -> None:
        now = self.till.disk.now
        self.till.dispatch.handle_timer(now)
        timer = self.till.dispatch.next_timer()
        assert timer is None or timer > now

    # In the end, when handlers return and the disk works.

    def settle(self) -> None:
        while self.till.collect():
            if self.steps():
                self.journal("works")
            elif self.runs():
                self.handle(0, "done")
            else:
                self.till.take(Cancel)
            self.answers_are_right()

    def teardown(self) -> None:
        if not hasattr(self, "till"):
            return
        self.settle()
        assert self.till.at_rest()
        if not self.lookup or self.till.dispatch.draining:
            self.crash(0)  # only the next process settles what this one has left open
        self.waiting.clear()  # what was withheld is retried
        for intent in (0, 1):
            self.pay(intent, 9, 0)  # as a refusal is remembered by id
            self.settle()
            assert not +self.waiting, "a retry is never answered"
        assert self.booked == {"0", "1"}
        assert self.till.at_rest()
        assert self.till.dispatch.table.unresolved == 0 or self.lookup


@pytest.mark.parametrize("lookup", [False, True])
def test_money_is_neither_lost_nor_doubled(new_till: "type[Till]", lookup: bool) -> None:
    machine = type("Machine", (Gateway,), {"new_till": new_till, "lookup": lookup})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=100, stateful_step_count=50, deadline=None)
    )
