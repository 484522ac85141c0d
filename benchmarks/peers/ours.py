"""dojo-proto itself, in each of its runtimes, with every check, limit and setting as it is."""

from benchmarks.material import epos, settings
from benchmarks.peers.loops import loop_factory
from dojo_adapters.runtimes import load_runtime


def serve(port: int, loop: str) -> None:
    """Serve with the runtime "asyncio", "uvloop", "anyio", "trio" or "threads"."""
    if loop in {"asyncio", "uvloop"}:
        from dojo_adapters import asyncio  # noqa: PLC0415 - the other runtimes do not need it

        asyncio.run(epos(), settings(port), loop_factory=loop_factory(loop))
    else:
        load_runtime(loop).run(epos(blocking=loop == "threads"), settings(port))
