"""The answers of the REST API, and what is registered according to them.

Input: a byte of options (1 asks what is registered at all, 2 registers, 4 goes through a proxy that
has opened the tunnel, 8 takes the stream as the body of a sound answer), one that says where to
cut, and the stream. At its end the connection ends; with 16, time does.
"""

import re

from tests.fuzz.reader import Reader, however_cut
from tests.fuzz.said import KEY, check_text, check_wait

from dojo_proto.contract import METHODS
from dojo_proto.registration import (
    LIST,
    READ,
    VERSION,
    compare,
    newer_name,
    read_list,
    read_registered,
    write,
)
from dojo_proto.rest import Answer, Failure, RestCall, RestOutcome
from dojo_proto.settings import Settings

SERVED = tuple(sorted({name for method in METHODS for name in method.capabilities}))[:4]
SETTINGS = {
    proxied: Settings(
        api_key=KEY,
        max_header_size=1024,
        proxy=f"http://till:{KEY}@proxy:3128" if proxied else "",
    )
    for proxied in (False, True)
}


def target(data: bytes) -> None:
    """There is one outcome however the answer is cut, and it stands."""
    script = Reader(data)
    options, at, stream = script.byte(), script.byte(), script.rest()
    request = write(SERVED) if options & 2 else LIST if options & 1 else READ
    if options & 8:
        stream = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(stream), stream)

    def play(pieces: list[bytes]) -> RestOutcome:
        call = RestCall(
            request,
            settings=SETTINGS[bool(options & 4)],
            software_house_id="acme-epos",
            api_key=KEY,
        )
        call.data_to_send(call.link, 0, 1 << 16)
        if options & 4:
            call.receive_data(call.link, b"HTTP/1.1 200 OK\r\n\r\n", 0)
            call.data_to_send(call.link, 0, 1 << 16)
        for piece in pieces:
            call.receive_data(call.link, piece, 0)
        if call.outcome is None:
            if options & 16:
                call.timed_out()
            else:
                call.receive_eof(call.link, 0)
        outcome = call.outcome
        assert outcome is not None, "there is no outcome at the end"
        call.receive_data(call.link, b"HTTP/1.1 200 OK\r\n\r\n", 0)
        call.receive_eof(call.link, 0)
        assert call.outcome is outcome, "an outcome has changed"
        return outcome

    outcome = however_cut(play, stream, at)
    if isinstance(outcome, Failure):
        _check_failure(outcome)
        return
    assert re.search(rb"HTTP/\d\.\d 2", stream), "no success came"
    lengths = re.findall(rb"(?i)\r\ncontent-length: *(\d+)", stream)
    if stream.count(b"HTTP/") == len(lengths) == 1 and b"ransfer-" not in stream:
        assert len(outcome.body) == int(lengths[0]), "not all of the answer was taken"
    for read in (read_registered, read_list):
        capabilities = read(outcome)
        if isinstance(capabilities, Failure):
            check_text(capabilities.reason)
            continue
        found = compare(SERVED, capabilities)
        theirs = {newer_name(each.name) for each in capabilities}
        assert sorted({*found.both, *found.missing}) == list(SERVED)
        assert {*found.both, *found.surplus} == theirs
        assert not set(found.missing) & theirs
        same = theirs == set(SERVED)
        versions = {each.version or VERSION for each in capabilities}
        assert found.is_same <= same, "what differs is taken to be the same"
        assert found.is_same or not same or versions != {VERSION}
    _check_unreadable(outcome)


def _check_failure(failure: Failure) -> None:
    check_text(failure.reason)
    check_wait(failure.retry_after)
    refused = failure.status in range(300, 500) and failure.status not in {408, 425, 429}
    assert failure.passing or refused, f"status {failure.status} is not to be tried again"


def _check_unreadable(answer: Answer) -> None:
    """An answer is one list or the other, or none; never both."""
    readable = [not isinstance(read(answer), Failure) for read in (read_registered, read_list)]
    assert not all(readable)
