"""Stands between an EPOS and the local gateway, and reads along."""

import asyncio
import os
from collections.abc import Callable
from time import monotonic

from dojo_proto.framing import Framing
from dojo_simulator.check.transcript import Transcript
from dojo_simulator.loop import Looped, LoopThread
from dojo_simulator.waiting import Waiting

_CHUNK = 65536


class _Tapped:
    """One connection and its two ends."""

    def __init__(
        self, transcript: Transcript, epos: asyncio.StreamWriter, gateway: asyncio.StreamWriter
    ) -> None:
        self.transcript = transcript
        self.epos = epos
        self.gateway = gateway

    def abort(self) -> None:
        for end in (self.epos, self.gateway):
            end.transport.abort()


class Tap(Looped):
    """Relays every connection to `host`:`port` and keeps a transcript of each.

    `with Tap(…) as tap:` listens at `tap.port`. It sees what no end tells: pings, the head of the
    upgrade, the answers to the byte; and it can send frames to the EPOS that no gateway would.
    """

    def __init__(self, host: str, port: int, *, listen: int = 0) -> None:
        super().__init__(LoopThread("the tap"))
        self.port = listen
        """Once it has started, never 0."""
        self.waiting = Waiting()
        """Guards the transcripts, and wakes those who wait for something in them."""
        self.transcripts: list[Transcript] = []
        self._far = (host, port)
        self._tapped: dict[int, _Tapped] = {}
        self._listener: asyncio.Server | None = None

    @property
    def newest(self) -> Transcript | None:
        """Of the newest open connection."""
        return next((each for each in reversed(self.transcripts) if each.is_open), None)

    def drop(self, transcript: Transcript) -> None:
        """Cut both ends off, without a Close frame. Does nothing to one that has ended."""
        self._loop.call(self._drop, transcript)

    def ping(self, transcript: Transcript, payload: bytes) -> None:
        """Send the EPOS a ping; its pong is in the transcript. Not while the gateway is writing."""
        self._loop.call(self._send, transcript, self._framing().ping(payload))

    def send_text(self, transcript: Transcript, message: bytes, *, pieces: int = 1) -> None:
        """Send the EPOS a text message, in that many frames (RFC 6455 section 5.4)."""
        size = max(1, -(-len(message) // pieces))
        frames = self._framing().fragments(message, size)
        self._loop.call(self._send, transcript, b"".join(frames))

    def _framing(self) -> Framing:
        return Framing(client=False, entropy=os.urandom, max_message_size=0)

    # On the thread of the loop.

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    def _leave(self) -> None:
        if self._listener is not None:
            self._loop.call(self._listener.close)
        for transcript in self.transcripts:
            self.drop(transcript)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._far)
        except OSError:
            writer.transport.abort()
            return
        transcript = Transcript(len(self.transcripts) + 1)
        tapped = _Tapped(transcript, writer, far_writer)
        self._tapped[transcript.number] = tapped
        with self.waiting.change():
            self.transcripts.append(transcript)
        try:
            await asyncio.gather(
                self._carry(reader, far_writer, transcript, transcript.from_epos),
                self._carry(far_reader, writer, transcript, transcript.from_gateway),
            )
        except OSError:
            pass  # one of the two ends is gone, and the other learns it now
        finally:
            self._drop(transcript)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        transcript: Transcript,
        keep: Callable[[bytes], None],
    ) -> None:
        """Carry bytes one way until they end, then say so; `keep` reads along."""
        try:
            while data := await reader.read(_CHUNK):
                with self.waiting.change():
                    keep(data)
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        finally:
            self._end(transcript)  # whatever the other end still has to say

    def _drop(self, transcript: Transcript) -> None:
        tapped = self._tapped.pop(transcript.number, None)
        if tapped is not None:
            tapped.abort()
        self._end(transcript)

    def _end(self, transcript: Transcript) -> None:
        if transcript.ended is None:
            with self.waiting.change():
                transcript.ended = monotonic()

    def _send(self, transcript: Transcript, frame: bytes) -> None:
        tapped = self._tapped.get(transcript.number)
        if tapped is not None and transcript.ended is None:
            tapped.epos.write(frame)
