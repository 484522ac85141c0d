"""What these tests share with those of the machines."""

from tests.proto.conftest import frame

__all__ = ["frame"]
