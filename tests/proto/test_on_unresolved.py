"""What an EPOS may register to settle what an earlier process has left open."""

from typing import Any

import pytest

from dojo_proto import ConfigurationError, Context, Epos, Unresolved


def an_epos() -> Epos:
    epos = Epos("acme-epos")

    @epos.on("RecordOrderPaymentById")
    def pay(_ctx: Context, _params: dict[str, Any]) -> None:
        """It is not called here."""

    return epos


def settle(_ctx: Context, _unresolved: Unresolved) -> None:
    """Nobody knows."""


async def settle_async(_ctx: Context, _unresolved: Unresolved) -> None:
    """Nobody knows."""


def test_without_one_there_is_nothing_to_ask() -> None:
    assert an_epos().unresolved() is None


@pytest.mark.parametrize("function", [settle, settle_async])
def test_it_is_a_function_of_either_kind(function: Any) -> None:
    epos = an_epos()
    assert epos.on_unresolved(function) is function
    registered = epos.unresolved()
    assert registered is not None
    assert registered.is_async is (function is settle_async)
    epos.check(allow_async=True, journaled=True)


def test_there_is_one_for_all_methods() -> None:
    epos = an_epos()
    epos.on_unresolved(settle)
    with pytest.raises(ConfigurationError, match=r"two for what is unresolved: settle .* settle_"):
        epos.on_unresolved(settle_async)


def test_it_takes_what_it_is_asked_about() -> None:
    with pytest.raises(ConfigurationError, match=r"takes \(ctx, unresolved\)"):
        an_epos().on_unresolved(lambda _ctx: None)


def test_without_an_event_loop_it_has_to_be_a_def() -> None:
    epos = an_epos()
    epos.on_unresolved(settle_async)
    with pytest.raises(ConfigurationError, match="for what is unresolved is async def"):
        epos.check(allow_async=False, journaled=True)


def test_middleware_stands_around_it_and_makes_no_success_of_what_nobody_knows() -> None:
    epos = an_epos()
    epos.on_unresolved(settle)
    around = []

    @epos.middleware
    def session(ctx: Context, params: Any, proceed: Any) -> Any:
        around.append(params)
        return proceed(ctx, params) or {"id": "made up"}

    registered = epos.unresolved()
    assert registered is not None
    unresolved = Unresolved(method="RecordOrderPaymentById", key="k", age=1.0)
    ctx = Context(method="RecordOrderPaymentByIdV1", raw_id=None, raw_params=b"{}")
    assert registered.function(ctx, unresolved) is None
    assert around == [unresolved]
