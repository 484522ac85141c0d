"""What stands around handlers and lookups: a database session, say, opened and committed.

A middleware may change a result, and may refuse by raising. What it cannot do, around what changes
the till, is make a success of anything else: a payment is booked if its handler said so, and
certainly not booked only if its lookup said so, whatever a middleware forgets to return or catches.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dojo_proto.context import Context
from dojo_proto.work import Outcome, Raised, Returned


class Middleware(msgspec.Struct, frozen=True):
    """A registered one: `function(ctx, params, proceed)` is around whatever is of its kind."""

    function: Callable[..., Any]
    is_async: bool


class _Proceed:
    """The `proceed` that a middleware is given for one call, and what came of it."""

    __slots__ = ("called", "function", "outcome")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.called = False
        self.outcome: Outcome | None = None
        """None until the function has returned or raised."""

    def __call__(self, ctx: Context, params: Any) -> Any:
        self.begin()
        try:
            value = self.function(ctx, params)
        except BaseException as error:
            self.outcome = Raised(error)
            raise
        self.outcome = Returned(value)
        return value

    def begin(self) -> None:
        # A second run of a handler has to be flagged as redelivered: only the journal can do that.
        if self.called:
            raise RuntimeError("proceed was called a second time; a handler runs once for a call")
        self.called = True


class _AsyncProceed(_Proceed):
    __slots__ = ()

    async def __call__(self, ctx: Context, params: Any) -> Any:
        self.begin()
        try:
            value = await self.function(ctx, params)
        except BaseException as error:
            self.outcome = Raised(error)
            raise
        self.outcome = Returned(value)
        return value


def wrap(
    function: Callable[..., Any],
    middleware: Iterable[Middleware],
    *,
    is_async: bool,
    reads: bool,
    asks: bool,
) -> Callable[..., Any]:
    """`function` with every middleware of its kind around it; the first is outermost.

    `reads` says that `function` is a handler that changes nothing, `asks` that it is a lookup.
    """
    for layer in reversed([layer for layer in middleware if layer.is_async is is_async]):
        around = _around_async if is_async else _around
        function = around(layer.function, function, reads=reads, asks=asks)
    return function


def _around(
    middleware: Callable[..., Any], function: Callable[..., Any], *, reads: bool, asks: bool
) -> Callable[..., Any]:
    def call(ctx: Context, params: Any) -> Any:
        proceed = _Proceed(function)
        value = middleware(ctx, params, proceed)
        return _settle(value, proceed, reads=reads, asks=asks)

    return call


def _around_async(
    middleware: Callable[..., Any], function: Callable[..., Any], *, reads: bool, asks: bool
) -> Callable[..., Any]:
    async def call(ctx: Context, params: Any) -> Any:
        proceed = _AsyncProceed(function)
        value = await middleware(ctx, params, proceed)
        return _settle(value, proceed, reads=reads, asks=asks)

    return call


def _settle(value: Any, proceed: _Proceed, *, reads: bool, asks: bool) -> Any:
    """The result of a call whose middleware returned `value`: None stands for what `proceed` did.

    Raises what `proceed` raised, and RuntimeError if it was never called or is not over.
    """
    if proceed.called and proceed.outcome is None:
        raise RuntimeError("the middleware returned before proceed was over: await it")
    if reads and value is not None:
        return value
    match proceed.outcome:
        case Returned(result):
            # "Certainly not done" stays that, and so does "not known".
            stays = asks and (result is None or result is False)
            return result if value is None or stays else value
        case Raised(error):
            raise error
        case _:
            raise RuntimeError(
                "the middleware returned without calling proceed, so the handler behind it did not "
                "run: return proceed(ctx, params), or raise UnexpectedError, which says that "
                "nothing was done"
            )
