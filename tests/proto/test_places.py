"""Places are counted, and reads never get all of them."""

import msgspec
import pytest

from dojo_proto.admission import Admission
from dojo_proto.call import Call, Waiter
from dojo_proto.contract import BY_NAME
from dojo_proto.handlers import Handler
from dojo_proto.settings import Settings


def admission(*, max_in_flight: int, workers: int) -> Admission:
    return Admission(Settings(api_key="sk_sandbox_x", max_in_flight=max_in_flight, workers=workers))


def call(*, read: bool, threaded: bool) -> Call:
    handler = Handler(
        method=BY_NAME["GetOrderById" if read else "RecordOrderPaymentById"],
        function=lambda _ctx, _params: None,
        is_async=not threaded,
        decode=msgspec.json.decode,
    )
    return Call(1, handler, [Waiter(1, b'"1"', 0.0, None)], 0.0, 0.0, {}, b"{}")


def take_all(places: Admission, *, read: bool, threaded: bool) -> int:
    taken = 0
    while places.take(call(read=read, threaded=threaded)):
        taken += 1
    return taken


def counts(places: Admission) -> tuple[int, int, int, int]:
    return places.running, places.reads, places.threads, places.threads_of_reads


@pytest.mark.parametrize(
    ("max_in_flight", "reads"), [(64, 48), (8, 6), (4, 3), (3, 2), (2, 1), (1, 1)]
)
def test_reads_get_three_quarters_of_the_places(max_in_flight: int, reads: int) -> None:
    places = admission(max_in_flight=max_in_flight, workers=1)
    assert take_all(places, read=True, threaded=False) == reads
    assert take_all(places, read=False, threaded=False) == max_in_flight - reads


@pytest.mark.parametrize(("workers", "reads"), [(8, 6), (4, 3), (3, 2), (2, 1), (1, 1)])
def test_reads_get_three_quarters_of_the_workers(workers: int, reads: int) -> None:
    places = admission(max_in_flight=100, workers=workers)
    assert take_all(places, read=True, threaded=True) == reads
    assert take_all(places, read=False, threaded=True) == workers - reads


def test_what_runs_on_the_event_loop_needs_no_worker() -> None:
    places = admission(max_in_flight=8, workers=1)
    assert take_all(places, read=False, threaded=True) == 1
    assert take_all(places, read=False, threaded=False) == 7


def test_changes_may_take_every_place() -> None:
    places = admission(max_in_flight=8, workers=8)
    assert take_all(places, read=False, threaded=True) == 8
    assert not places.take(call(read=True, threaded=False))


def test_a_place_that_was_refused_takes_nothing() -> None:
    places = admission(max_in_flight=8, workers=1)
    places.take(call(read=False, threaded=True))
    before = counts(places)
    refused = call(read=True, threaded=True)
    assert not places.take(refused)
    assert not refused.threaded
    assert counts(places) == before


@pytest.mark.parametrize("read", [False, True])
def test_a_worker_is_free_before_its_place_is(read: bool) -> None:
    places = admission(max_in_flight=2, workers=1)
    running = call(read=read, threaded=True)
    assert places.take(running)
    assert counts(places) == (1, read, 1, read)
    places.release_worker(running)
    assert counts(places) == (1, read, 0, 0)
    places.release(running)
    assert counts(places) == (0, 0, 0, 0)


@pytest.mark.parametrize("read", [False, True])
def test_with_its_place_a_worker_is_free(read: bool) -> None:
    places = admission(max_in_flight=2, workers=1)
    running = call(read=read, threaded=True)
    assert places.take(running)
    places.release(running)
    assert counts(places) == (0, 0, 0, 0)
