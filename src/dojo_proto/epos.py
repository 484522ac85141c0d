"""An EPOS as its author writes it: the handlers of the methods it implements."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

import msgspec

from dojo_proto.contract import Kind, Method
from dojo_proto.errors import ConfigurationError
from dojo_proto.exchange import check_header_value
from dojo_proto.handlers import (
    ACKNOWLEDGE,
    Handler,
    annotation_of_params,
    is_coroutine_function,
    make_handler,
    where,
)
from dojo_proto.middleware import Middleware, wrap
from dojo_proto.naming import EVENT, Named, find, new_row

F = TypeVar("F", bound=Callable[..., Any])

_LOCKS = frozenset({"CreateOrderLock", "ExtendOrderLock", "DeleteOrderLock"})
"""The vendor: these are registered together or not at all."""


class Epos:
    """The handlers of one EPOS. Build it when the program starts; it is only read afterwards.

    `software_house_id` is Dojo's id of the software's maker: a constant of the software, not
    configuration. Every mistake raises ConfigurationError when it is made.
    """

    def __init__(self, software_house_id: str) -> None:
        if not software_house_id:
            raise ConfigurationError("software_house_id: expected the id from Dojo, got nothing")
        self.software_house_id = check_header_value("software_house_id", software_house_id)
        self._named: dict[str, Named] = {}
        self._handlers: dict[str, Handler] = {}
        self._lookups: dict[str, Handler] = {}
        self._middleware: list[Middleware] = []
        self._unresolved: Handler | None = None
        self._complete_handlers: Mapping[str, Handler] | None = None
        # The runtimes that it was checked for: one may serve thousands of tills with it.
        self._fits: set[tuple[bool, bool]] = set()
        # Rows that were given or made here, by each of their names.
        self._own: dict[str, Method] = {}

    def on(
        self,
        method: str | Method,
        *,
        capability: str = "",
        kind: Kind | None = None,
        natural_key: tuple[str, ...] = (),
    ) -> Callable[[F], F]:
        """Register the handler of a method; a decorator.

        `method` is a wire name (`GetOrderByIdV1`), a capability name (`GetOrderById`, or
        `HandleEvent:payment_intent.created` for one type of event alone) or a row of the method
        table. The function takes (ctx, params) and may be `def` or `async def`. It gets params as
        the method's own type from `dojo_proto.contract`, or as what it annotates: `dict`, or any
        type that msgspec decodes. It returns the result; raising a DomainError refuses.

        A method that Dojo has added since has no row: give its wire name, the `capability` to
        register, its `kind`, and as `natural_key` the members of params that name what it creates.
        """
        if capability or kind is not None or natural_key:
            method = new_row(method, capability, kind, natural_key)
        return partial(self._register, self._handlers, "handler", find(method, self._own))

    def lookup(self, method: str | Method) -> Callable[[F], F]:
        """Register what tells whether a state-changing request is already done; a decorator.

        The function takes what the handler takes and returns the result as it is now, or None if
        the thing was certainly not done. It must change nothing. It belongs to the handler that is
        registered by the same name.
        """
        named = find(method, self._own)
        if named.method.kind is Kind.READ:
            name = named.method.name
            raise ConfigurationError(
                f"lookup({name!r}): a lookup tells whether a change was done, and {name} only reads"
            )
        return partial(self._register, self._lookups, "lookup", named)

    def middleware(self, function: F) -> F:
        """Put `function` around every handler and lookup of its kind; a decorator.

        It takes (ctx, params, proceed) and returns what `proceed(ctx, params)` returns: a `def`
        stands around each `def`, in its thread, an `async def` around each `async def`, in its
        task. The first that is registered is outermost. What leaves the outermost is what counts:
        an exception where the handler has returned, such as that of a failed database commit,
        leaves open whether it was done, and a DomainError says that it was certainly not.

        Returning None stands for what `proceed` did. `proceed` may be called once. Only around a
        read may it be left out, or a result be put in the place of an exception.
        """
        annotation_of_params(function, ("ctx", "params", "proceed"))
        self._middleware.append(Middleware(function, is_coroutine_function(function)))
        self._changed()
        return function

    def on_unresolved(self, function: F) -> F:
        """Register what settles requests that an earlier process has left open; a decorator.

        When a service starts it is asked of each, as (ctx, Unresolved), `def` or `async def`. It
        returns the method's result, or True, if the thing was done; False if it certainly was not:
        then a retry is a new request; None if it does not know.
        """
        if self._unresolved is not None:
            raise ConfigurationError(
                f"there are two for what is unresolved: {where(self._unresolved.function)} and "
                f"{where(function)}"
            )
        annotation_of_params(function, ("ctx", "unresolved"))
        self._unresolved = msgspec.structs.replace(
            ACKNOWLEDGE, function=function, is_async=is_coroutine_function(function)
        )
        self._changed()
        return function

    def unresolved(self) -> Handler | None:
        """What is registered for unresolved requests, middleware around it."""
        if self._unresolved is None:
            return None
        return self._wrapped(self._unresolved, asks=True)

    def capabilities(self) -> tuple[str, ...]:
        """The capability names that the handlers amount to: what is to be registered with Dojo."""
        names = (self._named[key].capabilities for key in self._handlers)
        return tuple(sorted({name for of_one in names for name in of_one}))

    def handlers(self) -> Mapping[str, Handler]:
        """Wire name → handler with its lookup, middleware around both.

        Raises ConfigurationError if they do not fit. The same object until more is registered.
        """
        if self._complete_handlers is None:
            self._complete_handlers = MappingProxyType(self._completed())
        return self._complete_handlers

    def _changed(self) -> None:
        """More is registered: what was found out about it before may be wrong now."""
        self._complete_handlers = None
        self._fits.clear()

    def _completed(self) -> dict[str, Handler]:
        alone = sorted(self._lookups.keys() - self._handlers.keys())
        if alone:
            raise ConfigurationError(f"there is a lookup and no handler for {', '.join(alone)}")
        if not self._handlers:
            raise ConfigurationError(
                "this EPOS handles nothing: register handlers with @epos.on(...)"
            )
        handlers = {key: self._complete(key, handler) for key, handler in self._handlers.items()}
        events = [key for key in handlers if key.startswith(EVENT)]
        by_event = {key.removeprefix(EVENT): handlers.pop(key) for key in events}
        wire = ACKNOWLEDGE.method.wire
        if by_event or wire in handlers:
            rest = handlers.get(wire, ACKNOWLEDGE)
            handlers[wire] = msgspec.structs.replace(rest, by_event=by_event)
        return handlers

    def check(self, *, allow_async: bool, journaled: bool) -> None:
        """Raise ConfigurationError unless this EPOS can be served.

        `allow_async` says whether the runtime can run `async def`; `journaled` whether a journal
        was named.
        """
        if (allow_async, journaled) in self._fits:
            return
        self.handlers()
        for name, registered in self._registered():
            if registered.is_async and not allow_async:
                raise ConfigurationError(
                    f"{where(registered.function)} for {name} is async def, and this runtime "
                    "has no event loop: write it as def, or serve with asyncio, trio or anyio"
                )
            if registered.method.kind is not Kind.READ and not journaled:
                raise ConfigurationError(
                    f"{name} changes state, so serving it needs a journal that remembers what was "
                    'done: name one, such as journal="sqlite:/var/lib/acme/till.db", or "memory:" '
                    "(forgets when the process ends)"
                )
            self._check_middleware(name, registered)
        locks = _LOCKS.intersection(self.capabilities())
        if locks and locks != _LOCKS:
            raise ConfigurationError(
                f"{', '.join(sorted(locks))} without {', '.join(sorted(_LOCKS - locks))}: Dojo "
                "takes the three methods of locks together or not at all"
            )
        self._fits.add((allow_async, journaled))

    def _check_middleware(self, name: str, registered: Handler) -> None:
        """Raise ConfigurationError if there is middleware, and none of it is around this."""
        if not self._middleware or any(
            layer.is_async is registered.is_async for layer in self._middleware
        ):
            return
        there = where(self._middleware[0].function)
        kind, other = ("async def", "def") if registered.is_async else ("def", "async def")
        wait = "await " if registered.is_async else ""
        raise ConfigurationError(
            f"{where(registered.function)} for {name} is {kind}, and the middleware {there} is "
            f"{other}, so it would not be around it: register one for it as well, as in "
            f"@epos.middleware {kind} session(ctx, params, proceed): "
            f"return {wait}proceed(ctx, params)"
        )

    def _registered(self) -> Iterator[tuple[str, Handler]]:
        for key, handler in self._handlers.items():
            yield key, handler
            if key in self._lookups:
                yield key, self._lookups[key]
        if self._unresolved is not None:
            yield "what is unresolved", self._unresolved

    def _complete(self, key: str, handler: Handler) -> Handler:
        lookup = self._lookups.get(key)
        if lookup is not None:
            lookup = self._wrapped(lookup, asks=True)
        return msgspec.structs.replace(self._wrapped(handler, asks=False), lookup=lookup)

    def _wrapped(self, registered: Handler, *, asks: bool) -> Handler:
        function = wrap(
            registered.function,
            self._middleware,
            is_async=registered.is_async,
            reads=registered.method.kind is Kind.READ,
            asks=asks,
        )
        return msgspec.structs.replace(registered, function=function)

    def _register(self, table: dict[str, Handler], what: str, named: Named, function: F) -> F:
        key, method = named.key, named.method
        if key in table:
            name = method.name if key == method.wire else key
            raise ConfigurationError(
                f"{name} has two {what}s: {where(table[key].function)} and {where(function)}"
            )
        table[key] = make_handler(method, function)
        self._named[key] = named
        self._changed()
        for name in (method.wire, method.name, *method.capabilities):
            self._own.setdefault(name, method)
        return function


def expect_epos(epos: object) -> Epos:
    """Return `epos` if it is one. Raises ConfigurationError that says what came."""
    if isinstance(epos, Epos):
        return epos
    if isinstance(epos, ModuleType):
        found = (name for name, value in vars(epos).items() if isinstance(value, Epos))
        came = f"the module {epos.__name__}: name the one in it, as in {epos.__name__}."
        came += next(found, "epos")
    elif isinstance(epos, str):
        came = f"the text {epos!r}: import it, or serve it with `dojo-epos run MODULE:NAME`"
    elif isinstance(epos, type):
        came = f"the class {epos.__name__}: make one of it"
    else:
        came = type(epos).__name__
    raise ConfigurationError(f"expected a dojo_proto.Epos, got {came}")
