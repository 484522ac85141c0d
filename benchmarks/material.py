"""What all contestants serve: the same requests, types, orders and handler."""

import msgspec

from dojo_proto import Context, Epos, Settings
from dojo_proto.contract import (
    DineInDetails,
    GetOrderByIdParams,
    Money,
    Order,
    OrderDetails,
    OrderItem,
    OrderStatus,
    OrderType,
    Payment,
    TaxLine,
)

SOFTWARE_HOUSE = "acme-epos"
KEY = "sk_sandbox_benchmark"
TABLES = 64
METHOD = "GetOrderByIdV1"


class Request(msgspec.Struct, kw_only=True):
    """A request as a peer's user would decode it: into types, in one go."""

    jsonrpc: str
    id: str
    method: str
    params: GetOrderByIdParams


class Answer(msgspec.Struct, kw_only=True):
    """An answer as a peer's user would encode it."""

    jsonrpc: str = "2.0"
    id: str
    result: Order


def order(table: int) -> Order:
    """The order of a table, about 690 bytes of JSON."""
    pounds = "GBP"
    return Order(
        id=order_id(table),
        status=OrderStatus.ACCEPTED,
        details=OrderDetails(
            order_type=OrderType.DINE_IN,
            dine_in=DineInDetails(table_id=f"table-{table:02}", waiter_id="waiter-7"),
        ),
        total_amount=Money(4500, pounds),
        paid_amount=Money(1500, pounds),
        payable=True,
        payments=[Payment(paid_amount=Money(1500, pounds), payment_intent_id="pi_sandbox_0001")],
        items=[
            OrderItem(name=name, quantity=count, amount_per_item=Money(price, pounds), plu=plu)
            for name, count, price, plu in (
                ("Soup of the day", 2, 650, "1001"),
                ("Grilled lemon sole", 2, 1600, "1002"),
            )
        ],
        tax_lines=[TaxLine(amount_total=Money(750, pounds), amount_percentage=2000, name="VAT")],
    )


def order_id(table: int) -> str:
    """The till's id of the order of a table."""
    return f"0b7e9f4c-5d21-4a53-9f0e-{table:012}"


ORDERS = {order_id(table): order(table) for table in range(TABLES)}


def request(number: int) -> bytes:
    """A request of GetOrderByIdV1 as Dojo sends it, always 290 bytes; each number its own id."""
    return msgspec.json.encode(
        {
            "jsonrpc": "2.0",
            "id": request_id(number),
            "method": METHOD,
            "params": {
                "orderId": order_id(number % TABLES),
                "headers": {
                    "waiterId": "waiter-7",
                    "dojoRequestingProduct": "pay-at-table",
                    "deviceId": "PAXA920-1850123456-000000000007",
                    "deviceType": "terminal",
                },
            },
        }
    )


def request_id(number: int) -> str:
    """The id of a request."""
    return f"7c1f0d52-8a34-4f6b-b1de-{number:012}"


async def get_order(_: Context, params: GetOrderByIdParams) -> Order:
    """The order, as a handler with an event loop gives it."""
    return ORDERS[params.order_id]


def get_order_blocking(_: Context, params: GetOrderByIdParams) -> Order:
    """The order, as a handler in a thread gives it."""
    return ORDERS[params.order_id]


def epos(*, blocking: bool = False) -> Epos:
    """An EPOS with one handler, all settings as they are by default."""
    made = Epos(software_house_id=SOFTWARE_HOUSE)
    made.on(METHOD)(get_order_blocking if blocking else get_order)
    return made


def settings(port: int, *, workers: int = 8) -> Settings:
    """The way to a load on this machine, whatever the environment says of proxies."""
    return Settings(api_key=KEY, url=f"ws://127.0.0.1:{port}/epos", proxy="", workers=workers)


decode_request = msgspec.json.Decoder(Request).decode
_encode_answer = msgspec.json.Encoder().encode


async def answered(data: str | bytes) -> bytes:
    """What a peer's user does with a request, in a task of its own."""
    return answered_blocking(data)


def answered_blocking(data: str | bytes) -> bytes:
    """What a peer's user does with a request, in a thread of a pool or without any I/O."""
    asked = decode_request(data)
    if asked.method != METHOD:
        raise LookupError(asked.method)
    return _encode_answer(Answer(id=asked.id, result=ORDERS[asked.params.order_id]))
