"""The pattern that the page on the journal shows works."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from dojo_adapters import threads
from dojo_proto import Settings
from dojo_simulator import LocalGateway

PAGE = (Path(__file__).parents[2] / "docs/journal.md").read_text("utf-8")
PAYMENT = {
    "orderId": "order-1",
    "paymentIntentId": "pi-1",
    "paidAmount": {"value": 1000, "currencyCode": "GBP"},
}


def test_its_handler_books_once_and_records_it(tmp_path: Path) -> None:
    pattern, *_ = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    scope: dict[str, Any] = {}
    exec(pattern, scope)  # noqa: S102 - it is ours
    scope["DATABASE"] = str(tmp_path / "till.db")
    with closing(sqlite3.connect(scope["DATABASE"])) as till, LocalGateway() as gateway:
        till.execute("CREATE TABLE orders (id, total)")
        till.execute("CREATE TABLE payments (order_id, intent, amount)")
        till.execute("INSERT INTO orders VALUES ('order-1', 1500)")
        till.commit()
        settings = Settings(api_key="sk_sandbox_docs", url=gateway.url)
        with threads.Runner(scope["epos"], settings, journal=f"sqlite:{scope['DATABASE']}"):
            gateway.wait_for_epos()
            for _ in range(2):
                reply = gateway.call("RecordOrderPaymentById", PAYMENT)
                assert reply.error is None
                assert reply.result["paidAmount"]["value"] == 1000
            refused = gateway.call("RecordOrderPaymentById", {**PAYMENT, "paymentIntentId": "pi-2"})
            assert refused.error is not None
            assert refused.error["errorType"] == "Conflict"
        assert till.execute("SELECT intent, amount FROM payments").fetchall() == [("pi-1", 1000)]
