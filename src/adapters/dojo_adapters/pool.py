"""Threads that are there for as much work as blocks, and one for all that does not.

They are daemon threads of our own: the default pools of asyncio and anyio hold the interpreter's
exit until what is stuck returns.
"""

from collections import deque
from collections.abc import Callable
from math import inf
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """Calls `take(item)` for what is submitted, in at most `limit` threads called `name`.

    Of many items that come at once only the first wakes a thread, and each thread that finds more
    of them wakes the next before it takes its own: what blocks gets a thread each, and what returns
    at once shares one, without a switch of threads for each. A thread that is free ends when
    nothing came for `linger` seconds, or with `close` if that is None. `came()` is called in each
    that was woken or started, before it looks at what there is to do.
    """

    def __init__(
        self,
        take: Callable[[T], object],
        *,
        name: str,
        limit: float = inf,
        linger: float | None = None,
        came: Callable[[], object] | None = None,
    ) -> None:
        self._take = take
        self._name = name
        self._limit = limit
        self._linger = -1 if linger is None else linger
        self._items: deque[T] = deque()
        self._lock = Lock()
        self._threads = 0
        # What wakes each thread that waits for work; the last to wait is the first to be woken. In
        # one queue for all of them, whoever takes something out wakes another one in vain.
        self._free: list[Lock] = []
        self.coming = False
        """A thread has been woken or started, and has not looked yet at what there is to do."""
        self._came = came
        self._closed = False

    def submit(self, item: T) -> bool:
        """Have `item` taken soon; False if there is no thread, and the system gives none now.

        Where there are some, and it gives no more, the next that gets free takes it.
        """
        with self._lock:
            self._items.append(item)
            self._call_one()
            if self._threads == 0:
                self._items.pop()
            return self._threads > 0

    def try_again(self) -> None:
        """Have a thread come for what waits, if the system gave none when it was submitted."""
        with self._lock:
            if self._items:
                self._call_one()

    def close(self) -> None:
        """End the threads that are free, and each other one when what it has taken returns.

        What no thread has taken by now is forgotten: nobody is to begin it any more.
        """
        with self._lock:
            self._closed = True
            self._items.clear()
            while self._free:
                self._free.pop().release()

    def _call_one(self) -> None:
        """Have one more thread come, if there may be one and none is on its way."""
        if self.coming:
            return
        if self._free:
            self._free.pop().release()
        elif self._threads < self._limit:
            try:
                Thread(target=self._work, name=self._name, daemon=True).start()
            except RuntimeError:  # the system gives no more threads now
                return
            self._threads += 1
        else:
            return  # the next that gets free takes it
        self.coming = True

    def _work(self) -> None:
        woken = Lock()
        woken.acquire()
        try:
            self._arrive()
            while (found := self._next(woken)) is not None:
                self._take(found[0])
                del found  # a thread that waits keeps nothing of the last
        except BaseException:
            # It ends, and `threading.excepthook` tells why. Others take what it leaves.
            with self._lock:
                self._threads -= 1
                if self._items:
                    self._call_one()
            raise

    def _arrive(self) -> None:
        with self._lock:
            self.coming = False
        if self._came is not None:
            self._came()

    def _next(self, woken: Lock) -> tuple[T] | None:
        """The next item, as soon as there is one; None when this thread is to end."""
        while True:
            with self._lock:
                if self._items:
                    item = self._items.popleft()
                    if self._items:
                        self._call_one()
                    return (item,)
                if self._closed:
                    return None
                self._free.append(woken)
            if not self._is_woken(woken):
                return None
            self._arrive()

    def _is_woken(self, woken: Lock) -> bool:
        """Wait for more to do; False if none has come for long enough."""
        if not woken.acquire(timeout=self._linger):
            with self._lock:
                if woken in self._free:
                    self._free.remove(woken)
                    self._threads -= 1
                    return False
            woken.acquire()  # all that are not free any more are woken, so this one is as well
        return True
