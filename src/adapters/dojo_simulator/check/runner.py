"""Makes the checks, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

from dojo_proto import ConfigurationError, DojoError, Epos
from dojo_simulator.check.bench import Bench, Given
from dojo_simulator.check.flows import CHECKS
from dojo_simulator.check.framework import Check, Failed, Finding, Skipped, Verdict
from dojo_simulator.check.hosting import Hosted, implemented
from dojo_simulator.check.pace import Pace
from dojo_simulator.check.tap import Tap
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.till_actions import TillActions

QUICK = Pace(scale=0.02, lock=0.5)
"""For an EPOS that is served here: what takes it a minute takes little more than a second."""
REAL = Pace()
"""For one that runs by itself, with its own pauses."""

_NEVER = 3600.0


@contextmanager
def hosted_bench(
    epos: Epos,
    *,
    runtime: str = "asyncio",
    state: Any = None,
    till: TillActions | None = None,
    given: Given | None = None,
    pace: Pace = QUICK,
) -> Iterator[Bench]:
    """Serve `epos` on `runtime` against a gateway of its own while the block runs.

    `state` is what its handlers get, `till` works its till, `given` names data to use.

    Raises ConfigurationError if it cannot be served, OSError if no port is free.
    """
    with ExitStack() as stack:
        gateway = stack.enter_context(LocalGateway(ping_interval=_NEVER))
        tap = stack.enter_context(Tap(gateway.host, gateway.port))
        api_url = _rest_side(stack, gateway)
        hosted = Hosted(
            epos,
            runtime,
            pace.settings(url=f"ws://127.0.0.1:{tap.port}/epos", api_url=api_url),
            register=api_url is not None,
            state=state,
        )
        bench = Bench(
            gateway=gateway,
            tap=tap,
            api_url=api_url,
            pace=pace,
            given=given,
            hosted=hosted,
            till=till,
            serves=implemented(epos),
        )
        hosted.start()
        stack.callback(hosted.stop)
        yield bench


@contextmanager
def visited_bench(
    port: int,
    *,
    rest_port: int,
    till: TillActions | None = None,
    given: Given | None = None,
    pace: Pace = REAL,
) -> Iterator[Bench]:
    """Wait at `port` for an EPOS that runs by itself; its REST side is at `rest_port`.

    Raises OSError if a port is taken.
    """
    with ExitStack() as stack:
        gateway = stack.enter_context(LocalGateway(ping_interval=_NEVER))
        tap = stack.enter_context(Tap(gateway.host, gateway.port, listen=port))
        api_url = _rest_side(stack, gateway, rest_port)
        yield Bench(
            gateway=gateway,
            tap=tap,
            api_url=api_url,
            pace=pace,
            given=given,
            till=till,
        )


def _rest_side(stack: ExitStack, gateway: LocalGateway, port: int = 0) -> str | None:
    """Serve REST and return its URL; None if what it needs is not installed."""
    try:
        from dojo_simulator.rest import RestApi  # noqa: PLC0415 - it may not be installed
    except ModuleNotFoundError as error:
        if error.name not in {"starlette", "uvicorn"}:
            raise
        return None
    return stack.enter_context(RestApi(gateway, port)).url


def chosen(ids: Sequence[str]) -> tuple[Check, ...]:
    """The checks with these ids, all if there are none. Raises ConfigurationError."""
    wanted = {each.upper() for each in ids}
    unknown = sorted(wanted - {check.id for check in CHECKS})
    if unknown:
        raise ConfigurationError(f"there is no check {', '.join(unknown)}; --list shows them all")
    return tuple(check for check in CHECKS if not wanted or check.id in wanted)


def make(
    bench: Bench, checks: Sequence[Check], tell: Callable[[Finding], object] = lambda _: None
) -> list[Finding]:
    """Make the checks and return what was found; `tell` hears of each when it is over."""
    findings = []
    for check in checks:
        finding = _make(bench, check)
        findings.append(finding)
        tell(finding)
    return findings


def _make(bench: Bench, check: Check) -> Finding:
    bench.begin()
    began = monotonic()
    try:
        _expect_possible(bench, check)
        said = check.run(bench) or ""
        verdict = Verdict.PASSED
    except Skipped as reason:
        said, verdict = str(reason), Verdict.SKIPPED
    except (Failed, DojoError) as error:
        said, verdict = str(error), Verdict.FAILED
    except Exception as error:  # noqa: BLE001 - the till's program may raise anything
        # Or a result has another shape than the check reads, of which ENV-1 says more.
        said = f"the check could not be finished: {type(error).__name__}: {error}"
        verdict = Verdict.FAILED
    return Finding(
        check=check,
        verdict=verdict,
        said=bench.scrub(said),
        exchanges=bench.exchanges,
        seconds=monotonic() - began,
        meanwhile=bench.troubles() if verdict is Verdict.FAILED else (),
    )


def _expect_possible(bench: Bench, check: Check) -> None:
    """Raise Skipped if the check cannot be made."""
    missing = [each for each in check.needs if not bench.is_served(each)]
    if missing:
        raise Skipped(f"not implemented: {', '.join(missing)}")
    if check.hosted:
        _ = bench.hosted
    if check.rest:
        _ = bench.registry
    undone = [each for each in check.till if not bench.can(each)]
    if undone:
        names = ", ".join(undone)
        raise Skipped(f"nobody does this at the till: {names}; name TillActions with --till")
