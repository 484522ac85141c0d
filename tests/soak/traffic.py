"""The gateway: what is asked in which round, when connections end, and the account of answers."""

import asyncio
from collections import Counter, deque
from itertools import count
from random import Random
from typing import Any

from tests.soak.asked import Ask, draw
from tests.soak.link import Ending, Link, Owner

from dojo_simulator.listener import Listener

_DECK = (
    Ending.SILENCE,
    *(Ending.CLOSE_1000, Ending.CLOSE_1001, Ending.CLOSE_1012) * 3,
    *(Ending.RESET,) * 6,
    *(Ending.HALF_CLOSE,) * 3,
    *(Ending.REFUSAL,) * 5,
)
"""Dealt in another order each time; a silence, which takes the longest, comes in each."""
_MOST_WRONGS = 20


class Traffic(Owner):
    """Made on a running loop; listens on `port` of this machine until `close`.

    A round asks until so many requests are answered, and has so many connections end meanwhile.
    Then it asks once more for each of its payments: for the till these are repeats, and their
    answers arrive for certain, since the last connection lives on.
    """

    def __init__(self, seed: int) -> None:
        self.answered_count = 0
        """Requests, those of connections that live on and of those that do not."""
        self.lost_count = 0
        """Requests whose connection ended before their answer came."""
        self.payments = 0
        """Different ones that were answered."""
        self.endings: Counter[Ending] = Counter()
        """Connections that were made to end."""
        self.ended_otherwise = 0
        """Connections that ended and were not made to."""
        self.wrongs: list[str] = []
        self.wrong_count = 0
        self._chance = Random(seed)  # noqa: S311 - no secret
        self._numbers = count()
        self._listener = Listener(lambda: Link(self, self._chance), "127.0.0.1", 0)
        self._loop = asyncio.get_running_loop()
        self._link: Link | None = None
        self._links: dict[Link, bool] = {}  # and whether each is to end
        self._refuse_next = False
        self._deck: list[Ending] = []
        self._left = 0
        self._end_at: deque[int] = deque()
        self._again: deque[Ask] = deque()
        self._paid: list[Ask] = []
        self._repeating = False
        self._over = self._loop.create_future()
        self.port = self._listener.port

    def start_round(self, requests: int, reconnects: int) -> asyncio.Future[None]:
        """Begin a round; what is returned is done when all is answered and confirmed anew."""
        self._left = requests
        self._repeating = False
        self._paid.clear()
        # Before so many requests are left, and while there are some that can be lost.
        early = range(requests // 10 + 1, requests + 1)
        self._end_at = deque(sorted(self._chance.choices(early, k=reconnects), reverse=True))
        self._over = self._loop.create_future()
        self._ask()
        return self._over

    async def close(self) -> None:
        """Accept nobody any more, and drop who is there."""
        self._listener.close()
        await self._listener.settle()
        links = list(self._links)
        for link in links:
            link.abandon()
        for link in links:
            await link.lost

    @property
    def state(self) -> str:
        """For whoever has waited in vain."""
        waiting = sum(link.waiting for link in self._links)
        link = "no connection" if self._link is None else f"{waiting} wait for their answers"
        return (
            f"{self._left} requests and {len(self._again)} retries were still to be asked, {link}"
        )

    # What links tell.

    def may_open(self) -> bool:
        refuse, self._refuse_next = self._refuse_next, False
        return not refuse

    def opened(self, link: Link) -> None:
        self._link = link
        self._links[link] = False
        self._loop.call_soon(self._ask)
        self._loop.call_soon(self._finish_round)

    def next_ask(self) -> Ask | None:
        if self._again:
            return self._again.popleft()
        if self._left <= 0:
            return None
        self._left -= 1
        return draw(next(self._numbers), self._chance)

    def answered(self, ask: Ask, result: Any, error: str) -> None:
        if (result, error) != (ask.result, ask.error):
            came = error or "another result than its own"
            self._wrong(f"{ask.method} was answered with {came}, expected {ask.error or 'its own'}")
        self.answered_count += 1
        if ask.is_payment and not self._repeating:
            self.payments += 1
            self._paid.append(ask)
        self._end_in_time()
        self._finish_round()

    def lost(self, ask: Ask, *, living: bool) -> None:
        if living:
            self._wrong(f"{ask.method} was not answered, though its connection lives")
        self.lost_count += 1
        if ask.is_payment:
            self._again.append(ask)
        elif not self._repeating:
            self._left += 1

    def unasked(self, message: bytes) -> None:
        self._wrong(f"a message of {len(message)} bytes answers nothing that was asked, or again")

    def ended(self, link: Link) -> None:
        if link not in self._links:
            return  # it was refused
        self.ended_otherwise += not self._links.pop(link)
        if self._link is link:
            self._link = None

    # Inside.

    def _ask(self) -> None:
        if self._link is not None:
            self._link.ask()

    def _end_in_time(self) -> None:
        if self._link is None or not self._end_at or self._left > self._end_at[0]:
            return
        self._end_at.popleft()
        link, self._link = self._link, None
        if not self._deck:
            self._deck = self._chance.sample(_DECK, len(_DECK))
        ending = self._deck.pop()
        self.endings[ending] += 1
        self._links[link] = True
        self._refuse_next = ending is Ending.REFUSAL
        link.end(ending)

    def _finish_round(self) -> None:
        waiting = any(link.waiting for link in self._links)
        if self._link is None or self._left > 0 or self._again or waiting or self._over.done():
            return
        if self._end_at:
            self._end_in_time()  # which comes back when there is a connection again
            return
        if self._repeating:
            self._over.set_result(None)
            return
        self._repeating = True
        self._again.extend(self._paid)
        self._loop.call_soon(self._ask)
        self._loop.call_soon(self._finish_round)  # if there was no payment

    def _wrong(self, what: str) -> None:
        self.wrong_count += 1
        if len(self.wrongs) < _MOST_WRONGS:
            self.wrongs.append(what)
