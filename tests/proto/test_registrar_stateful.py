"""Whatever happens in whatever order, no change is forgotten."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.proto.registrars import DONE, LATER, NEVER, REFUSED, SERVED, Dojo, listed

from dojo_proto import Notice, OrderUpdated, PartyUpdated
from dojo_proto.registrar import Phase
from dojo_proto.rest import Failure, RestOutcome


class AnyOrder(RuleBasedStateMachine):
    """Every change is told after it happened, or counted as dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.dojo = Dojo()
        self.untold: set[Notice] = set()
        self.under_way: Notice | None = None
        self.calling = False

    @rule(id_=st.sampled_from("abc"), kind=st.sampled_from([OrderUpdated, PartyUpdated]))
    def change(self, id_: str, kind: type[OrderUpdated | PartyUpdated]) -> None:
        notice = kind(id_)
        self.dojo.registrar.notify(notice)
        if not self.dojo.registrar.over:
            self.untold.add(notice)

    @rule(up=st.booleans())
    def link(self, *, up: bool) -> None:
        self.dojo.registrar.linked(up=up)

    @precondition(lambda self: self.dojo.registrar.phase is Phase.OFF)
    @rule()
    def register(self) -> None:
        self.dojo.registrar.register(SERVED)

    @precondition(lambda self: not self.calling)
    @rule()
    def call(self) -> None:
        request = self.dojo.registrar.next_request(self.dojo.now)
        self.calling = request is not None
        if request is not None and request.method == "POST":
            body = json.loads(request.body)
            kind = OrderUpdated if body["eventType"] == "OrderUpdated" else PartyUpdated
            (id_,) = body["event"].values()
            self.under_way = kind(id_)
            self.untold.remove(self.under_way)

    @precondition(lambda self: self.calling)
    @rule(outcome=st.sampled_from([DONE, LATER, REFUSED, NEVER, listed(), listed(*SERVED)]))
    def end(self, outcome: RestOutcome) -> None:
        before = self.dojo.registrar.dropped
        notice, self.under_way, self.calling = self.under_way, None, False
        self.dojo.answer(outcome)
        dropped = self.dojo.registrar.dropped > before
        if notice is not None and isinstance(outcome, Failure) and not dropped:
            self.untold.add(notice)

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.dojo.now += seconds
        self.dojo.registrar.handle_timer(self.dojo.now)

    @rule()
    def stop(self) -> None:
        self.dojo.registrar.stop(self.dojo.now)

    @rule()
    def abort(self) -> None:
        self.dojo.registrar.abort()

    @invariant()
    def none_is_forgotten(self) -> None:
        registrar = self.dojo.registrar
        if registrar.over:
            self.untold.clear()
            self.under_way = None
            assert registrar.waiting == 0
            assert registrar.next_timer() is None
        else:
            assert registrar.waiting == len(self.untold) + (self.under_way is not None)

    @invariant()
    def there_is_a_timer_for_what_waits_to_be_tried_again(self) -> None:
        registrar = self.dojo.registrar
        if registrar.registration == "pending" and not registrar.over and not self.calling:
            assert registrar.next_timer() is not None


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40)
