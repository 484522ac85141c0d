"""Serve an EPOS with anyio, on asyncio or on trio.

The service runs on the backend itself: what a handler does with anyio works there, and a task group
of anyio's would cost more for each request than all else.
"""

import sys
from contextlib import AbstractAsyncContextManager
from typing import Any, Unpack

import anyio
import anyio.abc

from dojo_adapters.asyncio import AsyncioEngine, Opening
from dojo_adapters.options import Options
from dojo_adapters.service import Service
from dojo_adapters.signals import owned_signals
from dojo_proto import Epos, Settings, Status

__all__ = ["Service", "open_service", "run", "serve"]


def run(
    epos: Epos,
    settings: Settings | None = None,
    *,
    backend: str = "asyncio",
    backend_options: dict[str, Any] | None = None,
    **options: Unpack[Options],
) -> Status:
    """Serve until SIGINT or SIGTERM, which drain; a second one stops at once.

    `settings` come from the environment if None; `backend` and `backend_options` are those of
    `anyio.run`. Returns the status at the end: `cut_off` says whether something was. Raises
    ConfigurationError, or AuthenticationError if the gateway refuses the key.
    """

    async def main() -> Status:
        async with open_service(epos, settings, **options) as service:
            with owned_signals(service.request_stop, service.request_abort):
                await service.wait()
            return service.status()

    return anyio.run(main, backend=backend, backend_options=backend_options)


async def serve(
    epos: Epos,
    settings: Settings | None = None,
    *,
    task_status: anyio.abc.TaskStatus[Service] = anyio.TASK_STATUS_IGNORED,
    **options: Unpack[Options],
) -> None:
    """Serve until cancelled, which is a hard stop: nothing more is answered.

    `await task_group.start(serve, epos, …)` returns the Service at once; `ready()` waits for the
    connection. Takes and raises what `run` does.
    """
    async with open_service(epos, settings, **options) as service:
        task_status.started(service)
        await service.wait()


def open_service(
    epos: Epos, settings: Settings | None = None, **options: Unpack[Options]
) -> AbstractAsyncContextManager[Service]:
    """Serve while the block runs. Leaving it drains; an exception or a cancellation stops at once.

    Takes what `run` does. Raises what ended the service when the block is left.
    """
    if _runs_on_trio():
        from dojo_adapters import trio as native  # noqa: PLC0415 - only where trio is

        return native.open_service(epos, settings, **options)
    # anyio cancels what is in a cancelled scope anew in each turn of the loop.
    return Opening(lambda: AsyncioEngine(epos, settings, **options), _shield)


def _runs_on_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_task())


def _shield() -> anyio.CancelScope:
    return anyio.CancelScope(shield=True)
