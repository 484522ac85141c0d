"""What the EPOS registers with Dojo: only that is routed to it."""

from dojo_adapters.rest import Rest
from dojo_proto import Context, Epos
from dojo_proto.registration import LIST, VERSION, read_list
from dojo_proto.rest import Failure
from dojo_simulator.check.answers import METHOD_NOT_FOUND, brief, expect
from dojo_simulator.check.bench import Bench
from dojo_simulator.check.framework import Failed, Flow, Json, Skipped, Source
from dojo_simulator.check.pace import LONGEST_PAUSE
from dojo_simulator.check.transcript import Transcript
from dojo_simulator.errors import WaitTimedOut
from dojo_simulator.registry import Registration, Registry

flow = Flow("Registration")

LOCKS = ("CreateOrderLock", "DeleteOrderLock", "ExtendOrderLock")


def registered(bench: Bench, *, after: int = 0) -> Registration:
    """The newest registration, once there is one. Raises Failed, Skipped if none can be awaited."""
    if not bench.is_hosted and len(bench.registry.updates) <= after:
        raise Skipped("the EPOS has registered nothing here: have it use this REST side")
    try:
        made = bench.registry.wait_for_registration(bench.pace.patience, after=after)
    except WaitTimedOut as error:
        raise Failed("PUT /epos/integrations/ws", expected="a call", came=error) from None
    bench.note("PUT /epos/integrations/ws", brief([each.name for each in made.capabilities], 2000))
    return made


@flow.check(
    "CAP-1",
    "GET /epos/integrations, on demand",
    expected="the EPOS can fetch and show what is registered",
    source=Source.CHECKLIST,
    rest=True,
)
def _fetch(bench: Bench) -> None:
    if not bench.is_hosted:
        if not _calls(bench.registry, "GET"):
            raise Skipped("the EPOS has fetched nothing here: have it show what is registered")
        return
    made = registered(bench)
    hosted = bench.hosted
    outcome = Rest(hosted.settings, hosted.epos.software_house_id).perform(LIST)
    found = outcome if isinstance(outcome, Failure) else read_list(outcome)
    if isinstance(found, Failure):
        raise Failed("GET /epos/integrations", expected="the list", came=found.reason)
    names = sorted(each.name for each in found)
    bench.note("GET /epos/integrations", brief(names, 2000))
    expect("what it finds", names, sorted(each.name for each in made.capabilities))


def _calls(registry: Registry, method: str) -> list[str]:
    return [each.path for each in registry.calls if each.method == method]


@flow.check(
    "CAP-2",
    "PUT /epos/integrations/ws",
    expected="the complete list, names that Dojo knows, version v1; nothing without a handler",
    source=Source.REGISTERING,
    rest=True,
)
def _complete_list(bench: Bench) -> None:
    made = registered(bench)
    names = [each.name for each in made.capabilities]
    own = set(bench.hosted.epos.capabilities()) if bench.is_hosted else set(made.names)
    expect("names that Dojo does not know", sorted(set(names) - bench.registry.known), [])
    others = sorted({each.version for each in made.capabilities} - {VERSION})
    expect(f"versions other than {VERSION}", others, [])
    expect("registered and not handled", sorted(set(made.names) - own), [])
    expect("handled and not registered", sorted(own - set(made.names)), [])
    if not bench.is_hosted:
        methods = sorted({each.partition(":")[0] for each in made.names})
        unknown = [each for each in methods if _is_unknown(bench, each)]
        expect("registered, and answered as unknown methods", unknown, [])


def _is_unknown(bench: Bench, method: str) -> bool:
    """Ask for it, with too little in the params for anything to be done."""
    error = bench.start(method).wait().error or {}
    return error.get("code") == METHOD_NOT_FOUND


@flow.check(
    "CAP-3",
    "A handler is taken out and put back, and the EPOS is started each time",
    expected="the complete list is registered anew each time",
    source=Source.REGISTERING,
    hosted=True,
    rest=True,
)
def _anew(bench: Bench) -> None:
    hosted, registry = bench.hosted, bench.registry
    less = Epos(hosted.epos.software_house_id)

    @less.on("SearchOrders")
    def search(ctx: Context, params: Json) -> Json:  # noqa: ARG001 - a handler's signature
        return {"data": []}

    hosted.stop()
    try:
        seen = len(registry.updates)
        hosted.start(less)
        bench.note("(the EPOS is started with SearchOrders alone)", "")
        expect("what is registered", registered(bench, after=seen).names, ("SearchOrders",))
    finally:
        hosted.stop()
        seen = len(registry.updates)
        hosted.start()
    bench.note("(the EPOS is started as it is)", "")
    expect(
        "what is registered",
        registered(bench, after=seen).names,
        tuple(sorted(hosted.epos.capabilities())),
    )


@flow.check(
    "CAP-4",
    "The three capabilities of locks",
    expected="all of them or none",
    source=Source.PAY_AT_TABLE,
    rest=True,
)
def _lock_trio(bench: Bench) -> str | None:
    names = set(registered(bench).names)
    have = [each for each in LOCKS if each in names]
    if have and len(have) < len(LOCKS):
        raise Failed("the capabilities of locks", expected="all or none", came=have)
    return None if have else "the EPOS has no locks"


configuration = Flow("Configuration")


@configuration.check(
    "CFG-2",
    "What the EPOS calls over REST",
    expected="the header `version` in every call, fixed by the software",
    source=Source.CHECKLIST,
    rest=True,
)
def _version_header(bench: Bench) -> str:
    calls = bench.registry.calls
    if not calls:
        raise Skipped("the EPOS has made no call to this REST side")
    for call in calls:
        bench.note(f"{call.method} {call.path}", f"version: {call.headers.get('version')}")
    found = sorted({str(call.headers.get("version")) for call in calls})
    if len(found) != 1 or found == ["None"]:
        raise Failed("the header `version`", expected="one and the same in all", came=found)
    refused = [f"{each.method} {each.path}" for each in calls if each.status == 400]
    expect("calls that were refused as malformed", refused, [])
    return f"{len(calls)} calls of this run were judged"


@configuration.check(
    "CFG-1",
    "The gateway refuses the API key (401)",
    expected="the EPOS says so, and does not dial again in a hurry",
    source=Source.CHECKLIST,
)
def _refused_key(bench: Bench) -> str | None:
    link, tap = bench.link, bench.tap
    bench.gateway.refuse_next(401)
    if bench.is_hosted:
        bench.hosted.stop()
        said = bench.hosted.start_refused(bench.pace.patience)
        bench.note("(the EPOS is started, and told 401)", said)
    else:
        tap.drop(link)
        bench.note("(the connection is cut off, and the next dial told 401)", "")
    longest = bench.pace.of(LONGEST_PAUSE)

    def dialled(*, after: int, timeout: float) -> Transcript:
        return bench.await_that(
            lambda: next((each for each in tap.transcripts if each.number > after), None), timeout
        )

    refused = dialled(after=link.number, timeout=longest + bench.pace.patience)
    try:
        again = dialled(after=refused.number, timeout=longest)
    except WaitTimedOut:
        bench.note("(nothing)", "the EPOS does not dial")
        return None if bench.is_hosted else "look whether the EPOS has told its operator"
    pause = again.began - refused.began
    if pause < bench.pace.of(0.5):
        raise Failed("the next dial", expected="a pause before it", came=f"{pause:.3f} s")
    return f"the EPOS dials again after {pause:.1f} s"
