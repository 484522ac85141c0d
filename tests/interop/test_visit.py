"""The visit of the demonstration, with a gateway that nobody here has written."""

from tests.interop.foreign import ForeignGateway
from tests.interop.visiting import settings, visit


def test_the_visit(runtime: str, gateway: ForeignGateway) -> None:
    assert visit(runtime, gateway, settings(f"{gateway.url}/epos")) == ""
