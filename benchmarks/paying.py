"""A till that books payments: `python -m benchmarks.paying RUNTIME SYNCS PORT PATH`.

RUNTIME is "asyncio" or "threads". SYNCS is "shared", which is how the library does it, or "single":
then each step of the journal is in a transaction of its own, and waits for the disk by itself.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.child import end_with_parent
from benchmarks.material import ORDERS, SOFTWARE_HOUSE, settings
from dojo_adapters.runtimes import load_runtime
from dojo_adapters.sqlite import SqliteJournal
from dojo_proto import Context, Epos, JournalStore
from dojo_proto.contract import Order, RecordOrderPaymentByIdParams
from dojo_proto.journal import Found, JournalError, Row
from dojo_proto.work import JournalStep

METHOD = "RecordOrderPaymentByIdV1"


class SingleSteps:
    """A store that does one step after the other, each durable before the next begins."""

    blocking = True

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self.unsettled: Callable[[], Sequence[Row]] = store.unsettled
        self.close: Callable[[], None] = store.close

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        """Do `steps`."""
        return [self._store.perform([step])[0] for step in steps]


async def _pay(_: Context, params: RecordOrderPaymentByIdParams) -> Order:
    return ORDERS[params.order_id]


def _pay_blocking(_: Context, params: RecordOrderPaymentByIdParams) -> Order:
    return ORDERS[params.order_id]


def serve(runtime: str, syncs: str, port: int, path: str) -> None:
    """Serve for ever."""
    epos = Epos(software_house_id=SOFTWARE_HOUSE)
    epos.on(METHOD)(_pay_blocking if runtime == "threads" else _pay)
    store: Any = SqliteJournal(path)
    journal = store if syncs == "shared" else SingleSteps(store)
    load_runtime(runtime).run(epos, settings(port), journal=journal)


if __name__ == "__main__":
    end_with_parent()
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
