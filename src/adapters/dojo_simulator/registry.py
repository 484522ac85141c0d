"""What EPOS have registered with the local gateway, and what they have told it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from dojo_proto.registration import newer_name
from dojo_simulator.events import masked_key
from dojo_simulator.routing import CAPABILITIES, capability_of
from dojo_simulator.waiting import Waiting


class Account(msgspec.Struct, frozen=True):
    """Who an EPOS is: what Dojo tells its customers' connections apart by."""

    software_house_id: str
    api_key: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Account":
        """The account in the headers of an upgrade or a REST call; their names are lower case."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return cls(headers.get("software-house-id", ""), key if scheme.lower() == "basic" else "")

    def __repr__(self) -> str:
        return f"Account({self.software_house_id!r}, {masked_key(self.api_key)!r})"

    def __str__(self) -> str:
        return f"{self.software_house_id or 'nobody'} with {masked_key(self.api_key)}"


class Capability(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One capability as it was registered."""

    name: str
    version: str
    updated_at: datetime


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What one account has registered with one call."""

    account: Account
    capabilities: tuple[Capability, ...]
    created_at: datetime
    """When it registered for the first time."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names, sorted, each as it is preferred today."""
        return tuple(sorted({newer_name(each.name) for each in self.capabilities}))


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What an EPOS told of: one call to `POST /epos/events`."""

    account: Account
    event_type: str
    """`OrderUpdated`, `PartyUpdated` or `ReservationUpdated`."""
    id: str
    """Of the order, party or reservation."""
    event: dict[str, Any]
    """All that was sent about it."""
    at: datetime


class ReceivedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the REST side, as it came, and the status of its answer."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case; the API key is among them."""
    body: bytes
    status: int


class Registry:
    """Everything that came in over REST, oldest first. Any thread may use it.

    The REST side fills it; tests may do so too, with `register` and `notify`.
    """

    def __init__(self, waiting: Waiting | None = None) -> None:
        self._waiting = waiting or Waiting()
        self._newest: dict[Account, Registration] = {}
        self._updates: list[Registration] = []
        self._events: list[ReceivedEvent] = []
        self._calls: list[ReceivedCall] = []
        self.known = set(CAPABILITIES)
        """The names that may be registered. Add to it what Dojo does not document yet."""

    @property
    def updates(self) -> tuple[Registration, ...]:
        """Every registration that was ever made."""
        return tuple(self._updates)

    @property
    def events(self) -> tuple[ReceivedEvent, ...]:
        """Every event that an EPOS has told."""
        return tuple(self._events)

    @property
    def calls(self) -> tuple[ReceivedCall, ...]:
        """Every call of the REST side, refused ones among them; without the tester API's."""
        return tuple(self._calls)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Who has registered, in the order of their first registrations."""
        return tuple(self._newest)

    def registration(self, account: Account | None = None) -> Registration | None:
        """What `account` has registered, or without one the newest registration; None if none."""
        if account is None:
            return self._updates[-1] if self._updates else None
        return self._newest.get(account)

    def names(self, account: Account | None = None) -> tuple[str, ...]:
        """The capabilities of that, sorted, each under the name that is preferred today."""
        found = self.registration(account)
        return () if found is None else found.names

    def serves(self, account: Account, method: str, params: Mapping[str, Any]) -> bool:
        """Whether `account` has registered what a call of `method` with `params` needs."""
        return capability_of(method, params) in self.names(account)

    # What EPOS do.

    def register(self, account: Account, capabilities: Mapping[str, str]) -> Registration:
        """Take a complete list: name → version. It replaces the account's earlier one."""
        now = datetime.now().astimezone()
        earlier = self._newest.get(account)
        before = {} if earlier is None else {each.name: each for each in earlier.capabilities}
        made = Registration(
            account=account,
            capabilities=tuple(
                before[name]
                if name in before and before[name].version == version
                else Capability(name=name, version=version, updated_at=now)
                for name, version in capabilities.items()
            ),
            created_at=now if earlier is None else earlier.created_at,
        )
        with self._waiting.change():
            self._newest[account] = made
            self._updates.append(made)
        return made

    def notify(
        self, account: Account, event_type: str, id: str, event: dict[str, Any]
    ) -> ReceivedEvent:
        """Take an event."""
        notice = ReceivedEvent(
            account=account,
            event_type=event_type,
            id=id,
            event=event,
            at=datetime.now().astimezone(),
        )
        with self._waiting.change():
            self._events.append(notice)
        return notice

    def note(self, call: ReceivedCall) -> None:
        """Remember a call, whatever became of it."""
        with self._waiting.change():
            self._calls.append(call)

    # What others wait for.

    def wait_for_registration(self, timeout: float = 5.0, *, after: int = 0) -> Registration:
        """Return the newest registration, once there are more than `after` in all.

        `after=len(registry.updates)` waits for a new one. Raises WaitTimedOut.
        """
        return self._waiting.wait(
            lambda: self._updates[-1] if len(self._updates) > after else None,
            timeout,
            lambda: f"no EPOS registered: {len(self._updates)} registrations; {self._last_call()}",
        )

    def wait_for_event(
        self,
        event_type: str | None = None,
        id: str | None = None,
        *,
        timeout: float = 5.0,
        after: int = 0,
    ) -> ReceivedEvent:
        """Return the first event of that type and id, without the first `after` of all.

        None fits any. `after=len(registry.events)` waits for a new one. Raises WaitTimedOut.
        """

        def fits(notice: ReceivedEvent) -> bool:
            return event_type in {None, notice.event_type} and id in {None, notice.id}

        def awaited() -> str:
            told = ", ".join(f"{each.event_type} {each.id}" for each in self._events[-5:])
            what = f"{event_type or 'event'} {id or ''}".rstrip()
            return f"no {what} was told: {told or 'nothing was'}; {self._last_call()}"

        return self._waiting.wait(
            lambda: next(filter(fits, self._events[after:]), None), timeout, awaited
        )

    def wait_for_calls(self, count: int, timeout: float = 5.0) -> tuple[ReceivedCall, ...]:
        """Return all calls, once there are at least `count`. Raises WaitTimedOut."""
        return self._waiting.wait(
            lambda: self.calls if len(self._calls) >= count else None,
            timeout,
            lambda: f"{len(self._calls)} REST calls came, not {count}; {self._last_call()}",
        )

    def _last_call(self) -> str:
        if not self._calls:
            return "no REST call came"
        last = self._calls[-1]
        return f"the last REST call was {last.method} {last.path}, answered with {last.status}"
