"""All rows, in the order of the table. A row file has a list ROWS; add it here."""

from collections.abc import Sequence

from benchmarks import dispatch, idle, imports, journaled, latency, scaling, throughput
from benchmarks.rows import Row

ROWS: Sequence[Row] = (
    *dispatch.ROWS,
    *throughput.ROWS,
    *latency.ROWS,
    *idle.ROWS,
    *journaled.ROWS,
    *scaling.ROWS,
    *imports.ROWS,
)
