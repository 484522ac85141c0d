"""What may go wrong between the gateway and an EPOS, on purpose."""

import random
from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from dojo_proto.errors import ConfigurationError
from dojo_proto.framing import is_sendable_close_code
from dojo_proto.naming import check_name
from dojo_simulator.errors import SimulatorError
from dojo_simulator.routing import wire_name

ANY = "*"
"""Every method."""


class FaultKind(StrEnum):
    """What goes wrong. The value of a Fault says more, as told here."""

    DELAY = "delay"
    """The request leaves so many seconds late (1)."""
    FRAGMENT = "fragment"
    """The request is cut into frames of so many bytes (16)."""
    DUPLICATE = "duplicate"
    """The request is sent twice, with one id. The call gets the first answer."""
    DROP_AFTER_REQUEST = "drop-after-request"
    """The connection is reset so many seconds (0) after the request has left."""
    DROP_BEFORE_ANSWER = "drop-before-answer"
    """The connection is reset when the answer arrives: the EPOS has done it, and nobody knows."""
    DROP_AFTER_ANSWER = "drop-after-answer"
    """The connection is reset behind the answer, before anything can confirm it."""
    CLOSE = "close"
    """The gateway says Close with this code (1012) behind the request."""
    SILENT = "silent"
    """The gateway reads and sends nothing more behind the request; the socket stays."""
    REFUSE = "refuse"
    """An upgrade is answered with this status (503) in place of 101."""


_DEFAULTS = {
    FaultKind.DELAY: 1.0,
    FaultKind.FRAGMENT: 16,
    FaultKind.DROP_AFTER_REQUEST: 0.0,
    FaultKind.CLOSE: 1012,
    FaultKind.REFUSE: 503,
}


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong: `Fault("drop-before-answer", "RecordOrderPaymentById")`.

    `value` is what its kind says, and that kind's default if it is None. Raises SimulatorError for
    an unknown kind or method and for what is out of range.
    """

    kind: FaultKind | str
    method: str = ANY
    """Any name of the method that it happens to, or the wire name of one that is not known yet;
    of no meaning for `refuse`."""
    value: float | None = None
    probability: float = 1.0
    """How likely it is to happen to a call or upgrade that it fits: over 0, up to 1."""
    times: int | None = 1
    """How often it happens at most; None means always."""
    retry_after: float | None = None
    """Seconds, for `refuse`: the header Retry-After."""

    def __post_init__(self) -> None:
        """Check it, and fill in what follows from the kind."""
        try:
            kind = FaultKind(self.kind)
        except ValueError:
            kinds = ", ".join(FaultKind)
            raise SimulatorError(f"expected one of {kinds}; got {str(self.kind)!r}") from None
        method = self.method if self.method == ANY else wire_name(self._checked_method())
        value = _DEFAULTS.get(kind) if self.value is None else self.value
        msgspec.structs.force_setattr(self, "kind", kind)
        msgspec.structs.force_setattr(self, "method", method)
        msgspec.structs.force_setattr(self, "value", value)
        wrong = _wrong(kind, value) or self._wrong(kind)
        if wrong:
            raise SimulatorError(f"{kind}: {wrong}")

    def _checked_method(self) -> str:
        try:
            return check_name(self.method)
        except ConfigurationError as error:
            raise SimulatorError(f"a fault of a call: {error}") from None

    def _wrong(self, kind: FaultKind) -> str:
        if not 0 < self.probability <= 1:
            return f"expected a probability over 0, up to 1; got {self.probability:g}"
        if self.times is not None and self.times < 1:
            return f"expected it to happen at least once, got {self.times} times"
        if kind is not FaultKind.REFUSE and self.retry_after is not None:
            return "only a refusal has retry_after"
        if kind is FaultKind.REFUSE and self.method != ANY:
            return "it happens to upgrades, so it has no method"
        if self.retry_after is not None and not 0 <= self.retry_after <= 1e9:
            return f"expected retry_after in seconds, got {self.retry_after:g}"
        return ""

    @property
    def amount(self) -> float:
        """The value of a kind that has one."""
        return self.value or 0.0

    def __str__(self) -> str:
        value = "" if self.value is None else f" {self.value:g}"
        after = "" if self.retry_after is None else f", Retry-After {self.retry_after:g}"
        return f"{self.kind}{value}{after}"


def _wrong(kind: FaultKind, value: float | None) -> str:
    """What is wrong with the value, or nothing."""
    if value is None:
        return ""
    whole = value == value // 1
    match kind:
        case FaultKind.DELAY | FaultKind.DROP_AFTER_REQUEST:
            return "" if 0 <= value <= 3600 else f"expected 0 to 3600 seconds, got {value:g}"
        case FaultKind.FRAGMENT:
            return "" if whole and value >= 1 else f"expected 1 byte or more, got {value:g}"
        case FaultKind.CLOSE:
            sendable = whole and is_sendable_close_code(int(value))
            return "" if sendable else f"expected a close code that may be sent, got {value:g}"
        case FaultKind.REFUSE:
            refuses = whole and 300 <= value <= 599
            return "" if refuses else f"expected a status from 300 to 599, got {value:g}"
        case _:
            return f"it has no value, got {value:g}"


def parse_fault(text: str) -> Fault:
    """Read `KIND[=VALUE][:METHOD[:PROBABILITY]]`, as on the command line; it happens always.

    A refusal's value may be `STATUS/SECONDS`, with Retry-After; METHOD `*` is every method. Raises
    SimulatorError.
    """
    what, method, probability, *more = [*text.split(":"), "", "", ""][:4]
    kind, _, value = what.partition("=")
    value, _, retry_after = value.partition("/")
    if any(more):
        raise SimulatorError(f"expected KIND[=VALUE][:METHOD[:PROBABILITY]], got {text!r}")
    return Fault(
        kind,
        method or ANY,
        value=_number(value),
        probability=1.0 if not probability else _number(probability) or 0.0,
        times=None,
        retry_after=_number(retry_after),
    )


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise SimulatorError(f"expected a number, got {text!r}") from None
    if not abs(number) < float("inf"):
        raise SimulatorError(f"expected a number, got {text!r}")
    return number


class Faults:
    """The faults that are yet to happen. Used on one thread."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int | None = None) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - no secret: what goes wrong may be guessed
        self._left: list[tuple[Fault, int | None]] = [(fault, fault.times) for fault in faults]

    def add(self, fault: Fault) -> None:
        """Let it happen, after those that were added before and fit too."""
        self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Let nothing more happen."""
        self._left.clear()

    def of_call(self, method: str) -> Fault | None:
        """What is to happen to this call of `method`, a wire name; None if nothing is."""
        return self._draw(
            lambda fault: fault.kind is not FaultKind.REFUSE and fault.method in {ANY, method}
        )

    def of_upgrade(self) -> Fault | None:
        """What is to happen to this upgrade; None if nothing is."""
        return self._draw(lambda fault: fault.kind is FaultKind.REFUSE)

    def _draw(self, fits: Callable[[Fault], bool]) -> Fault | None:
        for index, (fault, left) in enumerate(self._left):
            if fits(fault) and self._chance.random() < fault.probability:
                if left == 1:
                    del self._left[index]
                elif left is not None:
                    self._left[index] = fault, left - 1
                return fault
        return None
