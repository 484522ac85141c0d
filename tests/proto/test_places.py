"""Places are counted, and reads never get all of them."""

import pytest

from dojo_proto.slots import Slots


def take_all(slots: Slots, *, read: bool, threaded: bool) -> int:
    taken = 0
    while slots.take(read=read, threaded=threaded):
        taken += 1
    return taken


@pytest.mark.parametrize(
    ("max_in_flight", "reads"), [(64, 48), (8, 6), (4, 3), (3, 2), (2, 1), (1, 1)]
)
def test_reads_get_three_quarters_of_the_places(max_in_flight: int, reads: int) -> None:
    slots = Slots(max_in_flight=max_in_flight, workers=1)
    assert take_all(slots, read=True, threaded=False) == reads
    assert take_all(slots, read=False, threaded=False) == max_in_flight - reads


@pytest.mark.parametrize(("workers", "reads"), [(8, 6), (4, 3), (3, 2), (2, 1), (1, 1)])
def test_reads_get_three_quarters_of_the_workers(workers: int, reads: int) -> None:
    slots = Slots(max_in_flight=100, workers=workers)
    assert take_all(slots, read=True, threaded=True) == reads
    assert take_all(slots, read=False, threaded=True) == workers - reads


def test_what_runs_on_the_event_loop_needs_no_worker() -> None:
    slots = Slots(max_in_flight=8, workers=1)
    assert take_all(slots, read=False, threaded=True) == 1
    assert take_all(slots, read=False, threaded=False) == 7


def test_changes_may_take_every_place() -> None:
    slots = Slots(max_in_flight=8, workers=8)
    assert take_all(slots, read=False, threaded=True) == 8
    assert not slots.take(read=True, threaded=False)


def test_a_place_that_was_refused_takes_nothing() -> None:
    slots = Slots(max_in_flight=8, workers=1)
    slots.take(read=False, threaded=True)
    before = (slots.running, slots.reads, slots.threads, slots.threads_of_reads)
    assert not slots.take(read=True, threaded=True)
    assert (slots.running, slots.reads, slots.threads, slots.threads_of_reads) == before


@pytest.mark.parametrize("read", [False, True])
def test_a_worker_is_free_before_its_place_is(read: bool) -> None:
    slots = Slots(max_in_flight=2, workers=1)
    assert slots.take(read=read, threaded=True)
    slots.release_worker(read=read)
    assert (slots.running, slots.threads, slots.threads_of_reads) == (1, 0, 0)
    slots.release(read=read, threaded=False)
    assert (slots.running, slots.reads) == (0, 0)
