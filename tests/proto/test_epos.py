"""An EPOS as its author writes it: every mistake is told when it is made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, TypedDict

import msgspec
import pytest

from dojo_proto.context import Context
from dojo_proto.contract import BY_NAME
from dojo_proto.epos import Epos
from dojo_proto.errors import ConfigurationError

GET = "GetOrderById"
PAY = "RecordOrderPaymentById"
PARAMS = b'{"orderId":"o"}'


class Params(msgspec.Struct):
    orderId: str  # noqa: N815 - the vendor's name


@dataclass
class Plain:
    orderId: str  # noqa: N815 - the vendor's name


class Typed(TypedDict):
    orderId: str


class NotForJson:
    """Nothing decodes into it."""


class Unresolved(msgspec.Struct):
    field: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 - what the test is about


@pytest.fixture
def epos() -> Epos:
    return Epos("acme-epos")


def decoded(function: Callable[..., Any]) -> object:
    epos = Epos("acme-epos")
    epos.on(GET)(function)
    return epos.handlers()["GetOrderByIdV1"].decode(PARAMS)


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
        with pytest.raises(ConfigurationError, match=r"^unknown method 'xyzzy'$"):
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
        with pytest.raises(ConfigurationError, match="it changes nothing, so nothing to ask"):
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


class TestParams:
    def test_nothing_annotated_gives_a_dict(self) -> None:
        def get(_ctx, _params):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            """The handler."""

        assert decoded(get) == {"orderId": "o"}
        assert decoded(lambda _ctx, _params: None) == {"orderId": "o"}

    @pytest.mark.parametrize(
        ("annotation", "params"),
        [
            (dict, {"orderId": "o"}),
            (dict[str, Any], {"orderId": "o"}),
            (dict[str, str], {"orderId": "o"}),
            (Any, {"orderId": "o"}),
            (object, {"orderId": "o"}),
            (Params, Params("o")),
            ("Params", Params("o")),
            (Plain, Plain("o")),
            (Typed, {"orderId": "o"}),
            (Params | None, Params("o")),
            (msgspec.Raw, msgspec.Raw(PARAMS)),
        ],
    )
    def test_what_is_annotated_is_given(self, annotation: Any, params: object) -> None:
        def get(_ctx, _params):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            """The handler."""

        get.__annotations__["_params"] = annotation
        assert decoded(get) == params

    def test_of_a_method_an_object_a_partial_and_a_wrapper_too(self) -> None:
        class Till:
            def get(self, _ctx: Context, _params: Params) -> None:
                """A method."""

            def __call__(self, _ctx: Context, _params: Params) -> None:
                """An object that can be called."""

        def with_database(_database: str, _ctx: Context, _params: Params) -> None:
            """A function that needs one argument more."""

        @wraps(Till.get)
        def wrapper(*arguments: Any) -> Any:
            return Till().get(*arguments)

        for function in (
            Till().get,
            Till(),
            partial(with_database, "db"),
            partial(wrapper, Till()),
        ):
            assert decoded(function) == Params("o")

    @pytest.mark.parametrize("annotation", [NotForJson, Context, Unresolved])
    def test_what_nothing_decodes_into(self, annotation: Any) -> None:
        def get(_ctx, _params):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            """The handler."""

        get.__annotations__["_params"] = annotation
        with pytest.raises(ConfigurationError, match=r"get \(line \d+.*params cannot be decoded"):
            decoded(get)

    def test_ctx_and_params_in_the_wrong_order(self) -> None:
        def get(_params: Params, _ctx: Context) -> None:
            """The handler."""

        with pytest.raises(ConfigurationError, match="cannot be decoded into Context; expected"):
            decoded(get)

    @pytest.mark.parametrize("annotation", ["Missing", "int | 'x'", "msgspec.nowhere", "1 +"])
    def test_annotations_that_cannot_be_read(self, annotation: str) -> None:
        def get(_ctx, _params):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            """The handler."""

        get.__annotations__["_params"] = annotation
        with pytest.raises(ConfigurationError, match="its annotations cannot be read"):
            decoded(get)


class TestSignatures:
    @pytest.mark.parametrize(
        "function",
        [
            lambda: None,
            lambda _ctx: None,
            lambda _ctx, _params, _more: None,
            lambda _ctx, _params, *, _more: None,
            lambda *_arguments: None,
            lambda _ctx, *, _params: None,
        ],
    )
    def test_one_that_cannot_be_called_with_ctx_and_params(
        self, function: Callable[..., Any]
    ) -> None:
        with pytest.raises(ConfigurationError, match=r"takes \(ctx, params\), got \("):
            decoded(function)

    @pytest.mark.parametrize(
        "function",
        [
            lambda _ctx, _params, _more=1: None,
            lambda _ctx, _params, *_more, **_other: None,
            lambda _ctx, _params=None, *, _more=1: None,
            lambda _ctx, _params, /: None,
        ],
    )
    def test_more_that_may_be_left_out(self, function: Callable[..., Any]) -> None:
        assert decoded(function) == {"orderId": "o"}

    @pytest.mark.parametrize("function", [5, None, type(None).__new__])
    def test_what_has_no_signature_of_that_kind(self, function: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"\(ctx, params\)"):
            decoded(function)

    def test_one_that_yields_would_do_nothing(self) -> None:
        def get(_ctx: Context, _params: Params) -> Any:
            yield {}

        async def get_async(_ctx: Context, _params: Params) -> Any:
            yield {}

        for function in (get, get_async):
            with pytest.raises(ConfigurationError, match="it yields"):
                decoded(function)


class TestRuntimes:
    @staticmethod
    def threaded(handler: Callable[..., Any], lookup: Callable[..., Any] | None = None) -> bool:
        epos = Epos("acme-epos")
        epos.on(PAY)(handler)
        if lookup is not None:
            epos.lookup(PAY)(lookup)
        return epos.handlers()["RecordOrderPaymentByIdV1"].threaded

    def test_a_thread_is_needed_if_the_handler_or_its_lookup_needs_one(self) -> None:
        def sync(_ctx: Context, _params: Params) -> None:
            """Runs in a thread."""

        async def coroutine(_ctx: Context, _params: Params) -> None:
            """Runs as a task."""

        class Task:
            async def __call__(self, _ctx: Context, _params: Params) -> None:
                """Runs as a task too."""

        assert self.threaded(sync)
        assert self.threaded(coroutine, sync)
        assert not self.threaded(coroutine)
        assert not self.threaded(coroutine, coroutine)
        assert not self.threaded(Task())
        assert not self.threaded(partial(coroutine))

    @pytest.mark.parametrize("lookup_too", [False, True])
    def test_a_runtime_without_an_event_loop_takes_no_async_def(
        self, epos: Epos, lookup_too: bool
    ) -> None:
        async def coroutine(_ctx: Context, _params: Params) -> None:
            """Runs as a task."""

        epos.on(PAY)((lambda _ctx, _params: None) if lookup_too else coroutine)
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
