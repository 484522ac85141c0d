"""dojo-proto itself, in each of its runtimes, with every check, limit and setting as it is."""

from benchmarks.material import epos, settings
from benchmarks.peers.loops import loop_factory, workers
from dojo_adapters.runtimes import load_runtime


def serve(port: int, loop: str) -> None:
    """Serve with the runtime "asyncio", "uvloop", "anyio", "trio", "threads" or "threads-32"."""
    if loop in {"asyncio", "uvloop"}:
        from dojo_adapters import asyncio  # noqa: PLC0415 - the other runtimes do not need it

        asyncio.run(epos(), settings(port), loop_factory=loop_factory(loop))
    else:
        runtime = loop.partition("-")[0]
        served = settings(port, workers=workers(loop))
        load_runtime(runtime).run(epos(blocking=runtime == "threads"), served)
