"""The till behind the stories' EPOS, and that EPOS."""

from threading import Event, Lock, Semaphore
from typing import Any

from tests.adapters.life_stories.serving import DEADLINE, Runtime
from tests.proto.till import an_order

from dojo_proto import Context, Epos

HELD = "held"
"""The id of an order whose handlers wait at the till's door."""


class Till:
    """Books payments. What concerns the order HELD waits until the story opens the door."""

    def __init__(self) -> None:
        self.booked: list[str] = []
        self.door = Event()
        self.cancelled = Event()
        """An `async def` has been cancelled."""
        self._arrived = Semaphore(0)
        self._lock = Lock()

    def visit(self, order: object) -> None:
        """Wait at the door if `order` is HELD."""
        if order == HELD:
            self.arrive()
            self.door.wait()

    def arrive(self) -> None:
        """Somebody stands at the door."""
        self._arrived.release()

    def wait_for_visitor(self) -> None:
        """Wait until a further handler stands at the door."""
        assert self._arrived.acquire(timeout=DEADLINE), "no handler has come to the door"

    def book(self, payment: str) -> None:
        with self._lock:
            self.booked.append(payment)


def make_epos(till: Till, runtime: Runtime) -> Epos:
    """Reads and a payment; what is `async def` where the runtime has a loop is `def` elsewhere.

    ListAreas never ends by itself where it is `async def`.
    """
    epos = Epos("acme-epos")

    @epos.on("GetOrderById")
    def get_order(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        till.visit(params["orderId"])
        return order(params["orderId"])

    @epos.on("RecordOrderPaymentById")
    def pay(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        till.visit(params["orderId"])
        till.book(params["paymentIntentId"])
        return order(params["orderId"], *till.booked)

    if not runtime.allows_async:

        @epos.on("SearchOrders")
        def search_at_once(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
            return {"data": []}

        @epos.on("ListAreas")
        def list_areas_at_the_door(_ctx: Context, _params: dict[str, Any]) -> list[Any]:
            till.visit(HELD)
            return []

        return epos

    @epos.on("SearchOrders")
    async def search(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        await runtime.sleep(0)
        return {"data": []}

    @epos.on("ListAreas")
    async def list_areas_for_ever(_ctx: Context, _params: dict[str, Any]) -> None:
        till.arrive()
        try:
            while True:
                await runtime.sleep(3600)
        finally:
            till.cancelled.set()

    return epos


def order(order_id: str, *intents: str) -> dict[str, Any]:
    """An order with the payments that were recorded."""
    return an_order(
        order_id,
        payments=[
            {"paymentIntentId": intent, "paidAmount": {"value": 1250, "currencyCode": "GBP"}}
            for intent in intents
        ],
    )


def payment(order: str, intent: str, value: int = 1250) -> dict[str, Any]:
    """The params of a RecordOrderPaymentByIdV1."""
    return {
        "orderId": order,
        "paymentIntentId": intent,
        "paidAmount": {"value": value, "currencyCode": "GBP"},
        "headers": {"waiterId": "w-1", "deviceId": "d-1"},
    }
