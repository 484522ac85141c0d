"""A small restaurant whose EPOS implements every method: the sample to copy from.

`epos` is what to serve. The modules by area have its handlers: what Dojo asks for, and how it is
answered from a database.

    orders, order_and_pay, locks, payments, bills    what guests order and pay
    tables, parties, reservations                    where they sit, now and later
    events                                           what Dojo tells afterwards
    unresolved                                       what was under way when the till went down

A real till has the rest already: its books (`database`, `schema`, `documents`, `ledger`,
`seating`, `menu`, `paging`), and its staff (`Restaurant`).
"""

from dojo_simulator.restaurant import (
    bills,
    events,
    locks,
    order_and_pay,
    orders,
    parties,
    payments,
    reservations,
    tables,
    unresolved,
)
from dojo_simulator.restaurant.actions import Staff, till_actions
from dojo_simulator.restaurant.serving import epos
from dojo_simulator.restaurant.till import Restaurant, house

__all__ = [
    "Restaurant",
    "Staff",
    "bills",
    "epos",
    "events",
    "house",
    "locks",
    "order_and_pay",
    "orders",
    "parties",
    "payments",
    "reservations",
    "tables",
    "till_actions",
    "unresolved",
]
