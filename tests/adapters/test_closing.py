"""What has ended before an engine closes comes into the journal, whatever it closes for."""

import asyncio
from contextlib import closing
from pathlib import Path
from threading import Event, Semaphore, current_thread
from typing import Any

import pytest
from tests.adapters.pieces import DEADLINE
from tests.proto.till import an_order

from dojo_adapters.asyncio import open_service
from dojo_adapters.sqlite import SqliteJournal
from dojo_proto import Context, Epos, Settings
from dojo_proto.journal import RowState
from dojo_simulator import LocalGateway


def test_what_a_thread_has_just_brought_is_journaled_at_a_hard_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "journal.db")
    loop, paying = asyncio.new_event_loop(), asyncio.Event()
    call_soon, brought, may_pay = loop.call_soon_threadsafe, Semaphore(0), Event()
    epos = Epos("acme-epos")

    @epos.on("RecordOrderPaymentById")
    def pay(_ctx: Context, params: Any) -> Any:
        loop.call_soon_threadsafe(paying.set)
        assert may_pay.wait(DEADLINE)
        return an_order(params["orderId"])

    def bring(*arguments: Any) -> None:
        call_soon(*arguments)
        if current_thread().name == "dojo-handler":
            brought.release()

    async def main() -> None:
        settings = Settings(api_key="sk_sandbox_c4nary", url=gateway.url)
        async with open_service(epos, settings, journal=f"sqlite:{path}") as service:
            assert await service.ready()
            payment = {"orderId": "o-1", "paymentIntentId": "pi-1"}
            gateway.wait_for_epos().start_call("RecordOrderPaymentByIdV1", payment)
            await paying.wait()
            assert brought.acquire(timeout=DEADLINE)  # that it pays
            may_pay.set()
            assert brought.acquire(timeout=DEADLINE)  # that it has paid
            raise InterruptedError  # the loop has not come round to that

    monkeypatch.setattr(loop, "call_soon_threadsafe", bring)
    with (
        LocalGateway() as gateway,
        asyncio.Runner(loop_factory=lambda: loop) as runner,
        pytest.raises(InterruptedError),
    ):
        runner.run(main())
    with closing(SqliteJournal(path)) as journal:
        [row] = journal.unsettled()
    assert row.state is RowState.SUCCEEDED  # and Dojo has not been told
