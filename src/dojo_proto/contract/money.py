"""Amounts of money."""

from typing import Annotated

from msgspec import Meta

from dojo_proto.contract.shape import FrozenShape, Sent

MINOR_UNITS = "amounts are whole minor units: 1050 for 10.50"


class Money(FrozenShape, frozen=True):
    """An amount: `Money(1050, "GBP")` is £10.50."""

    value: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    """Minor units, a whole number: 1050 for 10.50. A number with a decimal point is refused."""
    currency_code: Annotated[str, Sent(Meta(min_length=1, max_length=10))]
    """ISO 4217, three letters."""

    def __post_init__(self) -> None:
        """Refuse a number that is not whole where it is made, and not only where it is sent."""
        value: object = self.value  # msgspec checks what it decodes, and not what it is given
        if not isinstance(value, int):
            raise TypeError(f"Money: {MINOR_UNITS}; expected an int, got {type(value).__name__}")

    def __hash__(self) -> int:
        return hash((self.value, self.currency_code))
