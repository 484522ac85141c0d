"""An EPOS as its author writes it: every mistake is told when it is made."""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import msgspec
import pytest

from dojo_proto.context import Context
from dojo_proto.contract import BY_NAME
from dojo_proto.epos import Epos, expect_epos
from dojo_proto.errors import ConfigurationError

GET = "GetOrderById"
PAY = "RecordOrderPaymentById"
LOCKS = ("CreateOrderLock", "ExtendOrderLock", "DeleteOrderLock")


class Params(msgspec.Struct):
    orderId: str  # noqa: N815 - the vendor's name


def handle(_ctx: Context, _params: dict[str, Any]) -> None:
    """Every handler and lookup of which it does not matter what it does."""


async def handle_async(_ctx: Context, _params: dict[str, Any]) -> None:
    """The same as a task."""


@pytest.fixture
def epos() -> Epos:
    return Epos("acme-epos")


class TestMethods:
    @pytest.mark.parametrize("name", [GET, "GetOrderByIdV1", BY_NAME[GET]])
    def test_by_any_of_its_names(self, epos: Epos, name: Any) -> None:
        @epos.on(name)
        def get(_ctx: Context, _params: dict[str, Any]) -> None:
            """The handler."""

        handler = epos.handlers()["GetOrderByIdV1"]
        assert handler.method is BY_NAME[GET]
        assert handler.function is get

    def test_an_older_name_is_the_same_method(self, epos: Epos) -> None:
        @epos.on("RecordOrderPayment")
        def pay(_ctx: Context, _params: dict[str, Any]) -> None:
            """The handler."""

        assert list(epos.handlers()) == ["RecordOrderPaymentByIdV1"]

    @pytest.mark.parametrize("register", [Epos.on, Epos.lookup])
    def test_a_name_that_is_nearly_right(self, epos: Epos, register: Any) -> None:
        with pytest.raises(
            ConfigurationError,
            match="unknown method 'RecordOrderPaymentByID'; did you mean 'RecordOrderPaymentById'",
        ):
            register(epos, "RecordOrderPaymentByID")

    def test_a_name_that_is_nothing_like_one(self, epos: Epos) -> None:
        with pytest.raises(ConfigurationError, match=r"^unknown method 'xyzzy' \(one that"):
            epos.on("xyzzy")

    def test_the_decorator_without_a_method(self, epos: Epos) -> None:
        bare: Any = epos.on

        def get(_ctx: Context, _params: dict[str, Any]) -> None:
            """The handler."""

        with pytest.raises(ConfigurationError, match=r"as in @epos.on.*got .*get \(line \d+ of"):
            bare(get)
        with pytest.raises(ConfigurationError, match="got 5"):
            bare(5)

    def test_two_handlers_for_one_method(self, epos: Epos) -> None:
        @epos.on(GET)
        def one(_ctx: Context, _params: dict[str, Any]) -> None:
            """The handler."""

        def two(_ctx: Context, _params: dict[str, Any]) -> None:
            """Another."""

        with pytest.raises(ConfigurationError, match=r"GetOrderById has two handlers: .*one.*two"):
            epos.on("GetOrderByIdV1")(two)
        assert epos.handlers()["GetOrderByIdV1"].function is one

    def test_two_lookups_for_one_method(self, epos: Epos) -> None:
        def paid(_ctx: Context, _params: dict[str, Any]) -> None:
            """The lookup."""

        epos.lookup(PAY)(paid)
        with pytest.raises(ConfigurationError, match="RecordOrderPaymentById has two lookups"):
            epos.lookup(PAY)(paid)

    def test_a_lookup_belongs_to_its_handler(self, epos: Epos) -> None:
        def pay(_ctx: Context, _params: dict[str, Any]) -> None:
            """The handler, and here the lookup as well."""

        epos.lookup(PAY)(pay)
        epos.on(PAY)(pay)
        lookup = epos.handlers()["RecordOrderPaymentByIdV1"].lookup
        assert lookup is not None
        assert lookup.function is pay

    def test_a_lookup_without_a_handler(self, epos: Epos) -> None:
        for name in (PAY, "CreateOrder"):
            epos.lookup(name)(lambda _ctx, _params: None)
        with pytest.raises(
            ConfigurationError,
            match=r"no handler for CreateOrderV1, RecordOrderPaymentByIdV1$",
        ):
            epos.handlers()

    def test_a_lookup_for_what_changes_nothing(self, epos: Epos) -> None:
        with pytest.raises(
            ConfigurationError, match=r"whether a change was done, and .* only reads"
        ):
            epos.lookup(GET)

    def test_an_epos_that_handles_nothing(self, epos: Epos) -> None:
        with pytest.raises(ConfigurationError, match="handles nothing"):
            epos.handlers()

    def test_what_it_handles_is_only_read(self, epos: Epos) -> None:
        epos.on(GET)(lambda _ctx, _params: None)
        handlers: Any = epos.handlers()
        with pytest.raises(TypeError):
            handlers["GetOrderByIdV1"] = None


@pytest.mark.parametrize(
    ("software_house_id", "complaint"),
    [("", "expected the id from Dojo, got nothing"), ("a\r\nb", "software_house_id")],
)
def test_the_id_of_the_software_house_has_to_fit_a_header(
    software_house_id: str, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        Epos(software_house_id)


class TestRuntimes:
    @staticmethod
    def threaded(handler: Callable[..., Any], lookup: Callable[..., Any] | None = None) -> bool:
        epos = Epos("acme-epos")
        epos.on(PAY)(handler)
        if lookup is not None:
            epos.lookup(PAY)(lookup)
        return epos.handlers()["RecordOrderPaymentByIdV1"].threaded

    def test_a_thread_is_needed_if_the_handler_or_its_lookup_needs_one(self) -> None:
        class Task:
            async def __call__(self, _ctx: Context, _params: Params) -> None:
                """Runs as a task too."""

        assert self.threaded(handle)
        assert self.threaded(handle_async, handle)
        assert not self.threaded(handle_async)
        assert not self.threaded(handle_async, handle_async)
        assert not self.threaded(Task())
        assert not self.threaded(partial(handle_async))

    @pytest.mark.parametrize("lookup_too", [False, True])
    def test_a_runtime_without_an_event_loop_takes_no_async_def(
        self, epos: Epos, lookup_too: bool
    ) -> None:
        async def coroutine(_ctx: Context, _params: Params) -> None:
            """Runs as a task."""

        epos.on(PAY)(handle if lookup_too else coroutine)
        epos.lookup(PAY)(coroutine)
        with pytest.raises(
            ConfigurationError, match=r"coroutine \(line \d+.*RecordOrderPaymentByIdV1 is async def"
        ):
            epos.check(allow_async=False, journaled=True)
        epos.check(allow_async=True, journaled=True)

    def test_what_changes_state_needs_a_journal(self, epos: Epos) -> None:
        epos.on(GET)(lambda _ctx, _params: None)
        epos.check(allow_async=False, journaled=False)
        epos.on(PAY)(lambda _ctx, _params: None)
        epos.check(allow_async=False, journaled=True)
        with pytest.raises(ConfigurationError, match=r'RecordOrderPaymentByIdV1 .*"memory:"'):
            epos.check(allow_async=False, journaled=False)

    @pytest.mark.parametrize("register", [Epos.on_unresolved, Epos.middleware])
    def test_one_that_fits_is_checked_anew_when_there_is_more(
        self, epos: Epos, register: Callable[[Epos, Any], object]
    ) -> None:
        async def more(ctx: Context, unresolved: Any, proceed: Any = None) -> None:
            """Does not fit: there is no event loop for it, and it is not around what is `def`."""

        epos.on(GET)(lambda _ctx, _params: None)
        epos.check(allow_async=False, journaled=False)
        epos.check(allow_async=False, journaled=False)
        register(epos, more)
        with pytest.raises(ConfigurationError, match="is async def"):
            epos.check(allow_async=False, journaled=False)

    def test_locks_come_together_or_not_at_all(self, epos: Epos) -> None:
        for name in LOCKS[:2]:
            epos.on(name)(handle)
        with pytest.raises(
            ConfigurationError, match="CreateOrderLock, ExtendOrderLock without DeleteOrderLock"
        ):
            epos.check(allow_async=False, journaled=True)
        epos.on(LOCKS[2])(handle)
        epos.check(allow_async=False, journaled=True)


class TestEvents:
    CREATED = "HandleEvent:payment_intent.created"
    WIRE = "HandleEventV1"

    @pytest.mark.parametrize("general", [False, True])
    def test_a_handler_for_one_type(self, epos: Epos, general: bool) -> None:
        epos.on(self.CREATED)(handle_async)
        if general:
            epos.on("HandleEvent")(handle)
        rest = epos.handlers()[self.WIRE]
        created = rest.chosen(b'{"event":"payment_intent.created"}')
        assert (created.function, created.method) == (handle_async, rest.method)
        assert rest.chosen(b'{"event":"tea.time"}') is rest
        assert rest.function is handle if general else rest is not created
        assert rest.function(None, {}) is None

    def test_a_lookup_belongs_to_the_handler_of_the_same_name(self, epos: Epos) -> None:
        for name in ("HandleEvent", self.CREATED):
            epos.on(name)(handle)
        epos.lookup(self.CREATED)(handle_async)
        rest = epos.handlers()[self.WIRE]
        lookup = rest.chosen(b'{"event":"payment_intent.created"}').lookup
        assert lookup is not None
        assert lookup.function is handle_async
        assert rest.lookup is None
        epos.lookup("HandleEvent:tea.time")(handle)
        with pytest.raises(ConfigurationError, match=r"no handler for HandleEvent:tea\.time$"):
            epos.handlers()

    def test_two_handlers_for_one_type(self, epos: Epos) -> None:
        epos.on(self.CREATED)(handle)
        with pytest.raises(ConfigurationError, match=f"^{self.CREATED} has two handlers"):
            epos.on(self.CREATED)(handle)

    @pytest.mark.parametrize("name", ["HandleEvent:", "HandleEvent: "])
    def test_a_type_has_a_name(self, epos: Epos, name: str) -> None:
        with pytest.raises(ConfigurationError, match=r'expected "HandleEvent:" and an event type'):
            epos.on(name)

    def test_each_is_checked(self, epos: Epos) -> None:
        epos.on(self.CREATED)(handle_async)
        with pytest.raises(ConfigurationError, match=f"for {self.CREATED} is async def"):
            epos.check(allow_async=False, journaled=True)
        with pytest.raises(ConfigurationError, match=f"^{self.CREATED} changes state"):
            epos.check(allow_async=True, journaled=False)


class TestCapabilities:
    def test_they_follow_from_the_handlers(self, epos: Epos) -> None:
        for name in ("UpdatePartyById", "GetOrderByIdV1", *LOCKS, "HandleEvent:tea.time"):
            epos.on(name)(handle)
        assert epos.capabilities() == (
            "CreateOrderLock",
            "DeleteOrderLock",
            "ExtendOrderLock",
            "GetOrderById",
            "HandleEvent:tea.time",
            "UpdateParty",
        )

    def test_a_handler_for_all_events_has_those_that_the_table_knows(self, epos: Epos) -> None:
        epos.on("HandleEvent")(handle)
        epos.on("HandleEvent:tea.time")(handle)
        assert epos.capabilities() == (
            "HandleEvent:payment_intent.created",
            "HandleEvent:payment_intent.status_updated",
            "HandleEvent:tea.time",
        )

    def test_a_lookup_adds_none(self, epos: Epos) -> None:
        epos.on(GET)(handle)
        epos.lookup(PAY)(handle)
        assert epos.capabilities() == (GET,)

    def test_an_epos_without_handlers_has_none(self, epos: Epos) -> None:
        assert epos.capabilities() == ()


class TestMiddleware:
    @staticmethod
    def around(ctx: Context, params: Any, proceed: Callable[..., Any]) -> Any:
        return proceed(ctx, {**params, "seen": True})

    @staticmethod
    async def around_async(ctx: Context, params: Any, proceed: Callable[..., Any]) -> Any:
        return await proceed(ctx, params)

    def test_it_is_around_handlers_lookups_and_those_of_events(self, epos: Epos) -> None:
        def show(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
            return params

        for name in (PAY, "HandleEvent", "HandleEvent:tea.time"):
            epos.on(name)(show)
            epos.lookup(name)(show)
        assert epos.middleware(self.around) is self.around
        payment, event = (epos.handlers()[f"{name}V1"] for name in (PAY, "HandleEvent"))
        tea = event.chosen(b'{"event":"tea.time"}')
        for handler in (payment, event, tea):
            assert handler.lookup is not None
            for function in (handler.function, handler.lookup.function):
                assert function(None, {}) == {"seen": True}

    def test_of_the_other_kind_it_is_not(self, epos: Epos) -> None:
        epos.on(GET)(handle_async)
        epos.middleware(self.around)
        assert epos.handlers()["GetOrderByIdV1"].function is handle_async

    @pytest.mark.parametrize(
        ("function", "middleware", "advice"),
        [
            (handle, "around_async", r"is def, and .* is async def,.*return proceed\("),
            (handle_async, "around", r"is async def, and .* is def,.*return await proceed\("),
        ],
    )
    @pytest.mark.parametrize("lookup", [False, True])
    def test_a_kind_that_none_is_around(
        self, epos: Epos, function: Any, middleware: str, advice: str, lookup: bool
    ) -> None:
        other = handle if function is handle_async else handle_async
        epos.middleware(getattr(self, middleware))
        epos.on(PAY)(other if lookup else function)
        epos.lookup(PAY)(function)
        with pytest.raises(ConfigurationError, match=rf"{PAY}V1 {advice}"):
            epos.check(allow_async=True, journaled=True)
        epos.middleware(self.around)
        epos.middleware(self.around_async)
        epos.check(allow_async=True, journaled=True)

    def test_it_takes_three_arguments(self, epos: Epos) -> None:
        for wrong in (handle, lambda _ctx, _params, _proceed, _more: None):
            with pytest.raises(ConfigurationError, match=r"takes \(ctx, params, proceed\), got \("):
                epos.middleware(wrong)

    def test_one_that_yields_would_do_nothing(self, epos: Epos) -> None:
        def session(_ctx: Context, _params: Any, _proceed: Any) -> Any:
            yield

        with pytest.raises(ConfigurationError, match="it yields"):
            epos.middleware(session)


def module_with_one() -> ModuleType:
    till = ModuleType("till")
    vars(till)["bar"] = Epos("acme-epos")
    return till


@pytest.mark.parametrize(
    ("came", "said"),
    [
        ("till:epos", "the text 'till:epos': import it, or serve it with `dojo-epos run"),
        (Epos, "the class Epos: make one of it"),
        (ModuleType("till"), r"the module till: name the one in it, as in till\.epos"),
        (module_with_one(), r"the module till: name the one in it, as in till\.bar"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_epos_is_told_by_what_it_is(came: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"expected a dojo_proto.Epos, got .*{said}"):
        expect_epos(came)


def test_an_epos_is_one() -> None:
    epos = Epos("acme-epos")
    assert expect_epos(epos) is epos


def test_what_is_registered_later_counts_as_well() -> None:
    epos = Epos(software_house_id="acme")

    def answer(_ctx: Context, _params: object) -> None:
        """The handler, the lookup and the middleware in one."""

    def around(ctx: Context, params: object, proceed: Callable[..., Any]) -> Any:
        return proceed(ctx, params)

    epos.on("CreateOrder")(answer)
    first = epos.handlers()
    assert epos.handlers() is first
    epos.lookup("CreateOrder")(answer)
    assert epos.handlers()["CreateOrderV1"].lookup is not None
    epos.middleware(around)
    assert epos.handlers()["CreateOrderV1"].function is not answer
