"""Settings from the environment of the process."""

from pathlib import Path
from typing import Any

import pytest

from dojo_adapters.environment import (
    chosen_settings,
    current_key,
    proxy_of,
    settings_from_environment,
    with_proxy,
)
from dojo_proto import ConfigurationError, Settings
from dojo_proto.settings import API_URL, GATEWAY_URL

KEY = "sk_sandbox_c4nary"
ROTATED = "sk_sandbox_r0tated"


def read_key(settings: Settings) -> str:
    """The key as a dial would get it."""
    return settings.api_key() if callable(settings.api_key) else settings.api_key


# The variables.


def test_the_key_alone_is_enough() -> None:
    settings = settings_from_environment({"DOJO_API_KEY": KEY})
    assert settings == Settings(api_key=KEY)
    assert (settings.url, settings.api_url, settings.reseller_id) == (GATEWAY_URL, API_URL, None)


def test_every_variable_is_read() -> None:
    settings = settings_from_environment(
        {
            "DOJO_API_KEY": KEY,
            "DOJO_RESELLER_ID": "reseller-7",
            "DOJO_EPOS_URL": "ws://127.0.0.1:8765/epos",
            "DOJO_API_URL": "http://127.0.0.1:8766",
        }
    )
    assert settings == Settings(
        api_key=KEY,
        reseller_id="reseller-7",
        url="ws://127.0.0.1:8765/epos",
        api_url="http://127.0.0.1:8766",
    )


def test_an_empty_variable_is_not_set() -> None:
    empty = {
        "DOJO_RESELLER_ID": "",
        "DOJO_EPOS_URL": "",
        "DOJO_API_URL": "",
        "DOJO_API_KEY_FILE": "",
    }
    assert settings_from_environment({"DOJO_API_KEY": KEY, **empty}) == Settings(api_key=KEY)


def test_the_environment_of_the_process_is_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOJO_API_KEY", KEY)
    monkeypatch.setenv("DOJO_EPOS_URL", "ws://127.0.0.1:1/epos")
    assert settings_from_environment().url == "ws://127.0.0.1:1/epos"
    monkeypatch.setenv("DOJO_EPOS_URL", "ws://127.0.0.1:2/epos")
    assert settings_from_environment().url == "ws://127.0.0.1:2/epos"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "ws://127.0.0.1:9/epos"}, "url"),
        ({"api_url": "http://127.0.0.1:9"}, "api_url"),
        ({"reseller_id": "another"}, "reseller_id"),
        ({"reseller_id": None}, "reseller_id"),
        ({"workers": 2}, "workers"),
    ],
)
def test_arguments_win_over_the_environment(fields: dict[str, Any], field: str) -> None:
    env = {
        "DOJO_API_KEY": KEY,
        "DOJO_RESELLER_ID": "reseller-7",
        "DOJO_EPOS_URL": "ws://127.0.0.1:8765/epos",
        "DOJO_API_URL": "http://127.0.0.1:8766",
    }
    assert getattr(settings_from_environment(env, **fields), field) == fields[field]


def test_a_key_that_is_given_needs_none_in_the_environment() -> None:
    assert settings_from_environment({}, api_key=KEY).api_key == KEY
    env = {"DOJO_API_KEY": ROTATED, "DOJO_API_KEY_FILE": "/there/is/none"}
    assert settings_from_environment(env, api_key=KEY).api_key == KEY


def test_the_key_wins_over_its_file() -> None:
    env = {"DOJO_API_KEY": KEY, "DOJO_API_KEY_FILE": "/there/is/none"}
    assert settings_from_environment(env).api_key == KEY


@pytest.mark.parametrize("env", [{}, {"DOJO_API_KEY": ""}, {"DOJO_API_KEY_FILE": ""}])
def test_without_a_key_the_error_says_where_to_put_one(env: dict[str, str]) -> None:
    with pytest.raises(
        ConfigurationError, match="no API key: set DOJO_API_KEY, or DOJO_API_KEY_FILE"
    ):
        settings_from_environment(env)


@pytest.mark.parametrize(
    ("env", "match"),
    [
        ({"DOJO_API_KEY": f"{KEY}\n"}, "^api_key: it contains white space"),
        ({"DOJO_API_KEY": f"{KEY}\x00"}, "^api_key"),
        ({"DOJO_API_KEY": KEY, "DOJO_EPOS_URL": "https://x"}, "^url: .* wss:// or ws://"),
        ({"DOJO_API_KEY": KEY, "DOJO_EPOS_URL": f"wss://u:{KEY}@host/"}, "^url: "),
        ({"DOJO_API_KEY": KEY, "DOJO_API_URL": f"https://u:{KEY}@host/"}, "^api_url: "),
        ({"DOJO_API_KEY": KEY, "DOJO_RESELLER_ID": "a\nb"}, "^reseller_id"),
    ],
)
def test_a_wrong_value_is_named_without_the_key(env: dict[str, str], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match) as wrong:
        settings_from_environment(env)
    assert "c4nary" not in str(wrong.value)


def test_no_key_is_shown() -> None:
    assert "c4nary" not in repr(settings_from_environment({"DOJO_API_KEY": KEY}))


# The key's file.


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    return path


def from_file(path: Path) -> Settings:
    return settings_from_environment({"DOJO_API_KEY_FILE": str(path)})


def test_the_line_break_at_the_end_of_the_file_is_no_part_of_the_key(key_file: Path) -> None:
    assert read_key(from_file(key_file)) == KEY
    key_file.write_text(f"  {KEY}\r\n\r\n")
    assert read_key(from_file(key_file)) == KEY


def test_the_file_is_read_again_before_each_dial(key_file: Path) -> None:
    settings = from_file(key_file)
    assert read_key(settings) == KEY
    key_file.write_text(ROTATED)
    assert read_key(settings) == ROTATED


def test_a_file_that_is_gone_at_a_later_dial_is_an_error_of_that_dial(key_file: Path) -> None:
    settings = from_file(key_file)
    key_file.unlink()
    with pytest.raises(ConfigurationError, match=r"cannot read .*key: No such file or directory"):
        read_key(settings)
    key_file.write_text(KEY)
    assert read_key(settings) == KEY


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b"\xff\xfe c4nary", "it is not UTF-8"),
        (b"sk_sandbox_c4nary\nsk_prod_c4nary\n", "api_key: it contains white space"),
        (b"sk_sandbox_c4nary\x00", "api_key"),
    ],
)
def test_a_file_without_one_key_is_refused_at_the_start_and_later(
    key_file: Path, content: bytes, reason: str
) -> None:
    settings = from_file(key_file)
    key_file.write_bytes(content)
    for ask in (lambda: from_file(key_file), lambda: read_key(settings)):
        with pytest.raises(ConfigurationError, match=reason) as wrong:
            ask()
        assert str(wrong.value).startswith("DOJO_API_KEY_FILE: ")
        assert str(key_file) in str(wrong.value)
        assert "c4nary" not in str(wrong.value)
        # Neither does a traceback show what it was.
        assert wrong.value.__context__ is None or wrong.value.__suppress_context__


def test_a_path_that_is_wrong_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        from_file(tmp_path / "none")
    with pytest.raises(ConfigurationError, match="Is a directory"):
        from_file(tmp_path)


# The proxy.

SERVICE = Settings(api_key=KEY, url="wss://gateway.example/epos")
PROXY = "http://user:s3cret@proxy.example:3128"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_the_proxy_of_the_environment_is_used_in_either_case(name: str) -> None:
    assert with_proxy(SERVICE, {name: PROXY}).proxy == PROXY


def test_the_lower_case_wins() -> None:
    env = {"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"}
    assert with_proxy(SERVICE, env).proxy == "http://lower:1"
    env = {"HTTPS_PROXY": PROXY, "NO_PROXY": "gateway.example", "no_proxy": "other.example"}
    assert with_proxy(SERVICE, env).proxy == PROXY


def test_a_proxy_without_a_scheme_is_an_http_one() -> None:
    assert with_proxy(SERVICE, {"HTTPS_PROXY": "proxy.example:3128"}).proxy == (
        "http://proxy.example:3128"
    )


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("exempt", ["gateway.example", ".example", "x, gateway.example:443", "*"])
def test_no_proxy_exempts_hosts(name: str, exempt: str) -> None:
    assert with_proxy(SERVICE, {"HTTPS_PROXY": PROXY, name: exempt}) is SERVICE


@pytest.mark.parametrize("exempt", ["", "other.example", "ateway.example", "gateway.example:80"])
def test_no_proxy_exempts_nobody_else(exempt: str) -> None:
    assert with_proxy(SERVICE, {"HTTPS_PROXY": PROXY, "NO_PROXY": exempt}).proxy == PROXY


@pytest.mark.parametrize(
    "env", [{}, {"HTTPS_PROXY": ""}, {"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}]
)
def test_without_the_variable_there_is_no_proxy(env: dict[str, str]) -> None:
    assert with_proxy(SERVICE, env).proxy is None


@pytest.mark.parametrize("proxy", ["", "http://own.example:8080"])
def test_the_proxy_of_the_settings_wins_also_if_it_says_none(proxy: str) -> None:
    settings = Settings(api_key=KEY, url="wss://gateway.example/epos", proxy=proxy)
    assert with_proxy(settings, {"HTTPS_PROXY": PROXY}) is settings


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:8765/epos", "wss://localhost/epos", "wss://[::1]/"]
)
def test_what_is_on_this_machine_needs_no_proxy(url: str) -> None:
    settings = Settings(api_key=KEY, url=url)
    assert with_proxy(settings, {"HTTPS_PROXY": PROXY}) is settings


def test_plaintext_does_not_go_through_the_proxy_for_https() -> None:
    settings = Settings(api_key=KEY, url="ws://gateway.example/", allow_plaintext=True)
    assert with_proxy(settings, {"HTTPS_PROXY": PROXY}) is settings


def test_the_environment_of_the_process_is_asked_for_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert with_proxy(SERVICE).proxy == PROXY


@pytest.mark.parametrize(
    "proxy",
    [
        "https://user:s3cret@proxy.example",
        "socks5://user:s3cret@proxy.example",
        "http://user:s3cret@",
        "http://user:s3cret@proxy.example:port",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_without_credentials(
    proxy: str,
) -> None:
    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY: proxy: expected .*http://") as bad:
        with_proxy(SERVICE, {"HTTPS_PROXY": proxy})
    assert "s3cret" not in str(bad.value)
    assert bad.value.__suppress_context__


def test_whether_the_api_goes_through_the_proxy_is_another_matter() -> None:
    env = {"HTTPS_PROXY": PROXY, "NO_PROXY": "gateway.example"}
    assert with_proxy(SERVICE, env).proxy is None
    assert with_proxy(SERVICE, env, to=SERVICE.api_address).proxy == PROXY
    env = {"HTTPS_PROXY": PROXY, "NO_PROXY": "api.dojo.tech"}
    assert with_proxy(SERVICE, env, to=SERVICE.api_address).proxy is None


def test_the_rest_of_the_settings_stays() -> None:
    settings = Settings(api_key=KEY, url="wss://gateway.example/", workers=3, instance="bar")
    changed = with_proxy(settings, {"HTTPS_PROXY": PROXY})
    assert (changed.api_key, changed.workers, changed.instance) == (KEY, 3, "bar")


def test_it_is_known_where_the_proxy_was_named() -> None:
    assert proxy_of(SERVICE, with_proxy(SERVICE, {})) == ""
    assert proxy_of(SERVICE, with_proxy(SERVICE, {"HTTPS_PROXY": PROXY})) == "HTTPS_PROXY"
    own = Settings(api_key=KEY, url="wss://gateway.example/epos", proxy=PROXY)
    assert proxy_of(own, with_proxy(own, {"HTTPS_PROXY": PROXY})) == "Settings.proxy"


# Settings, or those of the environment.


def test_settings_are_those_that_were_given_or_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen_settings(SERVICE) is SERVICE
    monkeypatch.setenv("DOJO_API_KEY", "sk_sandbox_other")
    assert chosen_settings(None).api_key == "sk_sandbox_other"


@pytest.mark.parametrize("came", [{}, {"api_key": KEY}, KEY, Settings])
def test_what_is_no_settings_is_not_replaced_by_the_environment(
    came: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOJO_API_KEY", "sk_sandbox_other")
    with pytest.raises(ConfigurationError, match=r"^settings: expected a .*Settings, .*; got \w+$"):
        chosen_settings(came)


# The key as it is now.


def test_a_key_that_is_a_value_is_that() -> None:
    assert current_key(SERVICE) == KEY


def test_a_callable_is_asked_each_time() -> None:
    keys = iter(["sk_sandbox_1", "sk_sandbox_2"])
    settings = Settings(api_key=lambda: next(keys))
    assert [current_key(settings), current_key(settings)] == ["sk_sandbox_1", "sk_sandbox_2"]


def test_a_callable_that_fails_is_named_without_its_words() -> None:
    def fail() -> str:
        raise LookupError(KEY)

    with pytest.raises(ConfigurationError) as caught:
        current_key(Settings(api_key=fail))
    assert str(caught.value) == "Settings.api_key() raised LookupError"
    assert caught.value.__suppress_context__


def test_what_a_callable_says_for_people_is_said() -> None:
    def fail() -> str:
        raise ConfigurationError("the vault is locked")

    with pytest.raises(ConfigurationError, match="the vault is locked"):
        current_key(Settings(api_key=fail))


@pytest.mark.parametrize("came", [KEY.encode(), 5, None, "", f"{KEY}\n"])
def test_what_a_callable_gives_that_is_no_key_is_refused_without_showing_it(came: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^api_key: ") as caught:
        current_key(Settings(api_key=lambda: came))
    assert KEY not in str(caught.value)
