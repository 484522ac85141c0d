"""Rows: requests a second from end to end, over loopback, with 64 under way."""

from collections.abc import Sequence
from functools import partial

from benchmarks.load import check_answers, connected, throughput
from benchmarks.rows import Goal, Measure, Row


def rate(contestant: str, loop: str = "", *, smoke: bool, checked: bool = True) -> float:
    """Requests a second that a contestant answers, in a fresh process."""
    with connected(contestant, loop) as sock:
        if checked:
            check_answers(sock)
        if smoke:
            return throughput(sock, seconds=0.02, warm_up=0.01)
        return throughput(sock, seconds=1.0, warm_up=0.4)


def _row(runtime: str, factor: float, *peers: str, on: str, needs: Sequence[str] = ()) -> Row:
    loop = "asyncio" if runtime in {"anyio", "trio"} else runtime
    theirs: dict[str, Measure] = {
        peer: partial(rate, peer.replace("-", "_").replace(".", "_"), loop) for peer in peers
    }
    return Row(
        name=runtime,
        what=f"requests a second from end to end, {on}",
        unit="/s",
        better="more",
        goal=Goal(factor=factor),
        ours=partial(rate, "ours", runtime),
        peers=theirs,
        needs=needs,
        peer_needs=_MODULES,
    )


_MODULES = {
    "trio-websocket": "trio_websocket",
    "websocket-client": "websocket",
    "websockets.sync": "websockets",
}

ROWS = (
    Row(
        name="ceiling",
        what="requests a second that the load itself can do, beside ours on uvloop",
        unit="/s",
        better="more",
        ours=partial(rate, "ours", "uvloop"),
        peers={"canned answers": partial(rate, "sink", "uvloop", checked=False)},
        references=["canned answers"],
        needs=("uvloop",),
    ),
    _row("uvloop", 1.5, "picows", on="asyncio on uvloop", needs=("uvloop",)),
    _row("asyncio", 1.3, "picows", "aiohttp", "websockets", on="asyncio"),
    _row("anyio", 1.3, "websockets", on="anyio (websockets: asyncio)", needs=("anyio",)),
    _row("trio", 8, "trio-websocket", on="trio", needs=("trio",)),
    _row("threads", 2.5, "websockets.sync", "websocket-client", on="8 threads"),
    _row("threads-32", 2.5, "websockets.sync", "websocket-client", on="32 threads"),
)
