"""The sample restaurant's EPOS with wrong handlers, and what those need to go nearly right."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from dojo_proto import Context, Epos
from dojo_proto.contract import encode
from dojo_proto.handlers import Handler
from dojo_simulator.restaurant import epos as right_epos
from dojo_simulator.restaurant.serving import restaurant

Right: TypeAlias = Callable[[Context, Any], Any]
Wrong: TypeAlias = Callable[[Right, Context, Any], Any]


class Mistake(msgspec.Struct, frozen=True):
    check: str
    """The check that has to catch it."""
    methods: tuple[str, ...]
    wrong: Wrong
    """Called instead of the right handler, which it gets first."""


class Spoilt(Epos):
    """The sample restaurant's EPOS with other functions in the place of some handlers."""

    def __init__(self, functions: Mapping[str, Callable[[Right], Right]]) -> None:
        super().__init__(right_epos.software_house_id)
        self._functions = functions

    def handlers(self) -> Mapping[str, Handler]:
        handlers = dict(right_epos.handlers())
        for method, spoil in self._functions.items():
            handlers[f"{method}V1"] = _spoilt(handlers[f"{method}V1"], spoil)
        return handlers

    def capabilities(self) -> tuple[str, ...]:
        return right_epos.capabilities()

    def check(self, *, allow_async: bool, journaled: bool) -> None:
        right_epos.check(allow_async=allow_async, journaled=journaled)


def _spoilt(handler: Handler, spoil: Callable[[Right], Right]) -> Handler:
    by_event = handler.by_event and {
        name: _spoilt(each, spoil) for name, each in handler.by_event.items()
    }
    function = spoil(handler.function)
    return msgspec.structs.replace(handler, function=function, by_event=by_event)


def with_mistake(planted: Mistake) -> Epos:
    def spoil(right: Right) -> Right:
        return lambda ctx, params: planted.wrong(right, ctx, params)

    return Spoilt(dict.fromkeys(planted.methods, spoil))


def shown(result: Any) -> Any:
    """A result as JSON, to be changed."""
    return msgspec.json.decode(encode(result))


def find_order(ctx: Context, params: Any) -> Any:
    """The order that params are about, as it is."""
    return right_epos.handlers()["GetOrderByIdV1"].function(ctx, params)


def find_row(ctx: Context, query: str, **values: Any) -> Any:
    with restaurant(ctx).reading() as books:
        return books.row(query, **values)


def find_lock(ctx: Context, order_id: str) -> Any:
    row = find_row(ctx, "SELECT lock_id FROM orders WHERE id = :id", id=order_id)
    return None if row is None else row["lock_id"]


def without_headers(ctx: Context) -> Context:
    return Context(
        method=ctx.method,
        raw_id=None,
        raw_params=b"{}",
        state=ctx.state,
        idempotency_key=ctx.idempotency_key,
    )
