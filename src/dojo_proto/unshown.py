"""What is not for the eyes of a log."""

import msgspec


class Unshown(msgspec.Struct, frozen=True):
    """What holds a result of a handler: neither `repr` nor rich shows anything of it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """What rich shows of it."""
        return []
