"""One key and one customer, searched for in all that a service says or leaves behind."""

import gc
import logging
import os
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import enumerate as all_threads
from typing import Any

import msgspec
import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.serving import DEADLINE, RUNTIMES, Runtime, Served
from tests.adapters.life_stories.tills import HELD, Till, payment
from tests.proto.till import an_order

from dojo_adapters import observer
from dojo_proto import Context, Epos, MemoryJournal, NotFound, OrderUpdated, Settings
from dojo_proto.events import Closed, HandlerFailed, RequestFinished
from dojo_simulator import LocalGateway

KEY = "sk_sandbox_c4naryKey"
NAME, EMAIL, PHONE = "Ada C4naryName", "c4nary@mail.example", "+44 20 7946 0c4nary"
CUSTOMER = {"name": NAME, "emailAddress": EMAIL, "phoneNumber": PHONE}
PERSONAL = (NAME, EMAIL, PHONE)
PAY = "RecordOrderPaymentByIdV1"

in_two_runtimes = pytest.mark.parametrize(
    "runtime",
    [each for each in RUNTIMES if each.name in {"asyncio", "threads"}],
    ids=lambda runtime: runtime.name,
    indirect=True,
)
"""For what is the same in all: that the search finds something."""


def indiscreet(till: Till, runtime: Runtime) -> Epos:
    """Every result is full of the customer, in threads and where there are any, in tasks."""
    epos = Epos("acme-epos")

    def customer(order_id: str) -> dict[str, Any]:
        return an_order(order_id, customer=CUSTOMER)

    @epos.on("GetOrderById")
    def get(_ctx: Context, params: dict[str, Any]) -> Any:
        if params["orderId"] == "none":
            raise NotFound("there is no such order")
        if params["orderId"] == "unfit":
            return {**CUSTOMER, "object": object()}
        return customer(params["orderId"])

    @epos.on(PAY)
    def pay(_ctx: Context, params: dict[str, Any]) -> Any:
        if params["orderId"] == "stuck":
            raise RuntimeError("the drawer is stuck")
        till.visit(params["orderId"])
        return customer(params["orderId"])

    def search(_ctx: Context, _params: dict[str, Any]) -> Any:
        return {"data": [{**CUSTOMER, "id": 1}]}

    async def search_in_a_task(ctx: Context, params: dict[str, Any]) -> Any:
        return search(ctx, params)

    epos.on("SearchOrders")(search_in_a_task if runtime.allows_async else search)
    return epos


@pytest.fixture(autouse=True)
def earlier() -> list[object]:
    """What lives already: other stories' gateways remember what they have said."""
    gc.collect()
    return [each for each in gc.get_objects() if is_ours(each)]


class Remarks(logging.Handler):
    """All that any logger says at DEBUG, with each record's own members."""

    def __init__(self, earlier: list[object]) -> None:
        super().__init__()
        self.earlier = earlier
        self._records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._records += [self.format(record), repr(record.__dict__)]

    def __str__(self) -> str:
        return "\n".join(self._records)


@pytest.fixture
def remarks(earlier: list[object]) -> Iterator[Remarks]:
    remarks, root, ours = Remarks(earlier), logging.getLogger(), observer.logger
    levels = root.level, ours.level
    root.addHandler(remarks)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield remarks
    root.removeHandler(remarks)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def live(service: Served, gateway: LocalGateway, till: Till, earlier: list[object]) -> list[str]:
    """Have everything happen, but for the end; what was said of it on the way."""
    connection = gateway.wait_for_epos()
    person = {"customer": CUSTOMER, **CUSTOMER}
    for order_id in ("o-1", "none", "unfit"):
        connection.call("GetOrderByIdV1", {"orderId": order_id, **person})
    connection.call("GetOrderByIdV1", {"orderId": CUSTOMER, **person})
    connection.call("SearchOrdersV1", {"text": NAME, "status": CUSTOMER, **person})
    connection.call("NoSuchMethodV1", person)
    for _ in range(2):
        connection.call(PAY, {**payment("o-1", "pi-1"), **person})
    connection.call(PAY, {**payment("o-1", "pi-1", 1), **person})
    connection.call(PAY, {**payment("o-1", "pi-1"), "paidAmount": CUSTOMER})
    connection.start_call(PAY, {**payment("stuck", "pi-2"), **person})
    service.wait_for_event(HandlerFailed)
    connection.start_call(PAY, {**payment(HELD, "pi-3"), **person})
    till.wait_for_visitor()
    service.notify(OrderUpdated("o-1"))
    service.wait_for_event(RequestFinished, count=9)
    return [repr(service.status()), *names(), *reprs(earlier)]


def names(process: str = "self") -> list[str]:
    """What a list of processes and of threads shows of one, where the system has such a list."""
    shown = [thread.name for thread in all_threads()]
    for path in (*Path("/proc").glob(f"{process}/task/*/comm"), Path(f"/proc/{process}/cmdline")):
        with suppress(OSError):  # a thread that has just ended
            shown.append(path.read_text())
    return shown


def reprs(earlier: list[object]) -> list[str]:
    """Of every object of this library that lives and has not `earlier`, whoever holds it."""
    old = {id(each) for each in earlier}
    seen: dict[int, object] = {}
    todo = [each for each in gc.get_objects() if is_ours(each) and id(each) not in old]
    while todo:
        one = todo.pop()
        if id(one) not in seen and id(one) not in old:
            seen[id(one)] = one
            # What holds only plain values is not among the objects of the collector.
            todo += [
                held
                for held in gc.get_referents(one)
                if is_ours(held) or type(held) in {dict, list, tuple, deque}
            ]
    return [shown(one) for one in seen.values() if is_ours(one)]


def shown(one: object) -> str:
    """What it shows of itself: to `repr`, and to rich, which Structs answer by themselves."""
    for_rich = getattr(type(one), "__rich_repr__", None)
    return f"{one!r} {list(for_rich(one)) if for_rich else ''}"


def is_ours(one: object) -> bool:
    module = str(getattr(type(one), "__module__", ""))
    return module.startswith(("dojo_proto", "dojo_adapters"))


Story = Callable[..., str]


@pytest.fixture
def story(
    serve: Serve,
    runtime: Runtime,
    gateway: LocalGateway,
    till: Till,
    remarks: Remarks,
) -> Story:
    """Play a life, from the first dial to a refused key and a hard stop: all that was said."""

    def story(journal: str = "memory:") -> str:
        service = serve(indiscreet(till, runtime), journal=journal, api_key=KEY, log_level="DEBUG")
        shown = live(service, gateway, till, remarks.earlier)
        gateway.refuse_next(403, body=f"{KEY} of {KEY[:9]}? no: {KEY}".encode())
        gateway.connections[0].close(4000, f"away with {KEY}")
        service.wait_for_event(Closed, lambda closed: closed.status == 403)
        service.abort()
        till.door.set()
        shown += [repr(event) for event in service.events]
        return "\n".join([*shown, repr(service.error), str(remarks)])

    return story


def assert_discreet(text: str) -> None:
    for secret in (KEY, *PERSONAL):
        assert [line[:300] for line in text.splitlines() if secret in line] == []
    # All of it is there to be searched: the alarms, and the traceback of the handler.
    assert "the drawer is stuck" in text
    assert "Traceback" in text
    assert "status 403" in text


@pytest.mark.parametrize("durable", [False, True], ids=["memory", "sqlite"])
def test_neither_key_nor_customer_is_in_anything_that_is_said(
    durable: bool, story: Story, tmp_path: Path
) -> None:
    assert_discreet(story(f"sqlite:{tmp_path / 'journal.db'}" if durable else "memory:"))
    files = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    assert bool(files) is durable
    assert not [data for data in files if KEY.encode() in data]
    assert not durable or any(b"pi-1" in data for data in files)


def test_the_key_is_nowhere_in_the_journal_in_memory(
    serve: Serve, runtime: Runtime, gateway: LocalGateway, till: Till, earlier: list[object]
) -> None:
    journal = MemoryJournal(lambda: 0.0)
    service = serve(indiscreet(till, runtime), journal=journal, api_key=KEY)
    live(service, gateway, till, earlier)
    # All that it has: what its rows show of themselves would be less.
    rows = [msgspec.structs.astuple(row) for row in journal._rows.values()]
    assert "pi-1" in repr(rows)
    assert KEY not in repr(rows) + repr(vars(journal))


@in_two_runtimes
@pytest.mark.parametrize(
    "defect", [lambda event: f"{event!r} {KEY}", lambda _event: NAME], ids=["key", "customer"]
)
def test_it_is_red_where_a_line_of_the_log_says_too_much(
    defect: Callable[[object], str], story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observer, "describe", defect)
    with pytest.raises(AssertionError):
        assert_discreet(story())


@in_two_runtimes
def test_it_is_red_where_settings_show_the_key(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "__repr__", lambda settings: f"Settings({settings.api_key})")
    with pytest.raises(AssertionError):
        assert_discreet(story())


# A crash of this library itself.


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_traceback_of_a_crash_shows_neither(
    serve: Serve,
    runtime: Runtime,
    played: PlayedGateway,
    remarks: Remarks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError("a bug")

    service = serve(
        indiscreet(Till(), runtime),
        url=played.url,
        api_key=KEY,
        backoff_initial=300,
        backoff_max=300,
        ping_interval=30,  # no ping finds out what has happened
    )
    peer = played.accept_epos()
    monkeypatch.setattr("dojo_proto.intake.identify", crash)
    peer.send(peer.request(1, PAY, {**payment("o-1", "pi-1"), "customer": CUSTOMER, **CUSTOMER}))
    while peer.socket.recv(1 << 16):  # until it has let go of the connection
        pass
    monkeypatch.undo()
    service.end()
    error = service.error
    text = str(remarks)
    text += "" if error is None else "".join(traceback.format_exception(error))
    assert "a bug" in text
    assert "Traceback" in text
    assert [secret for secret in (KEY, *PERSONAL) if secret in text] == []


# The command.


def test_it_is_red_where_the_list_of_processes_shows_the_key() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()", f"--api-key={KEY}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        process.stdout.readline()  # it runs, so the system knows its arguments
        text = "".join(names(str(process.pid)))
        process.communicate(b"\n", timeout=DEADLINE)
    assert KEY in text or not Path("/proc/self").exists()


def test_the_process_of_the_command_shows_neither(gateway: LocalGateway) -> None:
    command = [sys.executable, "-c", "from dojo_adapters.cli import main; main()", "run"]
    options = ["--journal", "memory:", "--url", gateway.url, "--set", "log_level=DEBUG"]
    with subprocess.Popen(  # noqa: S603 - ours
        [*command, "dojo_simulator.restaurant:epos", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DOJO_API_KEY": KEY},
    ) as process:
        connection = gateway.wait_for_epos(timeout=DEADLINE)
        connection.call("SearchOrdersV1", {"text": NAME, "customer": CUSTOMER})
        connection.call("NoSuchMethodV1", CUSTOMER)
        listed = names(str(process.pid))
        process.terminate()
        text, _ = process.communicate(timeout=DEADLINE)
    text += "\n".join(listed)
    assert "SearchOrdersV1" in text
    assert "restaurant" in "".join(listed) or not Path("/proc/self").exists()
    assert [secret for secret in (KEY, *PERSONAL) if secret in text] == []
