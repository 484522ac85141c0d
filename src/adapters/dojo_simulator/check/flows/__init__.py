"""The checks, a module for each flow, in the order in which they are made."""

from dojo_simulator.check.flows import (
    bills,
    bookings,
    connection,
    envelope,
    events,
    locks,
    order_and_pay,
    orders,
    paging,
    payments,
    registration,
    tables,
)
from dojo_simulator.check.framework import Check

FLOWS = (
    connection.flow,
    tables.flow,
    orders.flow,
    paging.flow,
    bills.flow,
    locks.flow,
    payments.flow,
    order_and_pay.flow,
    events.flow,
    bookings.flow,
    registration.flow,  # one that registers when it starts has had the time to
    envelope.flow,  # judges what came before
    registration.configuration,  # the last one may leave an EPOS that runs by itself without key
)

CHECKS: tuple[Check, ...] = tuple(check for flow in FLOWS for check in flow.checks)
