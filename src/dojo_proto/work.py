"""What the core asks an adapter to do: run handlers, and do steps of the journal.

An adapter takes these with `client.next_work()` and reports each one back, in any order: Run with
`ran`, a journal step that gives a Found with `begun`, Commit and Abort with `committed`; a journal
step that fails with `journal_failed`. Cancel and Note need no answer of their own.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from dojo_proto.context import Context
from dojo_proto.errors import UnexpectedError
from dojo_proto.journal import Entry, RowState, Told
from dojo_proto.unshown import Unshown

if TYPE_CHECKING:
    from dojo_proto.call import Call


class Run(Unshown, msgspec.Struct, frozen=True):
    """Call `function(context, params)`: in a worker thread, or as a task if `is_async`."""

    call: "Call"
    function: Callable[..., Any]
    context: Context
    params: Any
    is_async: bool

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """All but the params."""
        return [("call", self.call)]


class Cancel(msgspec.Struct, frozen=True):
    """Nobody waits for this read any more.

    Cancel an `async def`; it is then reported as ran. A `def` cannot be cancelled, and goes on.
    """

    call: "Call"


class Begin(msgspec.Struct, frozen=True):
    """Look `entry` up; with `insert`, make it durable if it is new."""

    call: "Call"
    entry: Entry
    insert: bool


class Commit(Unshown, msgspec.Struct, frozen=True):
    """Make the outcome of the row durable."""

    call: "Call"
    ticket: str
    state: RowState
    answer: bytes

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """All but the answer."""
        return [("call", self.call), ("ticket", self.ticket), ("state", self.state.value)]


class Abort(msgspec.Struct, frozen=True):
    """Remove the row: it was certainly not done, and a retry is a new request."""

    call: "Call"
    ticket: str


class Note(msgspec.Struct, frozen=True):
    """Write down how far the outcomes of these rows have got on their way to Dojo.

    It is for people: it may be done late and together with other steps, and is not reported back
    unless it fails. A row that is gone is none to note it of.
    """

    tickets: tuple[str, ...]
    told: Told


JournalStep: TypeAlias = Begin | Commit | Abort | Note

Work: TypeAlias = Run | Cancel | JournalStep


class Returned(Unshown, msgspec.Struct, frozen=True):
    """The handler returned `value`."""

    value: Any


class Raised(msgspec.Struct, frozen=True):
    """The handler raised, or was cancelled."""

    error: BaseException


Outcome: TypeAlias = Returned | Raised

UNSTARTED = Raised(UnexpectedError("the system gives no thread, and nothing was done"))
"""The outcome of what an adapter could not even call."""
