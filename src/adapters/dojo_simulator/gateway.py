"""A local payment gateway: what an EPOS connects to in tests, demos and while it is written."""

import ssl
from collections.abc import Callable
from http.client import responses

from dojo_proto.exchange import Header, check_header_value
from dojo_simulator.connection import EposConnection
from dojo_simulator.errors import SimulatorError
from dojo_simulator.events import ObserverEvent
from dojo_simulator.loop import PATIENCE, Looped, LoopThread
from dojo_simulator.server import Options, Refusal, Server
from dojo_simulator.waiting import Waiting


class LocalGateway(Looped):
    """A gateway on this machine, in a thread of its own. Drive it from any other thread.

    `with LocalGateway() as gateway:` listens at `gateway.url`; leaving the block says Close (1001)
    to every EPOS. `port` 0 takes a free one; with `tls`, a server's context, it speaks TLS. Any API
    key will do. Of several connections only the newest should get requests: `wait_for_epos` gives
    that one. `on_event` gets every event in the gateway's thread, and must not block or call back.
    Times are seconds. Raises OSError if it cannot listen.
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
        on_event: Callable[[ObserverEvent], None] | None = None,
    ) -> None:
        super().__init__(LoopThread("the local gateway"))
        self._waiting = Waiting()
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
        return next((each for each in reversed(self.connections) if each.is_open), None)

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

    # Faults.

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
        if not 300 <= status <= 599:
            raise SimulatorError(f"status: expected 300 to 599, got {status}")
        fields = list(headers or [])
        if retry_after is not None:
            seconds = retry_after if isinstance(retry_after, str) else f"{retry_after:g}"
            fields.append(("Retry-After", seconds))
        refusal = Refusal(
            status=status,
            reason=responses.get(status, f"status {status}"),
            headers=[(name, check_header_value(name, value)) for name, value in fields],
            body=body,
        )
        self._loop.call(self._server.refusals.extend, [refusal] * n)

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
