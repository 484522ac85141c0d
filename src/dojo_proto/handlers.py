"""A registered function: what it may look like, and how it is called with what came in."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, get_type_hints

import msgspec

from dojo_proto.contract import BY_NAME, EventType, Kind, Method
from dojo_proto.errors import ConfigurationError
from dojo_proto.params import decoder


class _Event(msgspec.Struct):
    event: str


QUEUES = 4
"""Read or not, threaded or not: what changes the till goes first."""

_decode_event = msgspec.json.Decoder(_Event).decode


class Handler(msgspec.Struct, frozen=True, kw_only=True):
    """A registered function, and how to call it."""

    method: Method
    function: Callable[..., Any]
    """Takes (Context, params)."""
    is_async: bool
    decode: Callable[..., Any]
    """JSON bytes of params → what the function annotates. Raises msgspec.ValidationError."""
    lookup: "Handler | None" = None
    by_event: "Mapping[str, Handler] | None" = None
    """Of the method for events: type of event → the handler of that alone. The rest is for this."""
    reads: bool = False
    """Whether it changes nothing. Follows from the method."""
    threaded: bool = False
    """Whether a call of it needs a worker thread at some time. Follows from the functions."""
    queue: int = 0
    """Where its calls wait, below QUEUES; the lowest goes first. Follows from the other two."""

    def __post_init__(self) -> None:
        """Work out once what every call asks."""
        reads = self.method.kind is Kind.READ
        threaded = not self.is_async or (self.lookup is not None and not self.lookup.is_async)
        msgspec.structs.force_setattr(self, "reads", reads)
        msgspec.structs.force_setattr(self, "threaded", threaded)
        msgspec.structs.force_setattr(self, "queue", 2 * reads + threaded)

    def chosen(self, params: bytes | msgspec.Raw) -> "Handler":
        """The handler for these params: for those of an event, the one of its type.

        Raises msgspec.ValidationError if an event names no type.
        """
        if self.by_event is None:
            return self
        event = _decode_event(params).event
        handler = self.by_event.get(event)
        if handler is not None:
            return handler
        # A type that Dojo has added since may carry other data than any type here has.
        return self if EventType(event).known or self._takes(params) else ACKNOWLEDGE

    def _takes(self, params: bytes | msgspec.Raw) -> bool:
        try:
            self.decode(params)
        except Exception:  # noqa: BLE001 - a user's own type may raise anything
            return False
        return True


def _acknowledge(_ctx: object, _params: object) -> None:
    """An event of a type that nobody handles. The vendor: it is acknowledged, whatever it is."""


ACKNOWLEDGE = Handler(
    method=BY_NAME["HandleEvent"],
    function=_acknowledge,
    is_async=False,
    decode=msgspec.json.Decoder(dict[str, Any]).decode,
)
"""Takes every event and does nothing."""


def make_handler(method: Method, function: Callable[..., Any]) -> Handler:
    """The handler or lookup that `function` is; ConfigurationError if it cannot be one."""
    annotation = annotation_of_params(function, ("ctx", "params"))
    return Handler(
        method=method,
        function=function,
        is_async=is_coroutine_function(function),
        decode=decoder(annotation, method, where(function)),
    )


def annotation_of_params(function: Callable[..., Any], takes: tuple[str, ...]) -> Any:
    """What `function` annotates as its second parameter, or `inspect.Parameter.empty`.

    `takes` names what it is called with. Raises ConfigurationError if it cannot be called so.
    """
    place = where(function)
    expected = f"({', '.join(takes)})"
    if _is(inspect.isgeneratorfunction, function) or _is(inspect.isasyncgenfunction, function):
        raise ConfigurationError(f"{place}: it yields, so calling it does nothing; return a result")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ConfigurationError(f"{place}: expected a function {expected}") from None
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    surplus = [p for p in parameters if p not in positional[: len(takes)] and p.default is p.empty]
    surplus = [p for p in surplus if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
    if len(positional) < len(takes) or surplus:
        raise ConfigurationError(
            f"{place}: expected a function that takes {expected}, got {inspect.signature(function)}"
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
            f"{place}: its annotations cannot be read ({error}); the types of params have to be "
            "known at module level"
        ) from None
    return hints.get(positional[1].name, inspect.Parameter.empty)


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Whether a call of it gives something to await."""
    return _is(inspect.iscoroutinefunction, function)


def where(function: Callable[..., Any]) -> str:
    """The name and place of a function, for errors."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    name = getattr(function, "__qualname__", repr(function))
    return f"{name} (line {code.co_firstlineno} of {function.__module__})" if code else name


def _is(what: Callable[[Any], bool], function: Callable[..., Any]) -> bool:
    """Whether `function`, or the `__call__` of an object that can be called, is `what`."""
    # That of the class is what a call of the object finds: callable() cannot tell which it is.
    return what(function) or what(getattr(type(function), "__call__", None))  # noqa: B004 - as said
