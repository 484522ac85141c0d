"""Whatever an EPOS or a till does, the run goes on, and the API key stays secret."""

from collections.abc import Callable

from tests.simulator.check.conftest import Judge

from dojo_proto import Context, Epos, NotFound
from dojo_proto.contract import GetOrderByIdParams, Order
from dojo_simulator.check import Bench, Verdict, chosen, make
from dojo_simulator.restaurant import Restaurant, Staff, epos


def test_a_till_that_raises_fails_the_check_alone(host: Callable[..., Bench]) -> None:
    class Broken(Staff):
        def new_order(self, table_id: str | None = None) -> str:
            raise OSError(f"no paper at {table_id}")

    with Restaurant() as restaurant:
        bench = host(epos, state=restaurant, till=Broken(restaurant))
        unknown, paid = make(bench, chosen(["PAY-1", "ORD-11"]))
    assert paid.verdict is Verdict.FAILED
    assert "OSError: no paper at None" in paid.said
    assert unknown.verdict is Verdict.PASSED


def test_a_key_that_the_epos_repeats_is_cut_out(judge: Judge) -> None:
    indiscreet = Epos(software_house_id="acme")

    @indiscreet.on("GetOrderById")
    def get(_ctx: Context, _params: GetOrderByIdParams) -> Order:
        raise NotFound("Basic sk_sandbox_check is my key")

    finding = judge(indiscreet, "ORD-11")
    assert finding.verdict is Verdict.PASSED
    assert "is my key" in finding.exchanges[0].came
    assert "sk_sandbox_check" not in repr(finding)
