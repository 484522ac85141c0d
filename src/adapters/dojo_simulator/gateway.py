"""A local payment gateway: what an EPOS connects to in tests, demos and while it is written."""

import ssl
from collections.abc import Callable, Iterable
from time import sleep
from uuid import uuid4

import msgspec

from dojo_proto.exchange import Header
from dojo_simulator.connection import EposConnection, Reply
from dojo_simulator.errors import CallTimedOut, ConnectionEnded, NoRoute, WaitTimedOut
from dojo_simulator.events import ObserverEvent
from dojo_simulator.faults import Fault, Faults
from dojo_simulator.loop import PATIENCE, Looped, LoopThread
from dojo_simulator.registry import Account, Registry
from dojo_simulator.retrying import AS_NEEDED, RetryPolicy
from dojo_simulator.routing import Route, capability_of, wire_name, wire_params
from dojo_simulator.server import Options, Server, refusal
from dojo_simulator.waiting import Waiting

_GRACE = 0.25
"""Seconds in which the connection itself can say that a call has timed out. A silent one cannot."""


class LocalGateway(Looped):
    """A gateway on this machine, in a thread of its own. Drive it from any other thread.

    `with LocalGateway() as gateway:` listens at `gateway.url`; leaving the block says Close (1001)
    to every EPOS. `port` 0 takes a free one; with `tls`, a server's context, it speaks TLS. Any API
    key will do. Of several connections only the newest should get requests: `wait_for_epos` gives
    that one. `call` calls as Dojo does: with `route="registered"` only what the EPOS has registered
    is sent. `faults` go wrong by chance, the same each time with one `seed`. `on_event` gets every
    event in the gateway's thread, and must not block or call back. Times are seconds. Raises
    OSError if it cannot listen.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        open_timeout: float = 10.0,
        close_timeout: float = 1.0,
        ping_interval: float = 20.0,
        pong_timeout: float = 10.0,
        compression: bool = False,
        route: Route = "all",
        faults: Iterable[Fault] = (),
        seed: int | None = None,
        on_event: Callable[[ObserverEvent], None] | None = None,
    ) -> None:
        super().__init__(LoopThread("the local gateway"))
        self.route: Route = route
        """What `call` sends: what was registered, or all."""
        self._waiting = Waiting()
        self._faults = Faults(faults, seed=seed)
        self.registry = Registry(self._waiting)
        """What was registered and told over REST."""
        self._server = Server(
            host,
            port,
            tls=tls,
            options=Options(
                open_timeout=open_timeout,
                close_timeout=close_timeout,
                ping_interval=ping_interval,
                pong_timeout=pong_timeout,
                compression=compression,
            ),
            loop=self._loop,
            waiting=self._waiting,
            faults=self._faults,
            on_event=on_event,
        )

    async def _listen(self) -> None:
        await self._server.listen()

    def _leave(self) -> None:
        self._loop.run(self._server.leave(), PATIENCE + self._server.options.close_timeout)

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._server.host

    @property
    def port(self) -> int:
        """The port it listens on; once it has started, never 0."""
        return self._server.port

    @property
    def url(self) -> str:
        """Where an EPOS connects to: `ws://127.0.0.1:PORT/epos`, or `wss://`."""
        return self._server.url

    # Who is connected.

    @property
    def connections(self) -> tuple[EposConnection, ...]:
        """Every connection that was ever opened, oldest first."""
        return tuple(self._server.connections)

    @property
    def refused(self) -> int:
        """How many upgrades were answered with an error."""
        return self._server.refused

    @property
    def epos(self) -> EposConnection | None:
        """The newest open connection, or None."""
        return self.epos_of()

    def epos_of(self, account: Account | None = None) -> EposConnection | None:
        """The newest open connection of `account`, the only one that gets its calls; None if none.

        Without an account it is the newest of all.
        """
        return next(
            (
                each
                for each in reversed(self.connections)
                if each.is_open and account in {None, each.account}
            ),
            None,
        )

    def wait_for_epos(
        self, timeout: float = 5.0, *, after: EposConnection | None = None
    ) -> EposConnection:
        """Return the newest open connection, as soon as there is one.

        With `after`, only one that was opened later than that one will do. Raises WaitTimedOut.
        """

        def find() -> EposConnection | None:
            newest = self.epos
            if newest is None or (after is not None and newest.number <= after.number):
                return None
            return newest

        def awaited() -> str:
            seen = "; ".join(str(each) for each in self.connections[-3:]) or "none before"
            return f"no EPOS connected to {self.url}: {seen}; {self.refused} were refused"

        return self._waiting.wait(find, timeout, awaited)

    def wait_for_refusals(self, count: int, timeout: float = 5.0) -> None:
        """Wait until `count` upgrades in all have been refused. Raises WaitTimedOut."""
        self._waiting.wait(
            lambda: self.refused >= count,
            timeout,
            lambda: f"{self.refused} upgrades were refused, not {count}",
        )

    # Calls.

    def call(
        self,
        method: str,
        params: object = None,
        *,
        account: Account | None = None,
        request_id: str | None = None,
        timeout: float = 5.0,
        retry: RetryPolicy = AS_NEEDED,
        fault: Fault | None = None,
    ) -> Reply:
        """Call as Dojo would, and return the answer: a result or an error.

        `method` is any name of the method, `params` an object for JSON or a Struct; the `headers`
        that every request has are added if they are missing. It goes to the newest connection of
        `account`, or of the EPOS that connected last. Where no answer comes within `timeout`
        seconds, or the connection ends, it is sent again as `retry` says, on whatever connection is
        the newest then. `fault` goes wrong with the first attempt. Raises NoRoute if there is
        nobody to call or the EPOS has not registered it; CallTimedOut or ConnectionEnded if the
        last attempt got no answer either.
        """
        wire, content = wire_name(method), wire_params(params)
        epos = self._routed(method, content, account)
        identity = request_id or str(uuid4())
        attempt = 1
        while True:
            try:
                call = epos.start_call(
                    wire, content, request_id=identity, timeout=timeout, fault=fault
                )
                return msgspec.structs.replace(call.wait(timeout + _GRACE), attempts=attempt)
            except (CallTimedOut, ConnectionEnded) as error:
                if attempt == retry.attempts:
                    raise
                sleep(retry.delay)
                epos = self._again(epos.account, retry, error)
            attempt, fault = attempt + 1, None
            if not retry.same_id:
                identity = str(uuid4())

    def _routed(
        self, method: str, params: dict[str, object], account: Account | None
    ) -> EposConnection:
        epos = self.epos_of(account)
        if epos is None:
            who = "" if account is None else f" as {account}"
            raise NoRoute(f"no EPOS is connected to {self.url}{who}")
        if self.route == "registered" and not self.registry.serves(epos.account, method, params):
            names = ", ".join(self.registry.names(epos.account)) or "nothing"
            raise NoRoute(
                f"{capability_of(method, params)} is not registered, so it is not called: "
                f"{epos.account} has registered {names}. Have it registered, as "
                "`dojo-epos run --register` does, or everything called: "
                "`dojo-epos simulate --route all`"
            )
        return epos

    def _again(
        self, account: Account, retry: RetryPolicy, reason: CallTimedOut | ConnectionEnded
    ) -> EposConnection:
        try:
            return self._waiting.wait(lambda: self.epos_of(account), retry.reconnect, str)
        except WaitTimedOut:
            raise reason from None

    # Faults.

    def inject(self, fault: Fault) -> None:
        """Let `fault` happen to the next call or upgrade that it fits."""
        self._loop.call(self._faults.add, fault)

    def clear_faults(self) -> None:
        """Let nothing more go wrong: neither what was injected nor what is left to chance."""
        self._loop.call(self._faults.clear)

    def tell(self, event: ObserverEvent) -> None:
        """Tell the observer, from any thread, of what happened beside the connections."""
        self._loop.post(self._server.emit, event)

    def refuse_next(
        self,
        status: int,
        n: int = 1,
        *,
        retry_after: float | str | None = None,
        headers: list[Header] | None = None,
        body: bytes = b"",
    ) -> None:
        """Answer the next `n` upgrades with `status`, 300 to 599, in place of 101.

        `retry_after` is in seconds, or the header's text. Without a `body` it is the status's name.
        Raises SimulatorError for another status, ConfigurationError for what no header may carry.
        """
        refused = refusal(status, retry_after, headers, body)
        self._loop.call(self._server.refusals.extend, [refused] * n)

    def silence(self) -> None:
        """Read and answer nothing more, not even pings, on any connection.

        New ones are opened, and fall silent then. What is silent stays so until its socket closes.
        """
        self._loop.call(self._server.fall_silent)

    def stop_accepting(self) -> None:
        """Close the listening socket, so that the next dial is refused. Open connections stay."""
        self._loop.call(self._server.stop_listening)

    def resume(self) -> None:
        """Listen again, on the same port, and serve new connections as usual."""
        self._loop.run(self._server.listen())
