"""Orders: what was ordered, what is owed, what is paid; and locks on them."""

from typing import Annotated, ClassVar

from msgspec import Meta, field

from dojo_proto.contract.money import Money
from dojo_proto.contract.requests import Cursor, Page, Params
from dojo_proto.contract.shape import OpenEnum, Sent, Shape, Time


class OrderStatus(OpenEnum):
    """How far an order is."""

    NEW = "New"
    SUBMITTED = "Submitted"
    CONFIRMED = "Confirmed"
    ACCEPTED = "Accepted"
    PREPARING = "Preparing"
    PREPARED = "Prepared"
    READY = "Ready"
    FINALIZED = "Finalized"
    CANCELED = "Canceled"
    FAILED = "Failed"


class OrderType(OpenEnum):
    """Where it is eaten."""

    DINE_IN = "DineIn"
    COLLECTION = "Collection"


class Customer(Shape, kw_only=True):
    """Who ordered. Takes no further members."""

    closed: ClassVar[bool] = True

    id: str | None = None
    email_address: Annotated[str, Sent(Meta(max_length=254))] | None = None
    """At most 254 characters."""
    phone_number: Annotated[str, Sent(Meta(max_length=50))] | None = None
    """At most 50 characters."""
    name: str | None = None


class Modifier(Shape, kw_only=True):
    """A change of one item, such as extra cheese."""

    name: str
    """For people."""
    quantity: int
    """How often for each single item: 2 for two burgers with double cheese each, not 4."""
    amount_per_modifier: Money
    """The price of one."""
    plu: str
    """The price look-up code of the till's menu."""


class OrderSubItem(Shape, kw_only=True):
    """A part of an item, such as a dish of a set menu."""

    name: str
    """For people."""
    quantity: int
    amount_per_item: Money
    """The price of one, without modifiers and discounts."""
    plu: str
    """The price look-up code of the till's menu."""
    note: str | None = None
    modifiers: list[Modifier] = field(default_factory=list)


class OrderItem(Shape, kw_only=True):
    """A line of an order."""

    name: str
    """For people."""
    quantity: int
    amount_per_item: Money
    """The price of one, without modifiers, sub-items and discounts."""
    plu: str
    """The price look-up code of the till's menu."""
    note: str | None = None
    sub_items: list[OrderSubItem] = field(default_factory=list)
    modifiers: list[Modifier] = field(default_factory=list)


class Discount(Shape, kw_only=True):
    """What is taken off an order."""

    name: str
    amount_total: Money
    """What it takes off in all."""
    amount_percentage: int | None = None
    """Hundredths of a per cent: 2510 for 25.1 %."""
    affected_plu: str | None = None
    """The product that it is for; absent if it is for the whole order."""
    discount_reference: str | None = None
    """Names the discount, uniquely."""
    code: str | None = None


class TaxLine(Shape, kw_only=True):
    """A tax inside an order. Takes no further members."""

    closed: ClassVar[bool] = True

    amount_total: Money
    amount_percentage: int | None = None
    """Hundredths of a per cent: 2510 for 25.1 %."""
    id: Annotated[str, Sent(Meta(max_length=60))] | None = None
    """At most 60 characters."""
    name: Annotated[str, Sent(Meta(max_length=100))] | None = None
    """At most 100 characters."""
    affected_plu: str | None = None
    """The product that it is for, if for one only."""


class Payment(Shape, kw_only=True):
    """What was paid at one time."""

    paid_amount: Money
    """Without the tip, with a service charge."""
    tips_amount: Money | None = None
    """The tip, which `paid_amount` does not include."""
    payment_intent_id: str | None = None
    """Dojo's id of it. Absent for what Dojo has no part in, such as cash."""


class DineInDetails(Shape, kw_only=True):
    """Where an order is eaten."""

    table_id: str | None = None
    waiter_id: str | None = None
    party_id: str | None = None
    """The party that it belongs to."""
    reservation_id: str | None = None
    ready_at: Time | None = None
    """When an order that was made in advance is to be ready."""


class CollectionDetails(Shape, kw_only=True):
    """When an order is fetched."""

    asap: bool | None = None
    """As soon as possible."""
    collect_at: Time | None = None
    """If not as soon as possible."""


class OrderDetails(Shape, kw_only=True):
    """Eaten here or fetched. One of `dine_in` and `collection` has to be sent, even if empty."""

    any_of: ClassVar[tuple[str, ...]] = ("dineIn", "collection")

    order_type: OrderType
    dine_in: DineInDetails | None = None
    collection: CollectionDetails | None = None


class Order(Shape, kw_only=True):
    """An order as it is now.

    The schema lets `id`, `total_amount`, `paid_amount` and `payable` be absent; Dojo needs them to
    take a payment, so send them always.
    """

    status: OrderStatus
    details: OrderDetails
    id: str | None = None
    """The till's own id of it."""
    total_amount: Money | None = None
    """What is owed in all: after discounts and taxes, with service charge, without tips."""
    paid_amount: Money | None = None
    """The sum of the payments without tips. Equal to `total_amount`: fully paid."""
    tips_amount: Money | None = None
    """The sum of the payments' tips."""
    service_charge_amount: Money | None = None
    """Part of `total_amount`."""
    payable: bool | None = None
    """Whether a payment may be taken now: not while it is edited at the till, nor once paid."""
    payments: list[Payment] = field(default_factory=list)
    items: list[OrderItem] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)
    reference: str | None = None
    """An order number for people."""
    display_name: str | None = None
    """What terminals show, in 24 characters; without it the table's id, else the order's id."""
    note: str | None = None
    customer: Customer | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class PagedOrdersResponse(Page, kw_only=True):
    """A page of orders."""

    data: list[Order]


class SearchDineInDetails(Shape, kw_only=True):
    """Which orders: those for which all members hold."""

    table_id: str | None = None
    waiter_id: str | None = None
    party_id: str | None = None
    reservation_id: str | None = None


class SearchOrdersParams(Params, kw_only=True):
    """Which orders to list."""

    dine_in: SearchDineInDetails | None = None
    payable_only: bool | None = None
    """Only orders whose `payable` is true."""
    cursor: Cursor | None = None


class GetOrderByIdParams(Params, kw_only=True):
    """Which order to show."""

    order_id: str


class CreateOrderParams(Params, kw_only=True):
    """An order that was made, and mostly paid, outside the till."""

    items: list[OrderItem]
    total_amount: Money
    """What is owed in all: after discounts and taxes, with service charge, without tips."""
    dojo_order_id: str
    """Dojo's id of it: the same one again is the same order."""
    payments: list[Payment]
    details: OrderDetails
    discounts: list[Discount] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)
    service_charge_amount: Money | None = None
    """Part of `total_amount`."""
    note: str | None = None
    customer: Customer | None = None
    reference: str | None = None
    """An order number for people."""
    display_name: str | None = None


class CancelOrderByIdParams(Params, kw_only=True):
    """Which order to cancel."""

    order_id: str


class CreateOrderLockParams(Params, kw_only=True):
    """Which order nobody but Dojo may change for a while."""

    order_id: str
    lock_id: str
    """Dojo's id of the lock: the same one again is the same lock."""
    expiry: Time
    """From then on the till may free the order by itself."""


class ExtendOrderLockParams(Params, kw_only=True):
    """Which lock lasts longer."""

    order_id: str
    lock_id: str
    expiry: Time
    """Instead of the earlier one."""


class DeleteOrderLockParams(Params, kw_only=True):
    """Which lock ends."""

    order_id: str
    lock_id: str


class RecordOrderPaymentByIdParams(Params, kw_only=True):
    """A payment that Dojo has taken, to be booked on an order."""

    order_id: str
    payment_intent_id: str
    """Dojo's id of the payment: the same one again on this order is the same payment."""
    paid_amount: Money
    """Without the tip, with a service charge."""
    tips_amount: Money | None = None
    """The tip, which `paid_amount` does not include."""
    lock_id: str | None = None
    """The lock that it is paid under, if there is one."""
