"""Two clients, one of which takes the shortcut.

Input: a byte of options (1 echoes methods, 2 lets little wait to be sent, 4 and 8 say how many
requests run at a time, 16 and 32 how many more may wait, 64 compresses, 128 observes no requests),
then steps: a byte that names one, and what it takes.
"""

import zlib
from collections.abc import Callable

from tests.fuzz.reader import Reader
from tests.fuzz.targets.peer import frame
from tests.proto.driven import (
    MESSAGES,
    OUTCOMES,
    Driven,
    Step,
    compare,
    fed,
    ran,
    sent,
    stopped,
    waited,
)

ASKED = tuple(MESSAGES)
ENDS = tuple(OUTCOMES)
OPCODES = (1, 2)
"""Text, and binary."""


def target(data: bytes) -> None:
    """At no step can whoever drives them tell one client from the other."""
    Script(data).play()


class Script:
    """What happens to both of them, in order."""

    def __init__(self, data: bytes) -> None:
        self.data = Reader(data)
        options = self.data.byte()
        self.observe = not options & 128
        self.settings = {
            "echo_method": bool(options & 1),
            "max_outbound": 1024 if options & 2 else 1 << 20,
            "max_in_flight": (64, 1, 2, 4)[options >> 2 & 3],
            "max_queued": (256, 0, 1, 2)[options >> 4 & 3],
            "max_message_size": 1024,
            "compression": bool(options & 64),
        }
        self.coming = b""
        """What the gateway has sent, and the network has not brought yet."""
        self.deflater = zlib.compressobj(wbits=-15)
        self.steps: list[Step] = []

    def play(self) -> None:
        while self.data.more:
            STEPS[self.data.below(len(STEPS))](self)
        steps = [*self.steps, sent(), stopped(0.0), sent()]
        compare(steps, observe=self.observe, **self.settings)

    # What the gateway sends.

    def message(self) -> None:
        """As a rule of those that there are, each in one frame."""
        choice = self.data.byte()
        opcode = OPCODES[choice // len(ASKED) % len(OPCODES)]
        self.coming += frame(opcode, MESSAGES[ASKED[choice % len(ASKED)]])

    def parts(self) -> None:
        """One of them, in two fragments."""
        data = MESSAGES[ASKED[self.data.below(len(ASKED))]]
        at = self.data.byte()
        self.coming += b"\x01" + frame(1, data[:at])[1:] + frame(0, data[at:])

    def text(self) -> None:
        self.coming += frame(1, self.data.chunk())

    def raw(self) -> None:
        self.coming += self.data.chunk()

    def ping(self) -> None:
        self.coming += frame(9, b"p")

    def close(self) -> None:
        self.coming += frame(8, (1000 + self.data.byte()).to_bytes(2))

    def packed(self) -> None:
        """Compressed, where that is agreed on; what of it repeats what came before is less."""
        data = MESSAGES[ASKED[self.data.below(len(ASKED))]]
        packed = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        self.coming += b"\xc1" + frame(1, packed[:-4])[1:]

    # What the network brings and takes.

    def arrive(self) -> None:
        """All that is on its way, or so many bytes of it."""
        size = self.data.byte() or len(self.coming)
        self.steps.append(fed(self.coming[:size]))
        self.coming = self.coming[size:]

    def write(self) -> None:
        """The socket takes all there is, or so much."""
        self.steps.append(sent(self.data.byte() or 1 << 16))

    def eof(self) -> None:
        self.steps.append(Driven.end)

    def fail(self) -> None:
        self.steps.append(Driven.lose)

    def dial(self) -> None:
        """On a new connection nothing is on its way."""
        self.coming = b""
        self.deflater = zlib.compressobj(wbits=-15)
        self.steps.append(Driven.dial)

    # Handlers, time, the user.

    def finish(self) -> None:
        """A handler ends."""
        choice = self.data.byte()
        self.steps.append(ran(ENDS[choice % len(ENDS)], choice // len(ENDS)))

    def wait(self) -> None:
        self.steps.append(waited(self.data.byte() / 4))

    def due(self) -> None:
        self.steps.append(Driven.due)

    def stop(self) -> None:
        self.steps.append(stopped(self.data.byte() / 4))

    def abort(self) -> None:
        self.steps.append(Driven.abort)


STEPS: tuple[Callable[[Script], None], ...] = (
    Script.message,
    Script.arrive,
    Script.finish,
    Script.write,
    Script.wait,
    Script.due,
    Script.text,
    Script.parts,
    Script.packed,
    Script.ping,
    Script.raw,
    Script.close,
    Script.eof,
    Script.fail,
    Script.dial,
    Script.stop,
    Script.abort,
)
"""What a byte of the script names."""
