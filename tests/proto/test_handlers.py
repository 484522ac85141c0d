"""What a handler may look like, and what it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, TypedDict

import msgspec
import pytest

from dojo_proto.context import Context
from dojo_proto.contract import (
    BY_NAME,
    GetOrderByIdParams,
    GetPartyByIdParams,
    Method,
    Order,
)
from dojo_proto.errors import ConfigurationError
from dojo_proto.handlers import ACKNOWLEDGE, Handler, make_handler

GET = BY_NAME["GetOrderById"]
PARAMS = b'{"orderId":"o"}'


class Params(msgspec.Struct):
    orderId: str  # noqa: N815 - the vendor's name


@dataclass
class Plain:
    orderId: str  # noqa: N815 - the vendor's name


class Typed(TypedDict):
    orderId: str


class Extended(GetOrderByIdParams, kw_only=True):
    shelf: int | None = None


class Listed(msgspec.Struct, array_like=True):
    """Decoded from an array."""

    order_id: str


class NotForJson:
    """Nothing decodes into it."""


class Unresolved(msgspec.Struct):
    field: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 - what the test is about


def decoded(function: Callable[..., Any], params: bytes = PARAMS) -> object:
    return make_handler(GET, function).decode(params)


def annotated(annotation: Any) -> Callable[..., Any]:
    def get(_ctx, _params):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        """The handler."""

    get.__annotations__["_params"] = annotation
    return get


class TestParams:
    def test_nothing_annotated_gives_the_type_of_the_method(self) -> None:
        def get(_ctx, _params):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            """The handler."""

        assert decoded(get) == GetOrderByIdParams(order_id="o")
        assert decoded(lambda _ctx, _params: None) == GetOrderByIdParams(order_id="o")

    @pytest.mark.parametrize("kind", [GetOrderByIdParams, GetOrderByIdParams | None, Extended])
    def test_types_of_the_contract_keep_what_they_do_not_know(self, kind: Any) -> None:
        params = decoded(annotated(kind), b'{"orderId":"o","new":1,"headers":{"waiterId":null}}')
        assert isinstance(params, GetOrderByIdParams)
        assert (params.order_id, params.unknown) == ("o", {"new": 1})

    @pytest.mark.parametrize("kind", [GetPartyByIdParams, Order, GetPartyByIdParams | None])
    def test_a_type_of_the_contract_that_is_not_the_methods(self, kind: Any) -> None:
        with pytest.raises(
            ConfigurationError,
            match=r"get \(line \d+.*params of GetOrderById are no \w+; expected GetOrderByIdParams",
        ):
            make_handler(GET, annotated(kind))

    def test_of_a_method_whose_params_have_no_type(self) -> None:
        new = Method(name="New", wire="NewV2", capabilities=("New",))
        assert make_handler(new, lambda _ctx, _params: None).decode(PARAMS) == {"orderId": "o"}
        with pytest.raises(ConfigurationError, match="are no GetOrderByIdParams; expected dict"):
            make_handler(new, annotated(GetOrderByIdParams))

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
        assert decoded(annotated(annotation)) == params

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
        with pytest.raises(ConfigurationError, match=r"get \(line \d+.*params cannot be decoded"):
            decoded(annotated(annotation))

    @pytest.mark.parametrize("annotation", [int, str | None, list[Params], Listed])
    def test_what_is_no_object_is_refused_at_once(self, annotation: Any) -> None:
        with pytest.raises(ConfigurationError, match="they are an object; expected dict, or"):
            decoded(annotated(annotation))

    @pytest.mark.parametrize(
        "annotation", [Any, object, dict[str, str], Params | None, msgspec.Raw]
    )
    def test_whatever_takes_an_object_will_do(self, annotation: Any) -> None:
        assert decoded(annotated(annotation)) is not None

    def test_ctx_and_params_in_the_wrong_order(self) -> None:
        def get(_params: Params, _ctx: Context) -> None:
            """The handler."""

        with pytest.raises(
            ConfigurationError, match="cannot be decoded into Context; expected the context first"
        ):
            decoded(get)

    @pytest.mark.parametrize("annotation", ["Missing", "int | 'x'", "msgspec.nowhere", "1 +"])
    def test_annotations_that_cannot_be_read(self, annotation: str) -> None:
        with pytest.raises(ConfigurationError, match="its annotations cannot be read"):
            decoded(annotated(annotation))


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
        assert decoded(function) == GetOrderByIdParams(order_id="o")

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


class TestEvents:
    DATA = (
        b'"data":{"paymentIntentId":"p","paymentStatus":"Created","captureMode":"Auto"},'
        b'"accountId":"a","createdAt":"2026-03-01T12:00:00Z"'
    )

    @staticmethod
    def handler(function: Callable[..., Any], **by_event: Callable[..., Any]) -> Handler:
        event = BY_NAME["HandleEvent"]
        return msgspec.structs.replace(
            make_handler(event, function),
            by_event={
                name.replace("_", "."): make_handler(event, each) for name, each in by_event.items()
            },
        )

    def test_other_methods_have_one_handler(self) -> None:
        handler = make_handler(GET, annotated(dict))
        assert handler.chosen(b"{}") is handler

    def test_one_for_the_type_and_one_for_the_rest(self) -> None:
        handler = self.handler(annotated(dict), tea_time=annotated(dict))
        assert handler.by_event is not None
        assert handler.chosen(b'{"event":"tea.time"}') is handler.by_event["tea.time"]
        assert handler.chosen(b'{"event":"tea.over"}') is handler
        assert handler.chosen(b'{"event":"payment_intent.created"}') is handler

    def test_an_event_without_a_type_is_none(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="missing required field `event`"):
            self.handler(annotated(dict)).chosen(b'{"id":"e"}')

    def test_a_new_type_whose_data_do_not_fit_is_acknowledged(self) -> None:
        handler = self.handler(lambda _ctx, _params: None)
        params = b'{"id":"e","event":"tea.time","data":{"kettle":1}}'
        chosen = handler.chosen(params)
        assert chosen is ACKNOWLEDGE
        assert chosen.function(None, chosen.decode(params)) is None

    def test_a_new_type_whose_data_fit_is_handled(self) -> None:
        handler = self.handler(lambda _ctx, _params: None)
        assert handler.chosen(b'{"id":"e","event":"tea.time",%b}' % self.DATA) is handler

    def test_a_known_type_whose_data_do_not_fit_is_a_mistake_to_be_told(self) -> None:
        handler = self.handler(lambda _ctx, _params: None)
        params = b'{"id":"e","event":"payment_intent.created","data":{}}'
        assert handler.chosen(params) is handler
        with pytest.raises(msgspec.ValidationError):
            handler.decode(params)
