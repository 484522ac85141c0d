"""A small HTTP proxy on this machine, to try proxy settings with (RFC 9110 section 9.3.6)."""

import asyncio
from base64 import b64encode
from http.client import responses

import h11

from dojo_proto.exchange import Header
from dojo_simulator.errors import SimulatorError
from dojo_simulator.listener import Listener, streams
from dojo_simulator.loop import Looped, LoopThread

_CHUNK = 65536


class ConnectProxy(Looped):
    """Opens tunnels with CONNECT, in a thread of its own; it has no other method.

    `with ConnectProxy() as proxy:` listens at `proxy.url`. With `credentials`, a user and a
    password, whoever does not give these gets 407. With `refuse`, a status of 300 to 599, everybody
    gets that. Raises OSError if it cannot listen.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        credentials: tuple[str, str] | None = None,
        refuse: int | None = None,
    ) -> None:
        if refuse is not None and not 300 <= refuse <= 599:
            raise SimulatorError(f"refuse: expected 300 to 599, got {refuse}")
        self.host = host
        self.port = port
        """Once it has started, never 0."""
        self._credentials = credentials
        self._refuse = refuse
        super().__init__(LoopThread("the proxy"))
        self._listener: Listener | None = None
        self._connections = 0
        self._tunnels: list[str] = []

    def _leave(self) -> None:
        if self._listener is not None:
            self._loop.call(self._listener.close)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without credentials."""
        return f"http://{self.host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections came in, whatever became of them."""
        return self._connections

    @property
    def tunnels(self) -> tuple[str, ...]:
        """What tunnels were opened to, as `host:port`, oldest first."""
        return tuple(self._tunnels)

    # On the thread of the loop.

    async def _listen(self) -> None:
        self._listener = Listener(streams(self._serve), self.host, self.port)
        self.port = self._listener.port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        http = h11.Connection(h11.SERVER)
        try:
            request = await _read_request(http, reader)
            status, headers = self._judge(request)
            if status == 200:
                await self._open(request.target.decode("ascii"), http, reader, writer)
            else:
                writer.write(_refusal(http, status, headers))
        except h11.RemoteProtocolError as error:
            writer.write(_refusal(http, error.error_status_hint, []))
        except OSError:
            pass  # one of the two ends is gone, and the tunnel with it
        finally:
            writer.close()

    def _judge(self, request: h11.Request) -> tuple[int, list[Header]]:
        given = dict(request.headers).get(b"proxy-authorization")
        if self._refuse is not None:
            return self._refuse, []
        if self._credentials is not None and given != _basic(*self._credentials):
            return 407, [("Proxy-Authenticate", 'Basic realm="the local proxy"')]
        if request.method != b"CONNECT":
            return 405, [("Allow", "CONNECT")]
        return 200, []

    async def _open(
        self,
        target: str,
        http: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        host, _, port = target.rpartition(":")
        try:
            far_reader, far_writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except (OSError, ValueError):
            writer.write(_refusal(http, 502, []))
            return
        self._tunnels.append(target)
        writer.write(http.send(h11.Response(status_code=200, headers=[])) or b"")
        far_writer.write(http.trailing_data[0])
        try:
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        except BaseException:
            # One end is gone, or the proxy stops: the other end learns it at once.
            writer.transport.abort()
            far_writer.transport.abort()
            raise
        finally:
            far_writer.close()


async def _read_request(http: h11.Connection, reader: asyncio.StreamReader) -> h11.Request:
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(_CHUNK))
    if not isinstance(event, h11.Request):
        raise ConnectionResetError("the client left before its request was complete")
    return event


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until they end, then say so."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def _basic(user: str, password: str) -> bytes:
    return b"Basic " + b64encode(f"{user}:{password}".encode())


def _refusal(http: h11.Connection, status: int, headers: list[Header]) -> bytes:
    body = f"the local proxy says: {responses.get(status, status)}".encode()
    answer = h11.Response(
        status_code=status,
        headers=[("Content-Length", str(len(body))), ("Connection", "close"), *headers],
    )
    parts = (answer, h11.Data(data=body), h11.EndOfMessage())
    return b"".join(http.send(part) or b"" for part in parts)
