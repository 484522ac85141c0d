"""What has happened, as somebody sees it who sees everything: the facts for `invariants`.

Requests and answers are read off the wire, effects off the disk. The library is believed in one
thing: when it says that a delivery gets no answer.
"""

from typing import Any

import msgspec
from tests.simulation import invariants
from tests.simulation.deeds import TOKENS, Deed, told_by
from tests.simulation.disk import ModelJournal
from tests.simulation.tap import CLOSE, PING, PONG, TEXT, Tap

from dojo_proto import Settings
from dojo_proto.journal import RowState

_decode = msgspec.json.decode
REFUSAL = "refused in run "
"""How the till's own refusals begin; the number of the run follows."""


class Run:
    """One run of a handler."""

    def __init__(
        self, number: int, deed: "DeedFacts", life: int, now: float, *, key: str, redelivered: bool
    ) -> None:
        self.number = number
        self.deed = deed
        self.life = life
        """Of the process: they are counted."""
        self.started = now
        self.key = key
        self.redelivered = redelivered
        self.ids = frozenset(deed.ids)
        """The ids under which the deed had been asked for by then."""
        self.ended: float | None = None
        self.settled: float | None = None
        """The journal has said that it has the outcome, or has not."""
        self.harmless = False
        """It has certainly done nothing."""


class DeedFacts:
    """What is known of one deed."""

    def __init__(self, deed: Deed) -> None:
        self.deed = deed
        self.name = f"{deed.method.name} {deed.token}"
        self.ids: set[str] = set()
        self.runs: list[Run] = []
        """Those that the journal has to remember."""
        self.keys: set[str] = set()
        """Idempotency keys of all its runs and lookups."""
        self.remembered = False
        """Its success is committed, and that was not too long ago."""
        self.effects = 0
        self.allowed = 1
        """So many effects: one more each time that it may have been forgotten."""
        self.booked_at: float | None = None
        self.errors: list[float] = []
        """When it was answered with an error, at the earliest."""
        self.repeated = -1.0
        """When it was last answered with the refusal that its id had got before."""
        self.heard = False
        """An answer has certainly arrived: the pong to a ping behind it has come."""
        self.reported = False
        """The till's people were told that none is known to have arrived."""


class LinkFacts:
    """One connection of one process, as its bytes tell."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.up = Tap()
        self.down = Tap()
        self.is_up = False
        """Open, and neither side has said Close."""
        self.silent_since = now
        """The gateway has heard nothing since, though it could."""
        self.free_since = now
        """When the socket became writable, or the machine awoke."""
        self.pinged_at: float | None = None
        """When the first ping came in that has no pong yet."""
        self.deliveries: dict[str, int] = {}
        """How often each id came in."""
        self.open: dict[str, list[float]] = {}
        """Deliveries that wait for an answer, by id: when they came."""
        self.asked: dict[str, DeedFacts | None] = {}
        """What for; None for what the till does not serve."""
        self.answered: list[DeedFacts] = []
        """Answers that have left, in order."""
        self.pings: dict[bytes, int] = {}
        """How many of them had left before each ping."""


class Ledger:
    """Everything that has happened. Told by the world; raises Violation.

    `careful` says that the till can find out whether something is booked: it books the idempotency
    key together with the effect, or has a `lookup`.
    """

    def __init__(
        self, settings: Settings, journal: ModelJournal, *, careful: bool, lookup: bool
    ) -> None:
        self.deeds: dict[str, DeedFacts] = {}
        self.links: list[LinkFacts] = []
        self.runs: list[Run] = []
        self.answers = 0
        self._settings = settings
        self._journal = journal
        self._careful = careful
        self._lookup = lookup
        self._restarted = False
        # Keys of which this process was told that the journal failed.
        self._failed: set[str] = set()
        self._failures = 0
        self._failed_at = 0.0

    def asks_for(self, deed: Deed) -> None:
        """The gateway is going to ask for it."""
        self.deeds[deed.token] = DeedFacts(deed)

    # The till.

    def started(self, token: str, life: int, now: float, *, key: str, redelivered: bool) -> Run:
        """A handler starts."""
        deed = self.deeds[token]
        run = Run(len(self.runs), deed, life, now, key=key, redelivered=redelivered)
        self.runs.append(run)
        if not deed.deed.reads:
            self._forget(deed, now)
            invariants.may_run(deed, run, may_be_second=self._restarted or bool(deed.keys))
            deed.runs.append(run)
            deed.keys.add(key)
        return run

    def booked(self, number: int, now: float) -> None:
        """The effect of a run is durable."""
        run = self.runs[number]
        invariants.may_book(run.deed, run, careful=self._careful)
        run.deed.effects += 1
        if run.deed.booked_at is None:
            run.deed.booked_at = now

    def ended(self, run: Run, now: float, *, harmless: bool) -> None:
        """A run is over; `harmless` says that it has certainly done nothing."""
        run.ended = now
        run.harmless = harmless

    def looked_up(self, token: str, key: str) -> None:
        """The till is asked whether it has done something, under an idempotency key."""
        self.deeds[token].keys.add(key)

    def not_booked(self, token: str) -> None:
        """The till has looked: no run that is over has done anything."""
        for run in self.deeds[token].runs:
            run.harmless |= run.ended is not None

    def settled(self, key: str, now: float, *, failed: bool) -> None:
        """The process was told that the journal has done a step under `key`, or has not."""
        if failed:
            self._failed.add(key)
        for run in self.runs:
            if run.key == key and run.ended is not None and run.settled is None:
                run.settled = now

    def confirmed(self, keys: list[str]) -> None:
        """The process says that the gateway has the answers to these."""
        for deed in self._deeds_of(keys):
            invariants.may_confirm(deed)

    def reported(self, key: str) -> None:
        """The process says that the gateway is not known to have the answer."""
        for deed in self._deeds_of([key]):
            deed.reported = True

    def at_the_end(self) -> None:
        """All is well, and has been for longer than anything takes."""
        for deed in self.deeds.values():
            invariants.may_end(deed, kept=any(map(self._journal.has_success, deed.keys)))

    def process_ended(self, now: float) -> None:
        """The process is gone, and with it its links and what ran."""
        for run in self.runs:
            if run.ended is None:
                run.ended = now
        self._restarted = True
        self._failed.clear()
        self._failures = 0
        for link in self.links:
            link.is_up = False

    # The connection.

    def dials(self, now: float) -> None:
        """The process dials."""
        if self._failures:
            settings = self._settings
            invariants.may_dial(
                now - self._failed_at,
                self._failures,
                initial=settings.backoff_initial,
                most=settings.backoff_max,
                jitter=settings.jitter,
            )

    def dial_over(self, up_for: float, now: float) -> None:
        """A dial has ended."""
        lasted = up_for >= self._settings.stable_after
        self._failures = 1 if lasted else self._failures + 1
        self._failed_at = now

    def link(self, name: str, now: float) -> LinkFacts:
        """A socket is open."""
        self.links.append(LinkFacts(name, now))
        return self.links[-1]

    def link_ended(self, link: LinkFacts, now: float, *, writable: bool) -> None:
        """Nothing more goes out on it."""
        if link.is_up and writable:
            invariants.kept_alive(link, now, self._settings.ping_interval)
            invariants.ponged(link, now)
        link.is_up = False

    def freed(self, link: LinkFacts, now: float) -> None:
        """The socket can be written to again, or the machine is awake again."""
        link.free_since = now
        link.silent_since = max(link.silent_since, now)

    def came(self, link: LinkFacts, data: bytes, now: float) -> None:
        """The process is about to read `data`."""
        was_upgraded = link.down.upgraded
        frames = link.down.feed(data)
        if link.down.upgraded and not was_upgraded:
            link.is_up = True
            link.silent_since = now
        for frame in frames:
            if not link.is_up:
                return
            if frame.opcode == PING and link.pinged_at is None:
                link.pinged_at = now
            elif frame.opcode == PONG:
                for deed in link.answered[: link.pings.pop(frame.payload, 0)]:
                    deed.heard = True
            elif frame.opcode == CLOSE:
                link.is_up = False
            elif frame.opcode == TEXT:
                message = _decode(frame.payload)
                for request in message if isinstance(message, list) else (message,):
                    self._delivered(link, request, now)

    def left(self, link: LinkFacts, data: bytes, since: float, now: float) -> None:
        """The process has written `data`, which it had made since `since`."""
        for frame in link.up.feed(data):
            if link.is_up:
                invariants.kept_alive(link, now, self._settings.ping_interval)
            link.silent_since = now
            if frame.opcode == PONG:
                invariants.ponged(link, now)
                link.pinged_at = None
            elif frame.opcode == PING:
                link.pings[frame.payload] = len(link.answered)
            elif frame.opcode == CLOSE:
                link.is_up = False
            elif frame.opcode == TEXT:
                invariants.pong_first(link, begun=frame.begun)
                message = _decode(frame.payload)
                for answer in message if isinstance(message, list) else (message,):
                    self._answered(link, answer, since, now)

    def let_go(self, link: LinkFacts, request_id: str) -> None:
        """The library says that a delivery gets no answer."""
        if request_id in link.open:
            self._close(link, request_id)

    # Inside.

    def _deeds_of(self, keys: list[str]) -> list[DeedFacts]:
        return [deed for deed in self.deeds.values() if not deed.keys.isdisjoint(keys)]

    def _forget(self, deed: DeedFacts, now: float) -> None:
        """Let go of the runs that the journal need not remember any more."""
        limit = invariants.window(deed.deed)
        rows = [r for r in self._journal.rows.values() if r.entry.idempotency_key in deed.keys]
        committed = [row for row in rows if row.state is not RowState.BEGUN]
        deed.remembered = any(
            row.state is RowState.SUCCEEDED and now - row.since < limit for row in committed
        )
        kept = []
        for run in deed.runs:
            ages = [
                now - row.since
                for row in committed
                if row.entry.idempotency_key == run.key and row.since >= run.started
            ]
            if not ages or min(ages) < limit:
                kept.append(run)
        deed.allowed += len(kept) < len(deed.runs)
        deed.runs = kept

    def _delivered(self, link: LinkFacts, request: dict[str, Any], now: float) -> None:
        request_id = request.get("id")
        if request_id is None:
            return
        member = TOKENS.get(request["method"])
        deed = None if member is None else self.deeds[request["params"][member]]
        if deed is not None:
            deed.ids.add(request_id)
        link.asked[request_id] = deed
        link.deliveries[request_id] = link.deliveries.get(request_id, 0) + 1
        link.open.setdefault(request_id, []).append(now)

    def _close(self, link: LinkFacts, request_id: str) -> float:
        """One delivery waits no more: when it came."""
        came = link.open[request_id].pop(0)
        if not link.open[request_id]:
            del link.open[request_id]
        return came

    def _answered(self, link: LinkFacts, answer: dict[str, Any], since: float, now: float) -> None:
        self.answers += 1
        request_id = answer["id"]
        invariants.may_answer(link, request_id, self.links)
        came = self._close(link, request_id)
        deed = link.asked[request_id]
        if deed is None:
            return
        link.answered.append(deed)
        if "result" in answer:
            journaled = any(
                self._journal.has_success(key) or (self._lookup and key in self._failed)
                for key in deed.keys
            )
            told = told_by(answer["result"])
            invariants.may_succeed(deed, told, journaled=journaled)
            return
        error = answer["error"]
        invariants.may_fail(deed, since, error["errorType"])
        deed.errors.append(since)
        if error["message"].startswith(REFUSAL):
            run = self.runs[int(error["message"].removeprefix(REFUSAL))]
            if request_id in run.ids:
                deed.repeated = now  # and to whoever had joined it by then
            invariants.may_refuse(deed, run, request_id, came)
