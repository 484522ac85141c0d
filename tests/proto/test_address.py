"""URLs of the gateway and of proxies."""

import pytest

from dojo_proto.address import Address, bypasses_proxy, parse_url
from dojo_proto.errors import ConfigurationError


def address(url: str) -> Address:
    return parse_url("url", url, "wss", "ws", "https", "http")


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "target"),
    [
        ("wss://eu.ws.dojo.tech/epos", "eu.ws.dojo.tech", 443, True, "/epos"),
        ("ws://localhost", "localhost", 80, False, "/"),
        ("wss://h:8443", "h", 8443, True, "/"),
        ("WSS://EU.WS.Dojo.Tech/Epos", "eu.ws.dojo.tech", 443, True, "/Epos"),
        ("https://h/a/b?c=d&e", "h", 443, True, "/a/b?c=d&e"),
        ("http://h?c=d", "h", 80, False, "/?c=d"),
        ("ws://h:/x", "h", 80, False, "/x"),
        ("ws://[::1]:9/x", "::1", 9, False, "/x"),
        ("ws://h:65535", "h", 65535, False, "/"),
    ],
)
def test_a_url_says_host_port_tls_and_target(
    url: str, host: str, port: int, tls: bool, target: str
) -> None:
    assert address(url) == Address(host=host, port=port, tls=tls, target=target)


@pytest.mark.parametrize(
    ("url", "userinfo"),
    [
        ("http://ann:pass@proxy:3128", "ann:pass"),
        ("http://ann@proxy:3128", "ann:"),
        ("http://ann%40acme:p%3Aa%2Fss@proxy:3128", "ann@acme:p:a/ss"),
        ("http://proxy:3128", ""),
    ],
)
def test_credentials_are_decoded(url: str, userinfo: str) -> None:
    assert parse_url("proxy", url, "http").userinfo == userinfo


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://h", "starts with wss:// or ws://, got http://"),
        ("eu.ws.dojo.tech/epos", "starts with wss:// or ws://, got no scheme"),
        ("", "got no scheme"),
        ("ws://h:port", "host or port is wrong"),
        ("ws://h:65536", "host or port is wrong"),
        ("ws://h:-1", "host or port is wrong"),
        ("ws://[::1", "host or port is wrong"),
        ("ws://h:0", "expected a port from 1 to 65535, got 0"),
        ("ws:///epos", "in ASCII without spaces"),
        ("wss://.example/epos", "in ASCII without spaces"),
        ("wss://a..example/epos", "in ASCII without spaces"),
        (f"wss://{'a' * 64}.example/epos", "of 1 to 63 characters"),
        ("ws://tést.example", "xn-- form"),
        ("ws://h/a b", "in ASCII without spaces"),
        ("ws://h/a\r\nX-Evil: 1", "in ASCII without spaces"),
        ("ws://h/\x00", "in ASCII without spaces"),
        ("ws://h/#part", "no user:password@ and no #fragment"),
        ("wss://ann:pass@h/", "no user:password@ and no #fragment"),
    ],
)
def test_a_wrong_url_is_refused_with_its_field(url: str, what: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url("url", url, "wss", "ws")
    assert str(caught.value).startswith("url: ")
    assert what in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:s3cret@h:x",
        "http://ann:s3cret@h/\n",
        "ws://ann:s3cret@h",
        "http://ann:s3cret@h:0",
    ],
)
def test_a_refusal_does_not_show_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url("proxy", url, "http")
    assert "s3cret" not in str(caught.value)


def test_repr_shows_no_credentials() -> None:
    parsed = address("http://ann:s3cret@proxy:3128")
    assert repr(parsed) == "Address(authority='proxy:3128', tls=False)"
    assert "s3cret" not in repr(parsed.__rich_repr__())


def test_an_authority_puts_ipv6_into_brackets() -> None:
    assert address("wss://[2001:db8::1]/").authority == "[2001:db8::1]:443"
    assert address("ws://h:81").authority == "h:81"


@pytest.mark.parametrize("host", ["localhost", "dev.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_loopback_is_known_by_name_or_number(host: str) -> None:
    assert address(f"ws://{host}/").is_loopback


@pytest.mark.parametrize("host", ["localhost.example", "mylocalhost", "10.0.0.1", "[2001:db8::1]"])
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not address(f"ws://{host}/").is_loopback


@pytest.mark.parametrize(
    "no_proxy",
    [
        "*",
        "*:443",
        "eu.ws.dojo.tech",
        "EU.WS.Dojo.Tech",
        "dojo.tech",
        ".dojo.tech",
        "*.dojo.tech",
        "dojo.tech:443",
        "example.com, dojo.tech",
        ",,dojo.tech",
    ],
)
def test_no_proxy_names_hosts_and_domains(no_proxy: str) -> None:
    assert bypasses_proxy(address("wss://eu.ws.dojo.tech/epos"), no_proxy)


@pytest.mark.parametrize(
    "no_proxy",
    ["", ",", ".", "*.", "tech.", "jo.tech", "ws.dojo", "dojo.tech:80", "other.eu.ws.dojo.tech"],
)
def test_other_entries_of_no_proxy_do_not_count(no_proxy: str) -> None:
    assert not bypasses_proxy(address("wss://eu.ws.dojo.tech/epos"), no_proxy)


@pytest.mark.parametrize(
    ("no_proxy", "bypasses"),
    [
        ("2001:db8::1", True),
        ("[2001:db8::1]", True),
        ("[2001:db8::1]:443", True),
        ("[2001:db8::1]:80", False),
        ("2001:db8::2", False),
    ],
)
def test_no_proxy_takes_ipv6_with_and_without_brackets(no_proxy: str, bypasses: bool) -> None:
    assert bypasses_proxy(address("wss://[2001:db8::1]/"), no_proxy) is bypasses


def test_loopback_never_goes_through_a_proxy() -> None:
    assert bypasses_proxy(address("ws://127.0.0.1:8765/"), "")
