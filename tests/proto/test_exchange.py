"""One HTTP/1.1 request and its answer."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.errors import ConfigurationError, LocalProtocolError
from dojo_proto.exchange import (
    EXCERPT,
    MAX_INTERIM,
    Answered,
    Broken,
    Exchange,
    Head,
    Outcome,
    Switched,
    check_header_value,
)

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]

MAX = 400


def upgrade() -> Exchange:
    headers = [("Host", "h"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    return Exchange(method="GET", target="/epos", headers=headers, max_header_size=MAX)


def outcome(pieces: list[bytes], *, eof: bool = False) -> Outcome | None:
    exchange = upgrade()
    for i, piece in enumerate(pieces):
        result = exchange.receive_data(piece)
        if isinstance(result, Switched):
            rest = b"".join(pieces[i + 1 :])
            return Switched(head=result.head, trailing=result.trailing + rest)
        if result is not None:
            return result
    return exchange.receive_eof() if eof else exchange.answered


def at_eof(pieces: list[bytes]) -> Outcome | None:
    return outcome(pieces, eof=True)


def head(status: int, *headers: tuple[str, str], http_version: str = "1.1") -> Head:
    return Head(status=status, http_version=http_version, headers=headers)


def test_the_request_is_ready_from_the_start() -> None:
    assert upgrade().data_to_send == (
        b"GET /epos HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


def test_a_request_may_have_a_body() -> None:
    exchange = Exchange(
        method="PUT",
        target="/",
        headers=[("Host", "h"), ("Content-Length", "4")],
        max_header_size=MAX,
        body=b"body",
    )
    assert exchange.data_to_send == b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"


@pytest.mark.parametrize("bad", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\0b", "a\tb", "a\x7fb", "é"])
def test_no_header_can_start_another_one(bad: str) -> None:
    with pytest.raises(LocalProtocolError) as raised:
        Exchange(method="GET", target="/", headers=[("Host", "h"), ("X", bad)], max_header_size=MAX)
    assert str(raised.value) == "a target or a header of GET is not visible ASCII"


@pytest.mark.parametrize("bad", ["/ HTTP/1.1\r\nX: y", "/a b", "/\n", "/\0", "/é"])
def test_no_target_can_end_its_line(bad: str) -> None:
    with pytest.raises(LocalProtocolError):
        Exchange(method="GET", target=bad, headers=[("Host", "h")], max_header_size=MAX)


@pytest.mark.parametrize(
    ("framing", "body", "complete"),
    [
        (b"Content-Length: 4\r\n", b"body", True),
        (b"Content-Length: 5\r\n", b"body", False),
        (b"Transfer-Encoding: chunked\r\n", b"4\r\nbody\r\n", False),
        (b"", b"body", True),  # the end of the stream is the end of the body
        (b"", b"body and more", False),  # which is more than was asked for
    ],
)
def test_whether_a_body_is_complete_is_known_at_the_end_of_the_stream(
    framing: bytes, body: bytes, *, complete: bool
) -> None:
    exchange = Exchange(
        method="GET", target="/", headers=[("Host", "h")], max_header_size=MAX, max_body=8
    )
    ended = exchange.receive_data(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n" + body)
    answered = ended or exchange.receive_eof()
    assert isinstance(answered, Answered)
    assert answered.excerpt[:4] == b"body"
    assert exchange.complete is complete


def test_nothing_is_decided_before_the_head_is_complete() -> None:
    exchange = upgrade()
    assert exchange.receive_data(b"") is None
    assert exchange.receive_data(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n") is None
    assert exchange.answered is None


def test_101_ends_http_and_gives_what_came_behind_it(however_cut: HoweverCut) -> None:
    data = b"HTTP/1.1 101 Go\r\nUpgrade: WebSocket\r\n\r\n\x81\x02hi"
    assert however_cut(data, outcome) == Switched(
        head=head(101, ("upgrade", "WebSocket")), trailing=b"\x81\x02hi"
    )


def test_interim_answers_are_skipped(however_cut: HoweverCut) -> None:
    data = (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n"
        b"HTTP/1.1 101 Go\r\n\r\nrest"
    )
    assert however_cut(data, outcome) == Switched(head=head(101), trailing=b"rest")


@pytest.mark.parametrize("cut", [True, False])
def test_no_answer_is_put_off_for_ever(*, cut: bool) -> None:
    interim, final = b"HTTP/1.1 102 Wait\r\n\r\n", b"HTTP/1.1 101 Go\r\n\r\n"

    def after(number: int) -> Outcome | None:
        pieces = [*[interim] * number, final]
        return outcome(pieces if cut else [b"".join(pieces)])

    assert after(MAX_INTERIM) == Switched(head=head(101), trailing=b"")
    assert after(MAX_INTERIM + 1) == Broken(reason="more than 100 interim answers came")


def test_a_body_with_a_length_ends_the_answer_while_the_connection_stays(
    however_cut: HoweverCut,
) -> None:
    data = b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nforbidden"
    assert however_cut(data, outcome) == Answered(
        head=head(403, ("content-length", "9")), excerpt=b"forbidden"
    )


def test_a_chunked_body_is_put_together(however_cut: HoweverCut) -> None:
    data = (
        b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"4;x=y\r\nback\r\n5\r\n soon\r\n0\r\nTrailer: z\r\n\r\n"
    )
    assert however_cut(data, outcome) == Answered(
        head=head(503, ("transfer-encoding", "chunked")), excerpt=b"back soon"
    )


def test_an_answer_without_a_body_ends_at_once(however_cut: HoweverCut) -> None:
    data = b"HTTP/1.1 204 None\r\n\r\n"
    assert however_cut(data, outcome) == Answered(head=head(204), excerpt=b"")


def test_a_body_without_a_length_ends_with_the_stream(however_cut: HoweverCut) -> None:
    data = b"HTTP/1.0 502 Bad\r\n\r\nupstream"
    assert however_cut(data, at_eof) == Answered(
        head=head(502, http_version="1.0"), excerpt=b"upstream"
    )


def test_of_a_long_body_only_the_start_is_read(however_cut: HoweverCut) -> None:
    data = b"HTTP/1.1 500 Oops\r\nContent-Length: 9999\r\n\r\n" + b"x" * EXCERPT + b"y"
    assert however_cut(data, outcome) == Answered(
        head=head(500, ("content-length", "9999")), excerpt=b"x" * EXCERPT
    )


def test_a_body_that_stalls_leaves_the_refusal_to_be_told(however_cut: HoweverCut) -> None:
    data = b"HTTP/1.1 401 No\r\nContent-Length: 99\r\n\r\nthe key"
    assert however_cut(data, outcome) == Answered(
        head=head(401, ("content-length", "99")), excerpt=b"the key"
    )


def test_what_was_said_of_a_refusal_stays_as_it_was() -> None:
    exchange = upgrade()
    exchange.receive_data(b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nthe ")
    before = exchange.answered
    exchange.receive_data(b"key")
    assert before == Answered(head=head(401, ("content-length", "9")), excerpt=b"the ")


@pytest.mark.parametrize("play", [outcome, at_eof])
def test_a_body_that_breaks_off_leaves_the_refusal_clear(
    play: Callable[[list[bytes]], Outcome | None], however_cut: HoweverCut
) -> None:
    data = b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwhy\r\nzz\r\n"
    assert however_cut(data, play) == Answered(
        head=head(401, ("transfer-encoding", "chunked")), excerpt=b"why"
    )


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 401 No\r\nContent-Le", b"HTTP/1.1 100 C\r\n\r\n"])
def test_a_stream_that_ends_before_an_answer_is_broken(
    data: bytes, however_cut: HoweverCut
) -> None:
    assert however_cut(data, at_eof) == Broken(
        reason="the connection ended before the answer was complete"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: \x00\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28 a TLS alert\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_what_is_not_http_is_broken(data: bytes, however_cut: HoweverCut) -> None:
    result = however_cut(data, outcome)
    assert isinstance(result, Broken)
    assert "not HTTP/1.1" in result.reason


def _head_of(size: int, status: str = "101 Go") -> bytes:
    start = f"HTTP/1.1 {status}\r\nX: ".encode()
    return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"


def test_a_head_may_be_as_large_as_the_limit(however_cut: HoweverCut) -> None:
    result = however_cut(_head_of(MAX) + b"frames", outcome)
    assert isinstance(result, Switched)
    assert result.trailing == b"frames"


def test_a_larger_head_is_broken(however_cut: HoweverCut) -> None:
    result = however_cut(_head_of(MAX + 1), outcome)
    assert isinstance(result, Broken)
    assert f"larger than {MAX} bytes" in result.reason


def test_a_head_without_an_end_is_broken_at_the_limit() -> None:
    exchange = upgrade()
    assert exchange.receive_data(b"HTTP/1.1 200 OK\r\nX: ".ljust(MAX, b"x")) is None
    assert isinstance(exchange.receive_data(b"x"), Broken)


def test_the_limit_is_for_each_head_alone(however_cut: HoweverCut) -> None:
    data = _head_of(MAX, "103 Hints") * 2 + _head_of(MAX)
    assert isinstance(however_cut(data, outcome), Switched)
    assert isinstance(however_cut(_head_of(MAX + 1, "103 Hints"), outcome), Broken)


def test_header_members_are_split_at_commas_and_lowered() -> None:
    answer = head(101, ("connection", "Keep-Alive, , Upgrade"), ("connection", "X"), ("a", "b"))
    assert answer.tokens("connection") == ["keep-alive", "upgrade", "x"]
    assert answer.values("connection") == ["Keep-Alive, , Upgrade", "X"]
    assert answer.tokens("upgrade") == []


DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", DATE, 120),
        (" 0 ", None, 0),
        ("9" * 5000, None, 999_999_999),
        ("Sun, 06 Nov 1994 08:50:07 GMT", DATE, 30),
        ("Sun, 06 Nov 1994 08:00:00 GMT", DATE, 0),
        ("Sun, 06 Nov 1994 08:50:07 GMT", None, None),
        ("Sun, 06 Nov 1994 08:50:07 GMT", "yesterday", None),
        ("Sun, 06 Nov 1994 08:50:07 -0000", DATE, None),
        ("Sun, 06 Nov 99999999999999999999 08:50:07 GMT", DATE, None),
        ("-1", DATE, None),
        ("1.5", DATE, None),
        ("²", DATE, None),
        ("soon", DATE, None),
        (None, DATE, None),
    ],
)
def test_retry_after_takes_seconds_or_a_date_against_the_answers_own(
    value: str | None, date: str | None, seconds: float | None
) -> None:
    headers = [("retry-after", value), ("date", date)]
    answer = head(503, *[(name, text) for name, text in headers if text is not None])
    assert answer.retry_after == seconds


@given(st.text(), st.text())
def test_no_retry_after_raises(value: str, date: str) -> None:
    seconds = head(503, ("retry-after", value), ("date", date)).retry_after
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        (b"", ""),
        (b" \r\n\t ", ""),
        (b"no\r\n  such key\n", ': "no such key"'),
        (b"bell \x07, \xff, \xe2\x80\xae", ': "bell ?, \ufffd, ?"'),
        (b"x" * 300, f': "{"x" * 200}"'),
        (b" " * EXCERPT + b"x", ""),
    ],
)
def test_a_body_is_quoted_on_one_printable_line(body: bytes, quoted: str) -> None:
    assert Answered(head=head(500), excerpt=body).quote() == quoted


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        (b"key sk_prod_a1b2c3 is unknown, sk_prod_a1b2c3!", ': "key *** is unknown, ***!"'),
        (b"unknown key sk_prod_a1b2", ': "unknown key ***"'),
        (b"unknown key sk_p", ': "unknown key ***"'),
        (b"unknown keys", ': "unknown keys"'),
        (b"not a sk_", ': "not a sk_"'),  # every key begins so
    ],
)
def test_a_quote_hides_secrets_even_one_that_is_cut_off(body: bytes, quoted: str) -> None:
    assert Answered(head=head(401), excerpt=body).quote("sk_prod_a1b2c3", "") == quoted


@pytest.mark.parametrize("value", ["x", "sk_sandbox_abc", "a b", "!~"])
def test_visible_ascii_may_stand_in_a_header(value: str) -> None:
    assert check_header_value("the API key", value) == value


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("", "is empty"),
        ("abc\r\nX: y", "a character at index 3"),
        ("abc\n", "a character at index 3"),
        ("\x00abc", "a character at index 0"),
        ("abç", "a character at index 2"),
        ("a\tb", "a character at index 1"),
        ("abc\x7f", "a character at index 3"),
        (" abc", "white space at its start or end"),
        ("abc ", "white space at its start or end"),
    ],
)
def test_other_header_values_are_refused_and_not_shown(value: str, what: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_header_value("the API key", value)
    assert f"the API key {'has ' if value else ''}{what}" in str(caught.value)
    assert "abc" not in str(caught.value)


ANSWERS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=40),
        st.sampled_from(
            [
                b"HTTP/1.1 101 Go\r\n",
                b"HTTP/1.1 103 Hints\r\n",
                b"HTTP/1.1 401 No\r\n",
                b"Content-Length: 5\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"\r\n",
                b"5\r\nhello\r\n",
                b"0\r\n\r\n",
            ]
        ),
    ),
    max_size=12,
)


@given(ANSWERS)
def test_no_bytes_raise_and_no_cut_makes_a_difference(pieces: list[bytes]) -> None:
    assert outcome(pieces) == outcome([b"".join(pieces)])
    assert at_eof(pieces) == at_eof([b"".join(pieces)])
