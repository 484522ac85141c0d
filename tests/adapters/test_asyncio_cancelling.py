"""On asyncio anybody may cancel any task at any moment, and twice: a service ends all the same."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.pieces import DEADLINE

from dojo_adapters.asyncio import AsyncioEngine, serve
from dojo_adapters.sqlite import SqliteJournal
from dojo_adapters.tls import Wire
from dojo_proto import Context, Epos, Link, Settings
from dojo_simulator import ONCE, ConnectionEnded, LocalGateway

KEY = "sk_sandbox_c4nary"


def after(turns: int, act: Callable[[], object]) -> None:
    """Call `act` so many turns of the loop later."""
    if turns:
        asyncio.get_running_loop().call_soon(after, turns - 1, act)
    else:
        act()


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_with_all_other_tasks_while_the_loop_takes_up_a_socket(
    loop: str, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    epos = Epos("acme-epos")
    epos.on("ListAreas")(lambda _ctx, _params: [])
    new_loop = pytest.importorskip(loop).new_event_loop
    sockets: list[socket.socket] = []
    carry = AsyncioEngine.carry

    async def main(url: str) -> None:
        this = asyncio.current_task()

        def cancel_others() -> None:
            for task in asyncio.all_tasks():
                if task is not this:
                    task.cancel()

        def carry_and_cancel(
            engine: AsyncioEngine, sock: socket.socket, link: Link, wire: Wire
        ) -> None:
            sockets.append(sock)
            carry(engine, sock, link, wire)
            after(turns, cancel_others)

        monkeypatch.setattr(AsyncioEngine, "carry", carry_and_cancel)
        serving = asyncio.create_task(serve(epos, Settings(api_key=KEY, url=url)))
        await asyncio.wait([serving], timeout=DEADLINE)
        assert serving.cancelled()

    with LocalGateway(close_timeout=0.05) as gateway, asyncio.Runner(loop_factory=new_loop) as run:
        run.run(main(gateway.url))
    assert [sock.fileno() for sock in sockets] == [-1]


def test_again_while_it_waits_for_a_handler_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    epos = Epos("acme-epos")

    async def main(gateway: LocalGateway) -> None:
        running, told, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def goes_on(_ctx: Context, _params: Any) -> list[Any]:
            running.set()
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                told.set()
                await may_end.wait()
            return []

        epos.on("ListAreas")(goes_on)
        settings = Settings(api_key=KEY, url=gateway.url)
        serving = asyncio.create_task(serve(epos, settings, journal=f"sqlite:{path}"))
        await asyncio.to_thread(gateway.wait_for_epos, DEADLINE)
        asking = asyncio.create_task(asyncio.to_thread(gateway.call, "ListAreas", retry=ONCE))
        async with asyncio.timeout(DEADLINE):
            await running.wait()
            serving.cancel()
            await told.wait()
            serving.cancel()
            await asyncio.wait([serving])
            assert serving.cancelled()
            SqliteJournal(path).close()  # which nobody holds any more
            may_end.set()
            with pytest.raises(ConnectionEnded):
                await asking

    with LocalGateway(close_timeout=0.05) as gateway:
        asyncio.run(main(gateway))
