"""Middleware can change a result and refuse, and make a success of nothing that was none."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from dojo_proto.context import Context
from dojo_proto.errors import Conflict
from dojo_proto.middleware import Middleware, wrap

CTX = Context(method="GetOrderByIdV1", raw_id=b"1", raw_params=b"{}")
RESULT = {"id": "o"}
OTHER = {"id": "other"}

Proceed = Callable[[Context, Any], Any]


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    pytest.fail("it waits for something")


class Around:
    """A middleware as `def` or `async def`; `what` says what it does about its call."""

    def __init__(self, what: str, value: Any = None) -> None:
        self.what = what
        self.value = value

    def sync(self, ctx: Context, params: Any, proceed: Proceed) -> Any:
        match self.what:
            case "skips":
                return self.value
            case "twice":
                proceed(ctx, params)
                proceed(ctx, params)
            case "swallows":
                try:
                    proceed(ctx, params)
                except Conflict:
                    return self.value
            case "replaces":
                proceed(ctx, params)
                return self.value
        return proceed(ctx, params)

    async def task(self, ctx: Context, params: Any, proceed: Callable[..., Awaitable[Any]]) -> Any:
        match self.what:
            case "skips":
                return self.value
            case "twice":
                await proceed(ctx, params)
                await proceed(ctx, params)
            case "swallows":
                try:
                    await proceed(ctx, params)
                except Conflict:
                    return self.value
            case "replaces":
                await proceed(ctx, params)
                return self.value
        return await proceed(ctx, params)


class Handling:
    """A handler that returns or raises `comes`, and counts its calls."""

    def __init__(self, comes: Any) -> None:
        self.comes = comes
        self.calls = 0

    def sync(self, _ctx: Context, _params: Any) -> Any:
        self.calls += 1
        if isinstance(self.comes, Exception):
            raise self.comes
        return self.comes

    async def task(self, ctx: Context, params: Any) -> Any:
        return self.sync(ctx, params)


READ = {"reads": True, "asks": False}
CHANGE = {"reads": False, "asks": False}
LOOKUP = {"reads": False, "asks": True}


@pytest.fixture(params=["def", "async def"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "async def")


def call(
    handling: Handling, *around: Around, is_async: bool, reads: bool = False, asks: bool = False
) -> Any:
    if not is_async:
        layers = [Middleware(each.sync, is_async=False) for each in around]
        function = wrap(handling.sync, layers, is_async=False, reads=reads, asks=asks)
        return function(CTX, {})
    layers = [Middleware(each.task, is_async=True) for each in around]
    function = wrap(handling.task, layers, is_async=True, reads=reads, asks=asks)
    return drive(function(CTX, {}))


def test_the_first_is_outermost_and_each_is_around_its_kind_alone() -> None:
    seen: list[str] = []

    def layer(name: str) -> Middleware:
        def around(ctx: Context, params: Any, proceed: Proceed) -> Any:
            seen.append(f"{name} in")
            result = proceed(ctx, [*params, name])
            seen.append(f"{name} out")
            return result

        return Middleware(around, is_async=False)

    other = Middleware(Around("skips").task, is_async=True)
    function = wrap(
        lambda _ctx, params: params,
        [layer("a"), other, layer("b")],
        is_async=False,
        reads=False,
        asks=False,
    )
    assert function(CTX, []) == ["a", "b"]
    assert seen == ["a in", "b in", "b out", "a out"]


def test_without_any_a_function_is_itself() -> None:
    handling = Handling(RESULT).sync
    assert wrap(handling, [], is_async=False, reads=True, asks=False) == handling


@pytest.mark.parametrize("kind", [READ, CHANGE, LOOKUP])
def test_what_it_returns_is_the_result(kind: dict[str, bool], is_async: bool) -> None:
    assert call(Handling(RESULT), Around("replaces", OTHER), is_async=is_async, **kind) == OTHER


@pytest.mark.parametrize("kind", [READ, CHANGE, LOOKUP])
def test_one_that_forgets_to_return_loses_nothing(kind: dict[str, bool], is_async: bool) -> None:
    assert call(Handling(RESULT), Around("replaces", None), is_async=is_async, **kind) == RESULT


@pytest.mark.parametrize("kind", [READ, CHANGE, LOOKUP])
def test_one_that_forgets_to_proceed_has_done_nothing(
    kind: dict[str, bool], is_async: bool
) -> None:
    handling = Handling(RESULT)
    with pytest.raises(RuntimeError, match="without calling proceed") as caught:
        call(handling, Around("skips"), is_async=is_async, **kind)
    assert handling.calls == 0
    # What the middleware itself has done is not known, and a payment's log says so.
    assert "so nothing was done" not in str(caught.value)


@pytest.mark.parametrize("kind", [CHANGE, LOOKUP])
def test_nothing_is_done_that_the_handler_was_not_asked_to_do(
    kind: dict[str, bool], is_async: bool
) -> None:
    with pytest.raises(RuntimeError, match="without calling proceed"):
        call(Handling(RESULT), Around("skips", OTHER), is_async=is_async, **kind)


def test_a_read_may_be_answered_without_its_handler(is_async: bool) -> None:
    handling = Handling(RESULT)
    assert call(handling, Around("skips", OTHER), is_async=is_async, **READ) == OTHER
    assert handling.calls == 0


@pytest.mark.parametrize("kind", [READ, CHANGE, LOOKUP])
def test_an_exception_goes_through(kind: dict[str, bool], is_async: bool) -> None:
    error = Conflict("closed")
    with pytest.raises(Conflict) as caught:
        call(Handling(error), Around("passes"), is_async=is_async, **kind)
    assert caught.value is error


@pytest.mark.parametrize(
    ("kind", "value"), [(READ, None), (CHANGE, None), (CHANGE, OTHER), (LOOKUP, OTHER)]
)
def test_a_swallowed_exception_is_none_the_less_what_came(
    kind: dict[str, bool], value: Any, is_async: bool
) -> None:
    error = Conflict("closed")
    with pytest.raises(Conflict) as caught:
        call(Handling(error), Around("swallows", value), is_async=is_async, **kind)
    assert caught.value is error


def test_around_a_read_a_result_may_stand_in_for_it(is_async: bool) -> None:
    swallowing = Around("swallows", OTHER)
    assert call(Handling(Conflict()), swallowing, is_async=is_async, **READ) == OTHER


@pytest.mark.parametrize("comes", [None, False])
def test_what_is_certainly_not_done_stays_that(comes: object, is_async: bool) -> None:
    around = Around("replaces", OTHER)
    assert call(Handling(comes), around, is_async=is_async, **LOOKUP) is comes
    assert call(Handling(comes), around, is_async=is_async, **CHANGE) == OTHER


@pytest.mark.parametrize("kind", [READ, CHANGE, LOOKUP])
def test_a_handler_runs_once(kind: dict[str, bool], is_async: bool) -> None:
    handling = Handling(RESULT)
    with pytest.raises(RuntimeError, match="a second time"):
        call(handling, Around("twice"), is_async=is_async, **kind)
    assert handling.calls == 1


@pytest.mark.parametrize("kind", [READ, CHANGE, LOOKUP])
def test_one_that_does_not_wait_for_proceed_knows_nothing(kind: dict[str, bool]) -> None:
    class Pause:
        def __await__(self) -> Any:
            yield

    async def pay(_ctx: Context, _params: Any) -> Any:
        await Pause()

    async def hasty(ctx: Context, params: Any, proceed: Callable[..., Any]) -> Any:
        started.append(proceed(ctx, params))
        started[0].send(None)
        return OTHER

    started: list[Any] = []
    layers = [Middleware(hasty, is_async=True)]
    with pytest.raises(RuntimeError, match="before proceed was over: await it"):
        drive(wrap(pay, layers, is_async=True, **kind)(CTX, {}))
    started[0].close()


@pytest.mark.parametrize("kind", [READ, CHANGE])
def test_the_end_of_a_task_is_recorded_like_any_exception(kind: dict[str, bool]) -> None:
    class Cancelled(BaseException):
        """What a runtime throws into a task."""

    async def pay(_ctx: Context, _params: Any) -> Any:
        raise Cancelled

    async def deaf(ctx: Context, params: Any, proceed: Callable[..., Awaitable[Any]]) -> Any:
        try:
            await proceed(ctx, params)
        except Cancelled:
            return None

    with pytest.raises(Cancelled):
        drive(wrap(pay, [Middleware(deaf, is_async=True)], is_async=True, **kind)(CTX, {}))
