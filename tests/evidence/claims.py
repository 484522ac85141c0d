"""What the project claims, and which proof shows it. What the page says is all here."""

from collections.abc import Sequence

import msgspec
from tests.simulation.invariants import Invariant


class Claim(msgspec.Struct, frozen=True):
    """A sentence that may be relied upon."""

    text: str
    proof: str
    """The name of the one that shows it; it may show others too."""


FUZZED = {
    "handshake": "The answers to CONNECT and to the upgrade: nothing raises, at most a head is "
    "held, and only the right `Sec-WebSocket-Accept` opens a connection.",
    "frames": "Frames, in either role: nothing raises, the events are the same however the stream "
    "is cut, and what is held is bounded.",
    "deflate": "Compressed frames: the same, and nothing inflates beyond the limit.",
    "jsonrpc": "Messages: nothing raises, and what is understood is what Python's own parser "
    "reads.",
    "contract": "The types of the contract: what is decoded and encoded again comes back equal, "
    "unknown members included.",
    "registration": "The answers of the REST API: nothing raises, the outcome is the same however "
    "they are cut, and no text shows the key.",
    "upgrade": "The request for an upgrade, on the gateway's side: nothing raises, and there is "
    "one answer and one end.",
    "service": "The whole client, with dials, data, time, results, stops and crashes in any "
    "order: nothing raises, no answer without a request, none twice, no payment booked twice.",
    "shortcut": "Ordinary reads, which take a shortcut, beside a client that sends all requests "
    "the long way: at no step of any script does it make a difference.",
}
"""What the fuzzer tries to disprove, by its target."""

CLAIMS: dict[str, Sequence[Claim]] = {
    "Payments": [
        *(Claim(each.value, "simulation") for each in Invariant),
        Claim(
            "While connections drop and the till is killed with `kill -9`, every payment is "
            "booked once, and the books of both sides agree to the penny, in each runtime.",
            "torture",
        ),
        Claim(
            "A payment is not booked again after a restart; what was cut off in the middle runs "
            "again and is told so; a stop waits until Dojo has the answers, as long as it may.",
            "restarts",
        ),
        Claim(
            "The journal on disk gives the same answers as the one in memory, whatever is done to "
            "both; a row is durable before its step is said to be done; one process serves at a "
            "time.",
            "journal",
        ),
    ],
    "Wire": [
        Claim(
            "RFC 6455 and its compression (RFC 7692) are kept in both roles, says the Autobahn "
            "test suite: no case is worse than informational.",
            "conformance",
        ),
        Claim(
            "A stream gives the same events and bytes however it is split: the handshake, frames, "
            "compressed frames, a proxy's tunnel, REST, and the whole client.",
            "splits",
        ),
        Claim(
            "The fast lane of the framing tells of any stream, however it is cut, what the decoder "
            "alone tells.",
            "lanes",
        ),
        Claim(
            "Each adapter does the same in the same situation: what comes, what is answered, how "
            "it stops, and what it leaves behind.",
            "stories",
        ),
        Claim("Every line and every branch of the core is run by a test.", "core"),
        Claim(
            "With the lowest version of each dependency that is allowed, the core, the adapters "
            "and the journal still work.",
            "lowest",
        ),
    ],
    "Peers": [
        Claim(
            "The pay-at-table visit, pings, large messages, refusals and Close work with "
            "websockets, aiohttp, uvicorn, hypercorn and Node's ws, in each runtime; a gateway "
            "that speaks HTTP/2 alone is refused with its reason.",
            "interop",
        ),
        Claim(
            "Behind nginx, which ends TLS, payments outlive its idle time-out and a reload: each "
            "is booked once and answered in the end, in each runtime.",
            "nginx",
        ),
    ],
    "Hostile input": [
        Claim(
            "A certificate that has expired, is self-signed, for another host or from an unknown "
            "authority, and a server with TLS 1.1 alone are refused with the reason, in each "
            "runtime; a private authority and a client certificate work.",
            "tls",
        ),
        Claim(
            "Line breaks, NUL and non-ASCII in what becomes a header are refused before a byte is "
            "sent; `ws://` beyond this machine needs the explicit setting.",
            "headers",
        ),
        Claim(
            "A handshake that drips or does not end, endless heads and bodies, and a wrong 101: a "
            "deadline, and little memory.",
            "handshakes",
        ),
        Claim(
            "Frames with lengths up to 2^63, a million fragments, floods of pings and pongs, and "
            "decompression bombs: little memory, and a Close with the right code.",
            "frames",
        ),
        Claim(
            "Floods of requests, of payments and of repeats, by a peer that reads its answers or "
            "does not: little memory, and no payment is answered with a guess.",
            "floods",
        ),
        Claim(
            "Endless and dripping answers of the REST API: a deadline, and little memory.", "rest"
        ),
        Claim("The same over real sockets, in each runtime.", "attacks"),
        Claim(
            "Neither the API key nor a customer's name, e-mail or phone number is in any log, "
            "exception, traceback, `repr`, event, `status()` or list of processes; nor is the key "
            "in the journal.",
            "secrets",
        ),
        *(Claim(f"Under the fuzzer. {text}", f"fuzz-{name}") for name, text in FUZZED.items()),
    ],
    "Endurance": [
        Claim(
            "After a million requests and two thousand reconnects in one process, memory, "
            "descriptors, threads and tasks are what they were, in each runtime.",
            "soak",
        ),
    ],
    "Contract": [
        Claim(
            "The types of the contract take and give what the vendor's schemas, examples and "
            "pages say, and nothing is lost that they do not know.",
            "contract",
        ),
        Claim(
            "The sample restaurant passes every check of `dojo-epos check`, in each runtime; with "
            "one mistake in it, the check that is there for that fails.",
            "checks",
        ),
    ],
    "The proofs themselves": [
        Claim(
            "Each harness finds defects that are planted in the library: the simulation, the "
            "torture, the conformance suite, the fuzz targets, the interoperation, the bounds of "
            "memory and the search for secrets.",
            "planted",
        ),
    ],
}
"""Every claim, in the order of the page, by its section."""
