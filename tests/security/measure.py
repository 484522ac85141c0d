"""What an attack has cost: memory by tracemalloc, time by the processor's clock."""

import gc
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

KIB = 1 << 10
MIB = 1 << 20


class Cost:
    """Known when the block of `measured` is over."""

    peak = 0
    """Bytes that were allocated at once, of those that were not there before."""
    kept = 0
    """Bytes that are still allocated."""
    seconds = 0.0
    """Of the processor, tracing included, which makes everything several times slower."""


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure a block. Blocks do not nest."""
    cost = Cost()
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    began = time.process_time()
    try:
        yield cost
    finally:
        cost.seconds = time.process_time() - began
        now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        cost.peak, cost.kept = peak - before, now - before
