"""The EPOS, and how its handlers get at the books."""

from collections.abc import Iterator
from contextlib import contextmanager

from dojo_proto import Context, Epos
from dojo_simulator.restaurant.database import Books
from dojo_simulator.restaurant.till import Restaurant, house

epos = Epos(software_house_id="dojo-sample-restaurant")


def restaurant(ctx: Context) -> Restaurant:
    """The restaurant that is served: `state`, if one was given to `run`."""
    return ctx.state if isinstance(ctx.state, Restaurant) else house()


@contextmanager
def reading(ctx: Context) -> Iterator[Books]:
    """Look into the books."""
    with restaurant(ctx).reading() as books:
        yield books


@contextmanager
def writing(ctx: Context) -> Iterator[Books]:
    """Change the books. What was done is durable when the block ends, so before Dojo hears of it.

    An exception, such as a Conflict that a handler raises, leaves everything as it was.
    """
    with restaurant(ctx).writing() as books:
        yield books
