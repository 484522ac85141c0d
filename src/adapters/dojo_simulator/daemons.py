"""Functions that run in a thread of their own, which holds up nobody's exit."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def in_daemon(name: str, function: Callable[..., T], *args: Any) -> Future[T]:
    """Call `function` in a new thread of that name; the future gets what it returns or raises."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            result = function(*args)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
            future.set_exception(error)
        else:
            future.set_result(result)

    Thread(target=work, name=name, daemon=True).start()
    return future
