"""The method table: one row for each of the 22 methods of the EPOS Data API.

Everything that differs between methods is a column here, and nowhere else. The names and members
are the vendor's; kind and natural key are this library's reading of them (docs/design.md).
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

import msgspec


class Kind(Enum):
    """How a method is treated when things go wrong."""

    READ = "read"
    """Changes nothing: may time out, is never joined, journaled or replayed."""
    CHANGE = "change"
    """Changes the till: journaled, joined, replayed; a failure is answered and may be retried."""
    MONEY = "money"
    """Books money: as a change, and an unknown outcome is never answered with a guess."""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    """The wire name without its version: `RecordOrderPaymentById`."""
    wire: str
    """The JSON-RPC `method` member: `RecordOrderPaymentByIdV1`."""
    capabilities: tuple[str, ...]
    """The names to register with Dojo; HandleEvent has one for each event type."""
    aliases: tuple[str, ...] = ()
    """Older capability names that Dojo still accepts and may report."""
    kind: Kind = Kind.READ
    natural_key: tuple[str, ...] = ()
    """Members of params that together name the thing created: the same key is the same request."""
    members: tuple[str, ...] = ()
    """Known members of params, without `headers`: what a change's content is hashed over."""
    amounts: tuple[str, ...] = ()
    """Members that, when they differ under one natural key, deserve an alarm; none means all."""
    empty_result: bool = False
    """The result is `{}`."""


def _read(
    name: str, *, capabilities: tuple[str, ...] = (), aliases: tuple[str, ...] = ()
) -> Method:
    return Method(
        name=name, wire=f"{name}V1", capabilities=capabilities or (name,), aliases=aliases
    )


def _change(
    name: str,
    members: str,
    *,
    natural_key: tuple[str, ...] = (),
    capabilities: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    empty_result: bool = False,
) -> Method:
    return Method(
        name=name,
        wire=f"{name}V1",
        capabilities=capabilities or (name,),
        aliases=aliases,
        kind=Kind.CHANGE,
        natural_key=natural_key,
        members=tuple(members.split()),
        empty_result=empty_result,
    )


METHODS: tuple[Method, ...] = (
    # Orders
    _read("SearchOrders"),
    _read("GetOrderById"),
    _read("GetOrderBillById", aliases=("GetOrderBill",)),
    Method(
        name="CreateOrder",
        wire="CreateOrderV1",
        capabilities=("CreateOrder",),
        kind=Kind.MONEY,
        natural_key=("dojoOrderId",),
        members=(
            "items",
            "note",
            "customer",
            "discounts",
            "totalAmount",
            "taxLines",
            "serviceChargeAmount",
            "reference",
            "dojoOrderId",
            "payments",
            "details",
            "displayName",
        ),
        amounts=("totalAmount", "payments"),
    ),
    _change("CancelOrderById", "orderId"),
    _change("CreateOrderLock", "orderId lockId expiry"),
    _change("ExtendOrderLock", "orderId lockId expiry", empty_result=True),
    _change("DeleteOrderLock", "orderId lockId"),
    Method(
        name="RecordOrderPaymentById",
        wire="RecordOrderPaymentByIdV1",
        capabilities=("RecordOrderPaymentById",),
        aliases=("RecordOrderPayment",),
        kind=Kind.MONEY,
        natural_key=("orderId", "paymentIntentId"),
        members=("orderId", "paymentIntentId", "paidAmount", "tipsAmount", "lockId"),
        amounts=("paidAmount", "tipsAmount"),
    ),
    # Tables and areas
    _read("SearchTables"),
    _read("ListAreas"),
    # Parties
    _read("GetPartyById"),
    _read("SearchParties"),
    _change(
        "CreateParty",
        "name covers tableIds status startTime expectedEndTime hostNotes guestRequests "
        "reservationId deposit dojoPartyId dojoReservationId",
        natural_key=("dojoPartyId",),
    ),
    _change(
        "UpdateParty",
        "id dojoPartyId name covers tableIds status startTime expectedEndTime endTime hostNotes "
        "guestRequests deposit",
        aliases=("UpdatePartyById",),
    ),
    _change("DeletePartyById", "partyId", empty_result=True),
    # Reservations
    _read("GetReservationById"),
    _read("SearchReservations"),
    _change(
        "CreateReservation",
        "name covers startTime endTime tableIds hostNotes guestRequests dojoReservationId",
        natural_key=("dojoReservationId",),
    ),
    _change(
        "UpdateReservation",
        "id dojoReservationId name covers startTime endTime tableIds hostNotes guestRequests",
        aliases=("UpdateReservationById",),
    ),
    _change("DeleteReservationById", "reservationId", empty_result=True),
    # Events
    _change(
        "HandleEvent",
        "id accountId event data createdAt",
        natural_key=("id",),
        capabilities=(
            "HandleEvent:payment_intent.created",
            "HandleEvent:payment_intent.status_updated",
        ),
        empty_result=True,
    ),
)


def _by_any_name() -> Mapping[str, Method]:
    names: dict[str, Method] = {}
    for method in METHODS:
        for name in (method.wire, method.name, *method.aliases):
            names[name] = method
    return MappingProxyType(names)


BY_NAME = _by_any_name()
"""Wire name, name, or older name of a method → its row."""
