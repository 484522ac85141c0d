"""What all runtimes share, driven by hand: each turn, and the end of a service."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import ECONNRESET
from os import strerror
from queue import SimpleQueue
from threading import Event, get_ident
from time import monotonic
from typing import NoReturn, cast

import pytest
from msgspec.structs import replace
from tests.adapters.by_hand import LINK, SETTINGS, ByHand, Script, make_task, scripted
from tests.adapters.pieces import DEADLINE, join_all, make_begin, make_call, make_run

from dojo_adapters import engine as engines
from dojo_adapters.engine import Engine
from dojo_adapters.steps import JOURNAL_TIMEOUT
from dojo_proto import Client, Dial, Link, MemoryJournal, OrderUpdated, Stop
from dojo_proto.errors import AuthenticationError
from dojo_proto.events import Cause, NoticesDropped, Opened, TakenOver
from dojo_proto.events import Event as ClientEvent
from dojo_proto.journal import Found, JournalError
from dojo_proto.work import Cancel, JournalStep, Returned

DIAL = Dial(number=1, host="127.0.0.1", port=9, deadline=0.0)


class Disk(MemoryJournal):
    """A journal whose steps wait until the disk turns."""

    blocking = True

    def __init__(self) -> None:
        super().__init__(monotonic)
        self.turns = Event()
        self.closed = 0

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        assert self.turns.wait(DEADLINE)
        return super().perform(steps)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Script:
    """That of the engines which the test makes."""
    return scripted(monkeypatch)


@pytest.fixture
def engine(client: Script) -> Iterator[ByHand]:
    engine = ByHand()
    assert engine.client is cast("Client", client)
    yield engine
    engine.close()


# Turns.


def test_a_dial_is_begun_once_and_the_next_one_anew(engine: ByHand, client: Script) -> None:
    for number in (1, 1, 2, 2):
        client.action = Dial(number=number, host="127.0.0.1", port=9, deadline=0.0)
        engine.turn()
    assert engine.done("dial") == [("dial", 1), ("dial", 2)]


def test_each_dial_sets_the_clock_of_the_wall_anew(
    engine: ByHand, client: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "monotonic", lambda: 1000.0)
    for number, wall in enumerate((5000.0, 8000.0), start=1):
        monkeypatch.setattr(engines, "time", lambda wall=wall: wall)
        client.action = Dial(number=number, host="127.0.0.1", port=9, deadline=0.0)
        engine.turn()
    assert client.told == [("set_wall_offset", 4000.0), ("set_wall_offset", 7000.0)]


def test_the_end_is_told_once_and_with_what_came_first(engine: ByHand, client: Script) -> None:
    fault, refused = RuntimeError("a fault in this program"), AuthenticationError("no", status=401)
    engine.error = fault
    client.action = Stop(error=refused)
    engine.turn()
    engine.turn()
    assert engine.done("stopped") == [("stopped", fault)]
    assert engine.error is fault


def test_each_turn_ends_with_what_is_to_be_written(engine: ByHand) -> None:
    engine.turn()
    engine.handle_timer()
    engine.drain_inbox()
    engine.lost(LINK, None)
    assert engine.done("settle") == [("settle",)] * 4


def test_all_work_is_begun_and_it_is_said_whether_first_steps_are_to_come(
    engine: ByHand, client: Script
) -> None:
    call, first, second = make_call(), make_task(params={}), make_task()
    client.works += [first, second, Cancel(call)]
    assert engine.do_work()
    assert engine.did == [("task", first.call), ("task", second.call), ("cancel", call)]
    client.works.append(make_task())
    assert not engine.do_work()


def test_the_outcome_of_a_thread_is_told_in_the_driving_thread(
    engine: ByHand, client: Script
) -> None:
    run = make_run(lambda _ctx, _params: get_ident())
    client.works.append(run)
    engine.turn()
    assert engine.woken.wait(DEADLINE)
    assert client.told == []
    engine.drain_inbox()
    [(name, call, outcome, _now)] = client.told
    assert (name, call) == ("ran", run.call)
    assert isinstance(outcome, Returned)
    assert outcome.value != get_ident()


def test_one_link_is_carried_and_no_other(engine: ByHand, client: Script) -> None:
    other = Link(number=2, server_hostname=None)
    assert engine.carries(LINK)
    assert not engine.carries(other)
    client.action = DIAL
    assert not engine.carries(LINK)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(ECONNRESET, strerror(ECONNRESET)), strerror(ECONNRESET)),
        (OSError("by the loop"), "by the loop"),
        (ValueError("a fault"), "a fault"),
        (None, "it was closed"),
    ],
)
def test_a_link_that_is_lost_is_told_with_the_reason(
    error: Exception | None, said: str, engine: ByHand, client: Script
) -> None:
    engine.lost(LINK, error)
    [told] = client.told
    assert told[:4] == ("link_failed", LINK, Cause.LOST, f"the connection was lost: {said}")


def test_a_socket_goes_to_its_link_or_is_closed(engine: ByHand, client: Script) -> None:
    wanted, late = socket.socket(), socket.socket()
    with wanted, late:
        client.link = LINK
        engine.dial_succeeded(1, "sk_sandbox_c4nary", wanted, 0.0)
        client.link = None
        engine.dial_succeeded(1, "sk_sandbox_c4nary", late, 0.0)
        assert engine.did == [("carry", wanted, LINK)]
        assert wanted.fileno() != -1
        assert late.fileno() == -1


@pytest.mark.parametrize("error", [OSError("no route"), UnicodeError("no name")])
def test_a_dial_that_fails_is_told_with_the_reason(
    error: Exception, engine: ByHand, client: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_arguments: object) -> NoReturn:
        raise error

    monkeypatch.setattr(engines, "connect", connect)
    Engine.start_dial(engine, DIAL)
    assert engine.woken.wait(DEADLINE)
    engine.drain_inbox()
    [told] = client.told
    assert told[:3] == ("dial_failed", 1, f"no connection to 127.0.0.1:9: {error}")


def test_without_tls_no_trust_store_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "make_context", lambda _context: pytest.fail("nobody needs it"))
    ByHand().close()


# The journal.


def under_way(engine: ByHand, client: Script) -> None:
    """Have a step of a payment begun."""
    client.works.append(make_begin())
    engine.turn()


def test_a_step_that_takes_too_long_sets_the_timer_and_is_told(client: Script) -> None:
    disk = Disk()
    engine = ByHand(journal=disk)
    before = monotonic()
    under_way(engine, client)
    timer = engine.next_timer()
    assert timer is not None
    assert before + JOURNAL_TIMEOUT <= timer <= monotonic() + JOURNAL_TIMEOUT
    client.timer = timer - 1.0
    assert engine.next_timer() == timer - 1.0
    client.timer = timer + 1.0
    assert engine.next_timer() == timer
    disk.turns.set()
    engine.close()
    assert engine.release(DEADLINE)


def test_a_journal_by_name_is_closed_once_and_only_when_its_last_step_is_done(
    client: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    monkeypatch.setattr(engines, "open_journal", lambda _name: disk)
    engine = ByHand(journal="sqlite:/var/lib/acme/journal.db")
    under_way(engine, client)
    engine.close()
    assert not engine.release(0.0)
    assert disk.closed == 0
    disk.turns.set()
    assert engine.release(DEADLINE)
    assert engine.release(DEADLINE)
    assert disk.closed == 1


def test_a_journal_of_ones_own_is_left_open(client: Script) -> None:
    disk = Disk()
    engine = ByHand(journal=disk)
    under_way(engine, client)
    disk.turns.set()
    engine.close()
    assert engine.release(DEADLINE)
    assert disk.closed == 0


def test_a_journal_that_is_interrupted_while_it_is_opened_is_not_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(Disk):
        def unsettled(self) -> NoReturn:
            raise KeyboardInterrupt

    disk = Interrupted()
    monkeypatch.setattr(engines, "open_journal", lambda _name: disk)
    with pytest.raises(KeyboardInterrupt):
        ByHand(journal="sqlite:/var/lib/acme/journal.db")
    assert disk.closed == 1


# The end.


def test_it_is_not_released_before_an_observer_has_seen_the_last_event(client: Script) -> None:
    entered, going, seen = Event(), Event(), list[ClientEvent]()

    def see(event: ClientEvent) -> None:
        entered.set()
        assert going.wait(DEADLINE)
        seen.append(event)

    engine = ByHand(on_event=see)
    last = TakenOver(reason="by another instance")
    client.events.append(last)
    engine.close()
    assert entered.wait(DEADLINE)
    assert not engine.release(0.0)
    going.set()
    assert engine.release(DEADLINE)
    assert seen == [last]


def test_what_is_told_of_the_last_that_came_in_is_seen_too(client: Script) -> None:
    seen: list[ClientEvent] = []
    engine = ByHand(on_event=seen.append)
    last = [TakenOver(reason="by another instance"), TakenOver(reason="and by another")]
    engine.inbox.put(lambda _now: client.events.extend(last))
    engine.close()
    assert engine.release(DEADLINE)
    assert seen == last


@contextmanager
def telling_dojo(client: Script) -> Iterator[tuple[ByHand, socket.socket, list[ClientEvent]]]:
    """An engine that tells Dojo of a change, Dojo's end of that, and the events."""
    seen: list[ClientEvent] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE)
        api_url = f"http://127.0.0.1:{server.getsockname()[1]}"
        engine = ByHand(replace(SETTINGS, api_url=api_url), on_event=seen.append)
        client.events.append(Opened(link=1, url=SETTINGS.url, seconds=0.0))
        engine.start()
        engine.notify(OrderUpdated("order-1"))
        client.action = Stop(error=None)
        with server.accept()[0] as dojo:
            yield engine, dojo, seen
    join_all("dojo-rest")


def test_one_that_has_ended_is_not_released_before_dojo_has_heard_of_all_changes(
    client: Script,
) -> None:
    with telling_dojo(client) as (engine, dojo, seen):
        engine.turn()
        engine.close()
        assert not engine.release(0.0)
        dojo.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert engine.release(DEADLINE)
        assert [type(event) for event in seen] == [Opened]


@pytest.mark.parametrize("asked", [False, True])
def test_one_that_is_given_up_does_not_wait_for_that_and_tells_what_was_dropped(
    asked: bool, client: Script
) -> None:
    with telling_dojo(client) as (engine, _dojo, seen):
        if asked:
            engine.request_abort()
            engine.drain_inbox()
        engine.close()
        assert engine.release(1.0)  # for the observer, which has it at once
        assert [event.count for event in seen if isinstance(event, NoticesDropped)] == [1]


def test_the_journals_thread_ends_with_it_even_if_nobody_waits_for_that() -> None:
    engine = ByHand(journal=Disk())
    engine.close()
    join_all("dojo-journal")


def test_once_it_is_closed_nothing_more_is_begun(engine: ByHand, client: Script) -> None:
    engine.close()
    assert client.told[0][0] == "abort"
    del engine.did[:]
    client.works += [make_task(), make_begin()]
    client.action = DIAL
    engine.turn()
    engine.drain_inbox()
    engine.handle_timer()
    assert engine.did == []
    assert len(client.works) == 2
    assert not engine.inbox.put(pytest.fail)


def test_the_threads_of_handlers_end_with_it(engine: ByHand, client: Script) -> None:
    ran = SimpleQueue[str]()
    client.works.append(make_run(lambda _ctx, _params: ran.put("ran")))
    engine.turn()
    assert ran.get(timeout=DEADLINE) == "ran"
    engine.close()
    join_all("dojo-handler")


def test_a_socket_that_is_dialed_when_it_closes_is_closed_too(
    engine: ByHand, client: Script
) -> None:
    sock = socket.socket()
    with sock:
        engine.inbox.put(engine.dial_succeeded, 1, "sk_sandbox_c4nary", sock)
        engine.close()
        assert ("dial_succeeded", 1) in client.told
        assert sock.fileno() == -1


def test_a_socket_that_is_dialed_after_it_has_closed_is_closed_too(
    engine: ByHand, client: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialed, peer = socket.socketpair()
    peer.settimeout(DEADLINE)

    def connect(*_arguments: object) -> socket.socket:
        engine.close()
        return dialed

    monkeypatch.setattr(engines, "connect", connect)
    with dialed, peer:
        Engine.start_dial(engine, DIAL)
        assert peer.recv(1) == b""
    assert "dial_failed" not in [told[0] for told in client.told]
