"""An EPOS as its author writes it: the handlers of the methods it implements."""

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

import msgspec

from dojo_proto.contract import BY_NAME, Kind, Method
from dojo_proto.errors import ConfigurationError
from dojo_proto.exchange import check_header_value

F = TypeVar("F", bound=Callable[..., Any])


class Handler(msgspec.Struct, frozen=True, kw_only=True):
    """A registered function, and how to call it."""

    method: Method
    function: Callable[..., Any]
    """Takes (Context, params)."""
    is_async: bool
    decode: Callable[..., Any]
    """JSON bytes of params → what the function annotates. Raises msgspec.ValidationError."""
    lookup: "Handler | None" = None

    @property
    def threaded(self) -> bool:
        """Whether a call of it needs a worker thread at some time."""
        return not self.is_async or (self.lookup is not None and not self.lookup.is_async)


class Epos:
    """The handlers of one EPOS. Build it when the program starts; it is only read afterwards.

    `software_house_id` is Dojo's id of the software's maker: a constant of the software, not
    configuration. Every mistake raises ConfigurationError when it is made.
    """

    def __init__(self, software_house_id: str) -> None:
        if not software_house_id:
            raise ConfigurationError("software_house_id: expected the id from Dojo, got nothing")
        self.software_house_id = check_header_value("software_house_id", software_house_id)
        self._handlers: dict[str, Handler] = {}
        self._lookups: dict[str, Handler] = {}

    def on(self, method: str | Method) -> Callable[[F], F]:
        """Register the handler of a method; a decorator.

        `method` is a wire name (`GetOrderByIdV1`), a capability name (`GetOrderById`) or a row of
        the method table. The function takes (ctx, params), may be `def` or `async def`, and gets
        params as what it annotates: `dict` (also when it annotates nothing) or any type that
        msgspec decodes. It returns the result; raising a DomainError refuses.
        """
        return partial(self._register, self._handlers, "handler", _row(method))

    def lookup(self, method: str | Method) -> Callable[[F], F]:
        """Register what tells whether a state-changing request is already done; a decorator.

        The function takes what the handler takes and returns the result as it is now, or None if
        the thing was certainly not done. It must change nothing.
        """
        row = _row(method)
        if row.kind is Kind.READ:
            raise ConfigurationError(f"lookup({row.name!r}): it changes nothing, so nothing to ask")
        return partial(self._register, self._lookups, "lookup", row)

    def handlers(self) -> Mapping[str, Handler]:
        """Wire name → handler with its lookup. Raises ConfigurationError if they do not fit."""
        alone = sorted(self._lookups.keys() - self._handlers.keys())
        if alone:
            raise ConfigurationError(f"there is a lookup and no handler for {', '.join(alone)}")
        if not self._handlers:
            raise ConfigurationError(
                "this EPOS handles nothing: register handlers with @epos.on(...)"
            )
        return MappingProxyType(
            {
                wire: msgspec.structs.replace(handler, lookup=self._lookups.get(wire))
                for wire, handler in self._handlers.items()
            }
        )

    def check(self, *, allow_async: bool, journaled: bool) -> None:
        """Raise ConfigurationError unless this EPOS can be served.

        `allow_async` says whether the runtime can run `async def`; `journaled` whether a journal
        was named.
        """
        for wire, handler in self.handlers().items():
            for registered in filter(None, (handler, handler.lookup)):
                if registered.is_async and not allow_async:
                    raise ConfigurationError(
                        f"{_where(registered.function)} for {wire} is async def, and this runtime "
                        "has no event loop: write it as def, or serve with asyncio, trio or anyio"
                    )
            if handler.method.kind is not Kind.READ and not journaled:
                raise ConfigurationError(
                    f"{wire} changes state, so serving it needs a journal that remembers what was "
                    'done: name one, such as journal="memory:" (forgets when the process ends)'
                )

    def _register(self, table: dict[str, Handler], what: str, method: Method, function: F) -> F:
        if method.wire in table:
            raise ConfigurationError(
                f"{method.name} has two {what}s: {_where(table[method.wire].function)} "
                f"and {_where(function)}"
            )
        table[method.wire] = Handler(
            method=method,
            function=function,
            is_async=_is(inspect.iscoroutinefunction, function),
            decode=_decoder(function),
        )
        return function


def _row(method: object) -> Method:
    if isinstance(method, Method):
        return method
    if not isinstance(method, str):
        came = _where(method) if callable(method) else repr(method)
        raise ConfigurationError(f'expected a method, as in @epos.on("GetOrderById"); got {came}')
    row = BY_NAME.get(method)
    if row is None:
        near = get_close_matches(method, BY_NAME, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"unknown method {method!r}{hint}")
    return row


def _is(what: Callable[[Any], bool], function: Callable[..., Any]) -> bool:
    """Whether `function`, or the `__call__` of an object that can be called, is `what`."""
    # That of the class is what a call of the object finds: callable() cannot tell which it is.
    return what(function) or what(getattr(type(function), "__call__", None))  # noqa: B004 - as said


def _decoder(function: Callable[..., Any]) -> Callable[..., Any]:
    """The decoder for what the second parameter annotates."""
    where = _where(function)
    if _is(inspect.isgeneratorfunction, function) or _is(inspect.isasyncgenfunction, function):
        raise ConfigurationError(f"{where}: it yields, so calling it does nothing; return a result")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ConfigurationError(f"{where}: expected a function (ctx, params)") from None
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    surplus = [p for p in parameters if p not in positional[:2] and p.default is p.empty]
    surplus = [p for p in surplus if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
    if len(positional) < 2 or surplus:
        raise ConfigurationError(
            f"{where}: expected a function that takes (ctx, params), "
            f"got {inspect.signature(function)}"
        )
    target = function
    while isinstance(target, partial):
        target = target.func
    if not inspect.isroutine(target):
        target = type(target).__call__
    try:
        hints = get_type_hints(target)
    except Exception as error:  # noqa: BLE001 - an annotation may be any expression
        raise ConfigurationError(
            f"{where}: its annotations cannot be read ({error}); the types of params have to be "
            "known at module level"
        ) from None
    params_type = hints.get(positional[1].name, dict)
    if params_type is dict:
        params_type = dict[str, Any]
    try:
        shape = msgspec.inspect.type_info(params_type)
        decode = msgspec.json.Decoder(params_type).decode
    except Exception as error:  # noqa: BLE001 - reads the annotations of the user's own types
        raise ConfigurationError(f"{where}: params cannot be decoded into it: {error}") from None
    if isinstance(shape, msgspec.inspect.CustomType) and shape.cls is not object:
        raise ConfigurationError(
            f"{where}: params cannot be decoded into {shape.cls.__name__}; expected dict, or a "
            "type that msgspec decodes, such as a msgspec.Struct or a dataclass"
        )
    return decode


def _where(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    name = getattr(function, "__qualname__", repr(function))
    return f"{name} (line {code.co_firstlineno} of {function.__module__})" if code else name
