"""The settings: what is taken, what is refused and with which words."""

import ast
import inspect
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from dojo_proto import settings as module
from dojo_proto.errors import ConfigurationError
from dojo_proto.settings import Settings, check_api_key, environment_of

KEY = "sk_sandbox_canary"


def build(**values: Any) -> Settings:
    return Settings(**{"api_key": KEY, **values})


def refusal(**values: Any) -> str:
    """The words with which `values` are refused."""
    with pytest.raises(ConfigurationError) as caught:
        build(**values)
    return str(caught.value)


def documented() -> dict[str, str]:
    """Each field of Settings and the docstring that follows it."""
    (tree,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                found[name] = " ".join(words.split())
    return found


DOCS = documented()


class TestDefaults:
    def test_only_the_key_is_required(self) -> None:
        assert msgspec.structs.asdict(build()) == {
            "api_key": KEY,
            "reseller_id": None,
            "url": "wss://eu.ws.dojo.tech/epos",
            "api_url": "https://api.dojo.tech",
            "instance": "",
            "proxy": None,
            "open_timeout": 10,
            "close_timeout": 5,
            "ping_interval": 20,
            "pong_timeout": 10,
            "backoff_initial": 1,
            "backoff_max": 30,
            "jitter": 0.5,
            "stable_after": 30,
            "auth_retry": "after-success",
            "max_in_flight": 64,
            "max_queued": 256,
            "queue_timeout": 5,
            "workers": 8,
            "read_timeout": 10,
            "slow_after": 10,
            "drain_timeout": 8,
            "api_timeout": 10,
            "max_message_size": 1024 * 1024,
            "max_header_size": 16 * 1024,
            "max_json_depth": 64,
            "max_outbound": 8 * 1024 * 1024,
            "echo_method": False,
            "compression": False,
            "allow_plaintext": False,
            "log_level": "INFO",
        }

    def test_settings_do_not_change(self) -> None:
        with pytest.raises(AttributeError):
            build().workers = 9  # type: ignore[misc]  # that is what is tested

    def test_a_changed_copy_is_checked_as_well(self) -> None:
        with pytest.raises(ConfigurationError, match="workers"):
            msgspec.structs.replace(build(), workers=0)


class TestDocumentation:
    @pytest.mark.parametrize("name", Settings.__struct_fields__)
    def test_every_field_says_where_it_comes_from(self, name: str) -> None:
        assert any(source in DOCS[name] for source in ("vendor", "RFC", "(this library"))

    @pytest.mark.parametrize(("name", "limits"), module._SECONDS.items())
    def test_a_time_says_its_unit_and_its_range(
        self, name: str, limits: tuple[float, float]
    ) -> None:
        assert DOCS[name].startswith("Seconds ")
        assert f"{limits[0]:g} to {limits[1]:g}" in DOCS[name]

    @pytest.mark.parametrize(("name", "limits"), module._COUNTS.items())
    def test_a_count_says_its_unit_and_its_range(self, name: str, limits: tuple[int, int]) -> None:
        assert DOCS[name].split()[0].strip(":") in {"Requests", "Threads", "Bytes", "Levels"}
        assert f"{limits[0]} to {limits[1]}" in DOCS[name]

    def test_every_number_has_a_range(self) -> None:
        numbers = {field.name for field in msgspec.structs.fields(Settings)} - {
            name for name, value in msgspec.structs.asdict(build()).items() if _is_no_number(value)
        }
        assert numbers == {*module._SECONDS, *module._COUNTS, "jitter"}


def _is_no_number(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float)


class TestNumbers:
    @pytest.mark.parametrize(("name", "limits"), module._SECONDS.items())
    def test_a_time_takes_its_range_and_nothing_else(
        self, name: str, limits: tuple[float, float]
    ) -> None:
        low, high = limits
        # The two that are compared with each other leave each other room.
        others = {
            "backoff_initial": {"backoff_max": 300.0},
            "backoff_max": {"backoff_initial": 0.001},
        }.get(name, {})
        assert getattr(build(**{name: low, **others}), name) == low
        assert getattr(build(**{name: high, **others}), name) == high
        too_long = 10**400
        for wrong in (low - 0.001, high + 0.001, float("nan"), float("inf"), too_long, True, "5"):
            assert refusal(**{name: wrong, **others}) == (
                f"{name}: expected seconds from {low:g} to {high:g}, got {wrong!r}"
            )
        assert refusal(**{name: None, **others}).startswith(f"{name}: expected seconds")

    @pytest.mark.parametrize(("name", "limits"), module._COUNTS.items())
    def test_a_count_takes_its_range_and_nothing_else(
        self, name: str, limits: tuple[int, int]
    ) -> None:
        low, high = limits
        assert getattr(build(**{name: low}), name) == low
        assert getattr(build(**{name: high}), name) == high
        for wrong in (low - 1, high + 1, low + 0.5, float(low), float("nan"), True, "5", None):
            assert refusal(**{name: wrong}) == (
                f"{name}: expected a whole number from {low} to {high}, got {wrong!r}"
            )

    def test_jitter_is_a_share(self) -> None:
        assert build(jitter=0).jitter == 0
        assert build(jitter=1).jitter == 1
        for wrong in (-0.1, 1.1, float("nan"), False, "half"):
            assert refusal(jitter=wrong) == f"jitter: expected a share from 0 to 1, got {wrong!r}"

    def test_delays_do_not_shrink(self) -> None:
        assert build(backoff_initial=5, backoff_max=5).backoff_max == 5
        assert refusal(backoff_initial=5, backoff_max=2.5) == (
            "backoff_max: expected at least backoff_initial (5), got 2.5"
        )


class TestChoices:
    @pytest.mark.parametrize("name", ["echo_method", "compression", "allow_plaintext"])
    def test_a_flag_is_true_or_false(self, name: str) -> None:
        assert getattr(build(**{name: True}), name) is True
        for wrong in (1, 0, None, "yes"):
            assert refusal(**{name: wrong}) == f"{name}: expected True or False, got {wrong!r}"

    @pytest.mark.parametrize("value", ["after-success", "always", "never"])
    def test_auth_retry_is_one_of_three(self, value: str) -> None:
        assert build(auth_retry=value).auth_retry == value

    @pytest.mark.parametrize("wrong", ["sometimes", "", True, None, ["never"]])
    def test_auth_retry_is_nothing_else(self, wrong: object) -> None:
        assert refusal(auth_retry=wrong) == (
            f"auth_retry: expected one of after-success, always, never; got {wrong!r}"
        )

    @pytest.mark.parametrize("value", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
    def test_log_level_is_one_of_loggings_names(self, value: str) -> None:
        assert build(log_level=value).log_level == value

    @pytest.mark.parametrize("wrong", ["debug", "TRACE", 10])
    def test_log_level_is_nothing_else(self, wrong: object) -> None:
        assert refusal(log_level=wrong) == (
            f"log_level: expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL; got {wrong!r}"
        )


class TestTexts:
    def test_reseller_id_is_optional(self) -> None:
        assert build(reseller_id="reseller-1").reseller_id == "reseller-1"
        assert refusal(reseller_id="") == "reseller_id: expected a string, got an empty string"
        assert refusal(reseller_id=5) == "reseller_id: expected a string, got 5"

    @pytest.mark.parametrize("wrong", ["a\r\nevil: 1", "a\0", " a", "a\u200b"])
    def test_reseller_id_can_stand_in_a_header(self, wrong: str) -> None:
        assert refusal(reseller_id=wrong).startswith("reseller_id ")

    def test_instance_is_any_text(self) -> None:
        assert build(instance="bar 2").instance == "bar 2"
        assert refusal(instance=2) == "instance: expected a string, got 2"
        assert refusal(instance=None) == "instance: expected a string, got None"


class TestAddresses:
    def test_the_url_says_where_to_dial(self) -> None:
        address = build(url="wss://gateway.example:8443/epos?x=1").address
        assert (address.host, address.port, address.tls) == ("gateway.example", 8443, True)
        assert address.target == "/epos?x=1"

    def test_the_address_of_the_api_is_read_once(self) -> None:
        address = build(api_url="https://api.example/base").api_address
        assert (address.host, address.port, address.tls) == ("api.example", 443, True)
        assert address.target == "/base"

    def test_the_api_has_no_query(self) -> None:
        assert refusal(api_url="https://api.example/?a=b") == (
            "api_url: a URL here has no ?query, since a path is added"
        )

    @pytest.mark.parametrize("name", ["url", "api_url", "proxy"])
    def test_an_address_is_a_string(self, name: str) -> None:
        assert refusal(**{name: 5}) == f"{name}: expected a string, got int"
        assert refusal(**{name: b"x://y"}) == f"{name}: expected a string, got bytes"

    @pytest.mark.parametrize(
        ("name", "wrong", "wanted"),
        [
            ("url", "https://gateway.example/", "wss:// or ws://"),
            ("url", "gateway.example", "wss:// or ws://"),
            ("api_url", "wss://api.example", "https:// or http://"),
            ("proxy", "https://proxy.example:8080", "http://"),
            ("proxy", "proxy.example:8080", "http://"),
        ],
    )
    def test_an_address_starts_with_its_scheme(self, name: str, wrong: str, wanted: str) -> None:
        words = refusal(**{name: wrong})
        assert words.startswith(f"{name}: ")
        assert wanted in words

    @pytest.mark.parametrize(
        ("name", "host", "plain", "encrypted"),
        [
            ("url", "gateway.example", "ws", "wss"),
            ("url", "10.0.0.1", "ws", "wss"),
            ("url", "127.0.0.1.example", "ws", "wss"),
            ("api_url", "api.example", "http", "https"),
        ],
    )
    def test_the_key_goes_to_another_machine_encrypted_only(
        self, name: str, host: str, plain: str, encrypted: str
    ) -> None:
        url = f"{plain}://{host}/"
        assert refusal(**{name: url}) == (
            f"{name}: {plain}:// to {host} would send the API key unencrypted; expected "
            f"{encrypted}://, or {plain}:// to this machine, or allow_plaintext=True"
        )
        assert getattr(build(**{name: url}, allow_plaintext=True), name) == url
        assert getattr(build(**{name: f"{encrypted}://{host}/"}), name) == f"{encrypted}://{host}/"

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8765", "127.9.9.9", "[::1]:8765"])
    def test_on_this_machine_it_may_go_in_the_clear(self, host: str) -> None:
        assert not build(url=f"ws://{host}/epos", api_url=f"http://{host}").address.tls

    def test_a_proxy_may_be_set_switched_off_or_left_to_the_environment(self) -> None:
        address = build(proxy="http://user:pass@proxy.example:3128").proxy_address
        assert address is not None
        assert (address.authority, address.userinfo) == ("proxy.example:3128", "user:pass")
        assert build(proxy="").proxy_address is None
        assert build(proxy=None).proxy_address is None


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "environment"),
        [
            ("sk_sandbox_abc", "sandbox"),
            ("sk_prod_abc", "production"),
            ("sk_abc", "unknown"),
            ("prefix_sk_prod_abc", "unknown"),
        ],
    )
    def test_the_prefix_tells_sandbox_from_production(self, key: str, environment: str) -> None:
        assert build(api_key=key).environment == environment
        assert environment_of(key) == environment

    def test_a_callable_is_asked_later(self) -> None:
        def never() -> str:
            raise AssertionError("asked")

        settings = build(api_key=never)
        assert settings.api_key is never
        assert settings.environment == "unknown"

    @pytest.mark.parametrize(
        "key", [f"{KEY}\n", f" {KEY}", f"{KEY} ", "sk_sandbox canary", "sk\tcanary", "canary\u2028"]
    )
    def test_white_space_gets_words_about_copy_and_paste(self, key: str) -> None:
        assert refusal(api_key=key) == (
            "api_key: it contains white space; keys have none. Copy and paste it again, without a "
            "line break or a space at either end"
        )

    @pytest.mark.parametrize(
        "key", ["canary\0", "\x1bcanary", "canary\x7f", "canary\u200b", "canáry"]
    )
    def test_control_characters_get_words_about_copying(self, key: str) -> None:
        words = refusal(api_key=key)
        assert words.startswith("api_key ")
        assert "copied" in words
        assert "canary" not in words

    @pytest.mark.parametrize(
        ("key", "came"),
        [("", "an empty string"), (None, "NoneType"), (b"canary", "bytes"), (5, "int")],
    )
    def test_a_key_is_a_string(self, key: object, came: str) -> None:
        assert refusal(api_key=key) == f"api_key: expected a string, got {came}"

    def test_a_callables_answer_is_checked_by_the_same_rule(self) -> None:
        assert check_api_key(KEY) == KEY
        with pytest.raises(ConfigurationError, match="Copy and paste"):
            check_api_key(f"{KEY}\n")


class TestSecrecy:
    def test_repr_shows_what_differs_from_the_defaults(self) -> None:
        assert repr(build()) == "Settings(api_key='***')"
        assert repr(build(workers=2, proxy="", reseller_id="r")) == (
            "Settings(api_key='***', reseller_id='r', proxy='', workers=2)"
        )

    @pytest.mark.parametrize("show", [repr, str, lambda settings: repr(settings.__rich_repr__())])
    def test_nothing_shows_the_key_or_the_proxys_password(
        self, show: Callable[[Settings], str]
    ) -> None:
        shown = show(build(proxy="http://user:canary@proxy.example:3128"))
        assert "canary" not in shown
        assert "user" not in shown
        assert "proxy.example:3128" in shown

    @pytest.mark.parametrize(
        "values",
        [
            {"api_key": "canary canary"},
            {"api_key": "canary\0"},
            {"api_key": ["canary"]},
            {"workers": 0},
            {"url": "ws://gateway.example"},
            {"url": "wss://user:canary@gateway.example"},
            {"api_url": "https://user:canary@api.example"},
            {"proxy": "https://user:canary@proxy.example"},
            {"proxy": "http://user:canary@proxy.example:port"},
            {"proxy": "http://user:canary@"},
            {"proxy": "http://user:canary@proxy.example/#fragment"},
            {"proxy": "user:canary@proxy.example"},
            {"proxy": b"http://user:canary@proxy.example"},
        ],
    )
    def test_no_error_shows_them_either(self, values: dict[str, Any]) -> None:
        assert "canary" not in refusal(**values)
