"""The method table: one row for each of the 22 methods of the EPOS Data API.

Everything that differs between methods is a column here, and nowhere else. The names and members
are the vendor's; kind and natural key are this library's reading of them (docs/design.md).
"""

from collections.abc import Mapping
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any

import msgspec

from dojo_proto.contract import areas, bills, events, orders, parties, reservations, tables
from dojo_proto.contract.shape import is_shape, members


class Kind(Enum):
    """How a method is treated when things go wrong."""

    READ = "read"
    """Changes nothing: may time out, is never joined, journaled or replayed."""
    CHANGE = "change"
    """Changes the till: journaled, joined, replayed; a failure is answered and may be retried."""
    MONEY = "money"
    """Books money: as a change, and an unknown outcome is never answered with a guess."""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table. A method that Dojo adds later can be described by hand."""

    name: str
    """The wire name without its version: `RecordOrderPaymentById`."""
    wire: str
    """The JSON-RPC `method` member: `RecordOrderPaymentByIdV1`."""
    capabilities: tuple[str, ...]
    """The names to register with Dojo; HandleEvent has one for each event type."""
    aliases: tuple[str, ...] = ()
    """Older capability names that Dojo still accepts and may report."""
    kind: Kind = Kind.READ
    params: Any = dict
    """The type of params; `dict` if nothing is known of them."""
    result: Any = Any
    """The type of the result; None means `{}`, and Any that nothing is known of it."""
    natural_key: tuple[str, ...] = ()
    """Members of params that together name the thing created: the same key is the same request."""
    amounts: tuple[str, ...] = ()
    """Members that, when they differ under one natural key, deserve an alarm; none means all."""

    @property
    def members(self) -> tuple[str, ...]:
        """Known members of params, without `headers`: what a change's content is hashed over.

        Empty if `params` is no type of the contract: then its content is all that came.
        """
        return _members(self.params)

    @property
    def empty_result(self) -> bool:
        """Whether the result is `{}`."""
        return self.result is None


@cache
def _members(params: Any) -> tuple[str, ...]:
    names = members(params) if is_shape(params) else ()
    return tuple(name for name in names if name != "headers")


def _read(name: str, params: type, result: Any, *, aliases: tuple[str, ...] = ()) -> Method:
    return Method(
        name=name,
        wire=f"{name}V1",
        capabilities=(name,),
        aliases=aliases,
        params=params,
        result=result,
    )


def _change(
    name: str,
    params: type,
    result: type | None,
    *,
    kind: Kind = Kind.CHANGE,
    natural_key: tuple[str, ...] = (),
    amounts: tuple[str, ...] = (),
    capabilities: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
) -> Method:
    return Method(
        name=name,
        wire=f"{name}V1",
        capabilities=capabilities or (name,),
        aliases=aliases,
        kind=kind,
        params=params,
        result=result,
        natural_key=natural_key,
        amounts=amounts,
    )


METHODS: tuple[Method, ...] = (
    # Orders
    _read("SearchOrders", orders.SearchOrdersParams, orders.PagedOrdersResponse),
    _read("GetOrderById", orders.GetOrderByIdParams, orders.Order),
    _read(
        "GetOrderBillById",
        bills.GetOrderBillByIdParams,
        bills.OrderBill,
        aliases=("GetOrderBill",),
    ),
    _change(
        "CreateOrder",
        orders.CreateOrderParams,
        orders.Order,
        kind=Kind.MONEY,
        natural_key=("dojoOrderId",),
        amounts=("totalAmount", "payments"),
    ),
    _change("CancelOrderById", orders.CancelOrderByIdParams, orders.Order),
    _change("CreateOrderLock", orders.CreateOrderLockParams, orders.Order),
    _change("ExtendOrderLock", orders.ExtendOrderLockParams, None),
    _change("DeleteOrderLock", orders.DeleteOrderLockParams, orders.Order),
    _change(
        "RecordOrderPaymentById",
        orders.RecordOrderPaymentByIdParams,
        orders.Order,
        kind=Kind.MONEY,
        natural_key=("orderId", "paymentIntentId"),
        amounts=("paidAmount", "tipsAmount"),
        aliases=("RecordOrderPayment",),
    ),
    # Tables and areas
    _read("SearchTables", tables.SearchTablesParams, tables.PagedTablesResponse),
    _read("ListAreas", areas.ListAreasParams, list[areas.Area]),
    # Parties
    _read("GetPartyById", parties.GetPartyByIdParams, parties.Party),
    _read("SearchParties", parties.SearchPartiesParams, parties.PagedPartiesResponse),
    _change("CreateParty", parties.CreatePartyParams, parties.Party, natural_key=("dojoPartyId",)),
    _change("UpdateParty", parties.UpdatePartyParams, parties.Party, aliases=("UpdatePartyById",)),
    _change("DeletePartyById", parties.DeletePartyByIdParams, None),
    # Reservations
    _read("GetReservationById", reservations.GetReservationByIdParams, reservations.Reservation),
    _read(
        "SearchReservations",
        reservations.SearchReservationsParams,
        reservations.PagedReservationsResponse,
    ),
    _change(
        "CreateReservation",
        reservations.CreateReservationParams,
        reservations.Reservation,
        natural_key=("dojoReservationId",),
    ),
    _change(
        "UpdateReservation",
        reservations.UpdateReservationParams,
        reservations.Reservation,
        aliases=("UpdateReservationById",),
    ),
    _change("DeleteReservationById", reservations.DeleteReservationByIdParams, None),
    # Events
    _change(
        "HandleEvent",
        events.HandleEventParams,
        None,
        natural_key=("id",),
        capabilities=(
            "HandleEvent:payment_intent.created",
            "HandleEvent:payment_intent.status_updated",
        ),
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
