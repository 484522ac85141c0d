"""The runtimes that carry a `dojo_proto` client: asyncio, trio, anyio and threads.

Each module has the same shape: `run` blocks and owns the signals, `serve` runs inside somebody
else's loop, `open_service` gives a handle. They carry bytes, run handlers and keep the journal;
what to do is decided in `dojo_proto`.
"""
