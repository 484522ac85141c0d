"""Types of the contract as they lie in the books: in JSON, as Dojo gets them."""

from typing import TypeVar

from dojo_proto import InvalidRequest
from dojo_proto.contract import Shape, decode, encode
from dojo_proto.contract.strict import fault

T = TypeVar("T", bound=Shape)


def to_document(value: Shape) -> str:
    """The text to keep. Raises InvalidRequest for what Dojo's own schema does not allow.

    Requests are read leniently, and what was taken in once is in every later answer: a single order
    with an e-mail address that is too long would make whole pages of orders unfit to be sent.
    """
    data = encode(value)
    if reason := fault(type(value), data):
        raise InvalidRequest(f"Dojo could not be shown this {type(value).__name__}: {reason}")
    return data.decode()


def from_document(kind: type[T], document: str) -> T:
    """The value that was kept."""
    return decode(kind, document.encode())
