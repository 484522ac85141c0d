"""What must not stand in a header is refused before a byte is sent, wherever it comes from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.proto.till import Till
from tests.proto.wired import KEY, counting, plain

from dojo_adapters.environment import current_key, settings_from_environment
from dojo_proto import (
    Client,
    ConfigurationError,
    Epos,
    LocalProtocolError,
    Settings,
    handshake,
    rest,
    settings,
)
from dojo_proto.address import Address
from dojo_proto.events import Cause, Closed
from dojo_proto.exchange import USER_AGENT
from dojo_proto.handshake import Handshake
from dojo_proto.registration import LIST
from dojo_proto.rest import RestCall
from dojo_proto.tunnel import Tunnel

EVIL = {
    "CR LF": "\r\nX-Evil: 1",
    "CR": "\rX-Evil: 1",
    "LF": "\nX-Evil: 1",
    "NUL": "\0",
    "non-ASCII": "é",
    "a line separator": "\u2028",
    "an emoji": "\U0001f4b7",
    "DEL": "\x7f",
    "TAB": "\t",
    "a lone surrogate": "\udc0a",  # whose last byte would be LF
    "what narrows to LF": "\u010a",
}
PLACES = {"in the middle": "acme{}epos", "at the end": "acme{}", "at the start": "{}acme"}


def request_of(epos: Epos, chosen: Settings, key: str) -> bytes:
    """What a client with these sends first."""
    client = Client(epos, chosen, entropy=counting(), uniform=lambda: 0.0)
    client.start(0.0)
    link = client.dial_succeeded(1, key, 0.0)
    if link is None:
        closed = client.next_event()
        assert isinstance(closed, Closed)
        assert closed.cause is Cause.DIAL_FAILED
        raise ConfigurationError(closed.reason)
    return client.data_to_send(link, 0.0)


def handshake_of(**changed: Any) -> bytes:
    """Of the upgrade alone, without what checks settings before it."""
    options: dict[str, Any] = {
        "address": Address(host="gateway.example", port=443, tls=True, target="/epos"),
        "api_key": KEY,
        "software_house_id": "acme",
        "reseller_id": "reseller",
        "deflate": None,
        "max_header_size": 16384,
        "entropy": counting(),
    }
    return Handshake(**(options | changed)).data_to_send


def rest_of(key: str, house: str) -> bytes:
    call = RestCall(LIST, settings=plain(), software_house_id=house, api_key=key)
    return call.data_to_send(call.link, 0.0, 65536)


SOURCES: dict[str, Callable[[str], bytes]] = {
    "api_key": lambda value: request_of(Till().epos, Settings(api_key=value), value),
    "a callable's api_key": lambda value: request_of(Till().epos, plain(api_key=lambda: ""), value),
    "reseller_id": lambda value: request_of(Till().epos, plain(reseller_id=value), KEY),
    "software_house_id": lambda value: request_of(Epos(value), plain(), KEY),
    "url's host": lambda value: request_of(Till().epos, plain(url=f"wss://{value}/"), KEY),
    "url's path": lambda value: request_of(Till().epos, plain(url=f"wss://x.example/{value}"), KEY),
    "url's query": lambda value: request_of(
        Till().epos, plain(url=f"wss://x.example/?{value}"), KEY
    ),
    "a copy's url": lambda value: request_of(
        Till().epos, copied(url=f"wss://x.example/{value}"), KEY
    ),
    "a copy's reseller_id": lambda value: request_of(Till().epos, copied(reseller_id=value), KEY),
    "proxy's host": lambda value: request_of(Till().epos, plain(proxy=f"http://{value}:1"), KEY),
    "proxy's password": lambda value: request_of(
        Till().epos, plain(proxy=f"http://u:{value}@x.example:1"), KEY
    ),
    "api_url": lambda value: plain(api_url=f"https://x.example/{value}").api_url.encode(),
    "the key of a handshake": lambda value: handshake_of(api_key=value),
    "the software house of a handshake": lambda value: handshake_of(software_house_id=value),
    "the reseller of a handshake": lambda value: handshake_of(reseller_id=value),
    "the key of a REST call": lambda value: rest_of(value, "acme"),
    "the software house of a REST call": lambda value: rest_of(KEY, value),
}


def copied(**changes: str) -> Settings:
    """A copy as msgspec makes one, which must be checked like the first."""
    return replace(plain(), **changes)


def refused(source: str, evil: str, place: str) -> None:
    value = place.format(evil)
    with pytest.raises(ConfigurationError) as error:
        SOURCES[source](value)
    assert "acme" not in str(error.value) or source == "software_house_id"


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("source", SOURCES)
def test_a_value_that_would_break_the_head_is_refused(source: str, evil: str) -> None:
    for place in PLACES.values():
        refused(source, EVIL[evil], place)


def test_it_is_red_where_values_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (handshake, rest, settings):
        monkeypatch.setattr(module, "check_header_value", lambda _name, value: value)
    with pytest.raises(LocalProtocolError):  # the second wall, and no error for people
        refused("the reseller of a handshake", "\r\nX-Evil: 1", "acme{}epos")


@pytest.mark.parametrize("evil", [each for each in EVIL if each != "a lone surrogate"])
def test_credentials_of_a_proxy_are_encoded_and_make_no_line(evil: str) -> None:
    userinfo = f"till:s3cret{EVIL[evil]}"
    proxy = Address(host="proxy.example", port=3128, tls=False, userinfo=userinfo)
    target = Address(host="gateway.example", port=443, tls=True)
    sent = Tunnel(proxy=proxy, address=target, max_header_size=16384).data_to_send
    lines = sent.split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines[1:] if line] == [
        b"Host",
        b"Proxy-Authorization",
    ]


@pytest.mark.parametrize("variable", ["DOJO_API_KEY", "DOJO_RESELLER_ID", "DOJO_EPOS_URL"])
def test_the_environment_is_no_way_around(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOJO_API_KEY_FILE", "DOJO_RESELLER_ID", "DOJO_EPOS_URL", "DOJO_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOJO_API_KEY", KEY)
    start = "wss://x.example/" if variable.endswith("URL") else "acme"
    monkeypatch.setenv(variable, f"{start}\r\nX-Evil: 1")
    with pytest.raises(ConfigurationError):
        current_key(settings_from_environment())


def test_a_file_with_the_key_may_end_its_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOJO_API_KEY", raising=False)
    file = tmp_path / "key"
    monkeypatch.setenv("DOJO_API_KEY_FILE", str(file))
    file.write_text(f"{KEY}\n")
    assert current_key(settings_from_environment()) == KEY
    file.write_text(f"{KEY}\nX-Evil: 1\n")
    with pytest.raises(ConfigurationError) as error:
        current_key(settings_from_environment())
    assert KEY not in str(error.value)


# The headers that there are: each comes from one of the sources above, or is this library's own.


def test_no_header_has_a_source_that_is_not_tried_above() -> None:
    request = handshake_of()
    assert headers_of(request) == {
        "host": b"gateway.example",
        "upgrade": b"websocket",
        "connection": b"Upgrade",
        "sec-websocket-key": b"AAAAAAAAAAAAAAAAAAAAAQ==",
        "sec-websocket-version": b"13",
        "authorization": b"Basic " + KEY.encode(),
        "software-house-id": b"acme",
        "user-agent": USER_AGENT.encode(),
        "reseller-id": b"reseller",
    }
    assert headers_of(rest_of(KEY, "acme")) == {
        "host": b"api.dojo.tech",
        "authorization": b"Basic " + KEY.encode(),
        "software-house-id": b"acme",
        "version": rest.API_VERSION.encode(),
        "accept": b"application/json",
        "user-agent": USER_AGENT.encode(),
        "connection": b"close",
    }


def headers_of(request: bytes) -> dict[str, bytes]:
    lines = [line.partition(b": ") for line in request.split(b"\r\n")[1:] if line]
    return {name.decode().lower(): value for name, _, value in lines}


# Plain text.

BEYOND = ["gateway.example", "10.0.0.7", "[2001:db8::1]", "127.0.0.1.example", "localhost.example"]
TRICKS = ["0x7f000001", "2130706433", "127.1", "0.0.0.0", "[::]", "[::ffff:10.0.0.7]"]  # noqa: S104 - nothing is bound


@pytest.mark.parametrize("host", BEYOND + TRICKS)
@pytest.mark.parametrize(("field", "scheme"), [("url", "ws"), ("api_url", "http")])
def test_without_the_explicit_setting_no_key_travels_in_the_clear(
    field: str, scheme: str, host: str
) -> None:
    address = {field: f"{scheme}://{host}:8080/x"}
    with pytest.raises(ConfigurationError, match="unencrypted"):
        Settings(api_key=KEY, **address)  # type: ignore[arg-type] # fields by name
    with pytest.raises(ConfigurationError, match="unencrypted"):
        copied(**address)
    allowed = Settings(api_key=KEY, allow_plaintext=True, **address)  # type: ignore[arg-type] # fields by name
    assert not getattr(allowed, f"{field.removesuffix('url')}address").tls
