"""The bill, as terminals print it."""

from dojo_simulator.check import stock
from dojo_simulator.check.answers import expect, expect_object, member
from dojo_simulator.check.bench import Bench
from dojo_simulator.check.framework import Failed, Flow, Json, Source

flow = Flow("Bills")

LINES = {
    "Image": "image",
    "Logo": "logo",
    "MerchantAddress": "merchantAddress",
    "MerchantEmailAddress": "merchantEmailAddress",
    "MerchantName": "merchantName",
    "MerchantPhoneNumber": "merchantPhoneNumber",
    "Text": "text",
    "URL": "url",
    "HorizontalLine": "horizontalLine",
    "TaxNumber": "taxNumber",
}
"""The type of a line → the member that has what it shows."""


@flow.check(
    "BIL-1",
    "GetOrderBillById",
    expected="header, order and footer; every line has what its lineType says; the order is what "
    "GetOrderById gives",
    source=(Source.API, Source.BILLS),
    needs=("GetOrderBillById", "GetOrderById"),
)
def _bill(bench: Bench) -> None:
    order_id = stock.payable(bench)["id"]
    found = bench.result("GetOrderBillById", {"orderId": order_id})
    for section in ("header", "footer"):
        lines = member("the bill", found, section, "lines")
        for number, line in enumerate(lines):
            _judge(f"{section}.lines[{number}]", expect_object(section, line))
    expect("the bill's order", member("the bill", found, "order"), stock.get(bench, order_id))


def _judge(where: str, line: Json) -> None:
    kind = line.get("lineType")
    if kind not in LINES:
        raise Failed(f"{where}.lineType", expected=f"one of {', '.join(LINES)}", came=kind)
    if not isinstance(line.get(LINES[kind]), dict):
        raise Failed(f"{where}, a {kind}", expected=f"the member {LINES[kind]}", came=sorted(line))
