"""A check that failed says what went wrong in the EPOS meanwhile."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.simulator.check.conftest import Judge
from tests.simulator.check.spoilt import Right, Spoilt, shown

from dojo_proto import Context, Epos
from dojo_proto.events import Event, HandlerFailed, OutcomeUnknown, ResultUnfit
from dojo_simulator.check import QUICK, Bench, Verdict, chosen, hosting, make
from dojo_simulator.check.troubles import troubles
from dojo_simulator.restaurant import epos as right_epos

HERE = Path(__file__).name


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is named as seen from the working directory, where it is below that."""
    monkeypatch.chdir(Path(__file__).parent)


def first_line(function: Callable[..., Any]) -> int:
    return function.__code__.co_firstlineno + 1


def raised(error: BaseException) -> Event:
    return HandlerFailed(method="GetOrderByIdV1", trace_id="t-1", error=error)


# What is told of a check.


def fail(_ctx: Context, _params: Any) -> None:
    raise ValueError("my bug here")


def test_of_a_handler_that_raised_what_and_where(judge: Judge) -> None:
    finding = judge(Spoilt({"GetOrderById": lambda _: fail}), "ORD-11")
    assert finding.verdict is Verdict.FAILED
    where = f"{HERE}:{first_line(fail)}"
    said = f"the handler of GetOrderByIdV1 raised ValueError: my bug here ({where})"
    assert finding.meanwhile == (said,)


def test_of_a_result_that_is_none_what_is_wrong_with_it(judge: Judge) -> None:
    def spoil(_right: Right) -> Right:
        return lambda _ctx, _params: {"id": 7}

    finding = judge(Spoilt({"GetOrderById": spoil}), "ORD-11")
    [said] = finding.meanwhile
    assert said.startswith("what the handler of GetOrderByIdV1 returned is no result: ")


def test_of_a_payment_that_is_not_answered_why(judge: Judge) -> None:
    epos = Epos(software_house_id="acme")
    epos.on("GetOrderById")(right_epos.handlers()["GetOrderByIdV1"].function)
    epos.on("RecordOrderPaymentById")(fail)
    finding = judge(epos, "PAY-7", pace=replace(QUICK, patience=0.3))
    assert "none in time" in finding.said
    failed, unknown = finding.meanwhile
    assert failed.startswith(
        "the handler of RecordOrderPaymentByIdV1 raised ValueError: my bug here "
    )
    assert unknown == (
        "whether RecordOrderPaymentByIdV1 was done is not known: "
        "its handler raised, and there is no lookup to ask"
    )


def test_what_went_wrong_before_a_check_began_is_not_told_of_it(host: Callable[..., Bench]) -> None:
    def spoil(right: Right) -> Right:
        def search(ctx: Context, params: Any) -> Any:
            page = shown(right(ctx, params))
            for order in page["data"]:
                del order["displayName"]
            return page

        return search

    bench = host(Spoilt({"GetOrderById": lambda _: fail, "SearchOrders": spoil}))
    [before] = make(bench, chosen(["ORD-11"]))
    [finding] = make(bench, chosen(["ORD-9"]))
    assert before.meanwhile
    assert finding.verdict is Verdict.FAILED
    assert finding.meanwhile == ()


def test_the_api_key_is_not_told(judge: Judge) -> None:
    def indiscreet(_ctx: Context, _params: Any) -> None:
        raise OSError("401 for Basic sk_prod_c4nary, where sk_sandbox_check was expected")

    finding = judge(Spoilt({"GetOrderById": lambda _: indiscreet}), "ORD-11")
    [said] = finding.meanwhile
    assert "401 for Basic sk_prod_…" in said
    assert "c4nary" not in said
    assert "sk_sandbox_check" not in said


def test_events_that_never_come_are_not_awaited_for_long(
    host: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "_TOLD_WITHIN", 0.01)
    bench = host(Spoilt({}))
    assert bench.hosted.troubles(after=0, trace_ids=["of-no-request"]) == ()


# How it is told.


def test_the_line_is_the_innermost_of_the_epos_itself() -> None:
    def read() -> None:
        json.loads("{")

    with pytest.raises(ValueError, match="Expecting property name") as info:
        read()
    [said] = troubles([raised(info.value)])
    assert said.startswith("the handler of GetOrderByIdV1 raised json.decoder.JSONDecodeError: ")
    assert said.endswith(f" ({HERE}:{first_line(read)})")


def test_without_a_line_of_its_own_it_is_the_innermost(tmp_path: Path) -> None:
    path = tmp_path / "site-packages" / "driver.py"
    names: dict[str, Any] = {"__name__": "driver"}
    exec(compile("def ask():\n    raise OSError('gone')", path, "exec"), names)  # noqa: S102 - our own code
    with pytest.raises(OSError, match="gone") as info:
        names["ask"]()
    error = info.value.with_traceback(info.tb.tb_next)  # as if not called from this file
    assert troubles([raised(error)]) == (
        f"the handler of GetOrderByIdV1 raised OSError: gone ({path}:2)",
    )


def test_which_function_it_was_is_told() -> None:
    failed = HandlerFailed(
        method="CreateOrderV1", function="lookup", trace_id="", error=OSError("gone")
    )
    unfit = ResultUnfit(method="CreateOrderV1", function="lookup", trace_id="", reason="no id")
    assert troubles([failed, unfit]) == (
        "the lookup of CreateOrderV1 raised OSError: gone",
        "what the lookup of CreateOrderV1 returned is no result: no id",
    )


def test_what_was_never_raised_has_no_line() -> None:
    assert troubles([raised(KeyError("id"))]) == (
        "the handler of GetOrderByIdV1 raised KeyError: 'id'",
    )


def test_what_happens_again_is_told_once_and_of_many_things_the_last() -> None:
    unfit = [
        ResultUnfit(method="ListAreasV1", trace_id=f"t-{number}", reason=f"[{number % 6}]: no id")
        for number in range(12)
    ]
    assert troubles(unfit) == (
        "(2 more before these)",
        *(
            f"what the handler of ListAreasV1 returned is no result: [{number}]: no id"
            for number in range(2, 6)
        ),
    )
    unknown = OutcomeUnknown(method="CreateOrderV1", key="k", reason="it was cut off", age=0.0)
    assert troubles([unknown, unknown]) == (
        "whether CreateOrderV1 was done is not known: it was cut off",
    )


def test_a_long_or_odd_text_fits_any_file() -> None:
    [long] = troubles([raised(ValueError("x" * 1000))])
    assert 300 < len(long) < 350
    assert long.endswith("x…")
    [odd] = troubles([raised(ValueError("\x1b[2J\udcff\nnext"))])
    assert odd == "the handler of GetOrderByIdV1 raised ValueError: ?[2J?\nnext"
