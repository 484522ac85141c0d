"""What is not for the eyes of a log."""


class Unshown:
    """Beside Struct: a key, or what a customer or a handler gave, is among the members.

    Neither `repr` nor rich shows any but those that `__rich_repr__` names.
    """

    __slots__ = ()

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """What is shown of it: (name, value) of each member."""
        return []

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in self.__rich_repr__()]
        return f"{type(self).__name__}({', '.join(shown) or '…'})"
