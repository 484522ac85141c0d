"""Settings from the environment of the process."""

import os
from collections.abc import Callable, Mapping

import msgspec

from dojo_proto import ConfigurationError, Settings
from dojo_proto.address import Address, bypasses_proxy
from dojo_proto.settings import API_URL, GATEWAY_URL, check_api_key


def settings_from_environment(
    environ: Mapping[str, str] | None = None, **fields: object
) -> Settings:
    """Settings from the variables that begin with DOJO_.

    These are DOJO_API_KEY or else DOJO_API_KEY_FILE, DOJO_RESELLER_ID, DOJO_EPOS_URL and
    DOJO_API_URL; empty ones count as not set. `fields` are fields of Settings and win over the
    environment. The key's file is read before each dial, so that keys can rotate.
    Raises ConfigurationError if there is no key or a value is wrong.
    """
    env = os.environ if environ is None else environ
    found: dict[str, object] = {
        "reseller_id": env.get("DOJO_RESELLER_ID") or None,
        "url": env.get("DOJO_EPOS_URL") or GATEWAY_URL,
        "api_url": env.get("DOJO_API_URL") or API_URL,
    }
    if "api_key" not in fields:
        found["api_key"] = _api_key(env)
    return Settings(**(found | fields))  # type: ignore[arg-type] # Settings checks each of them


def chosen_settings(settings: object) -> Settings:
    """`settings`, or those of the environment if it is None.

    Raises ConfigurationError for anything else, and where `settings_from_environment` does.
    """
    if settings is None:
        return settings_from_environment()
    if not isinstance(settings, Settings):
        raise ConfigurationError(
            "settings: expected a dojo_proto.Settings, or None for those of the environment; got "
            f"{type(settings).__name__}"
        )
    return settings


def with_proxy(
    settings: Settings, environ: Mapping[str, str] | None = None, *, to: Address | None = None
) -> Settings:
    """The settings with the proxy of HTTPS_PROXY, unless they name one or NO_PROXY exempts `to`.

    `to` is the gateway if None. Only TLS goes through the proxy. The variables are read in either
    case, as curl does. Raises ConfigurationError for a proxy that cannot be used.
    """
    env = os.environ if environ is None else environ
    to = settings.address if to is None else to
    if settings.proxy is not None or not to.tls:
        return settings
    proxy = env.get("https_proxy") or env.get("HTTPS_PROXY")
    no_proxy = env.get("no_proxy") or env.get("NO_PROXY") or ""
    if not proxy or bypasses_proxy(to, no_proxy):
        return settings
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        return msgspec.structs.replace(settings, proxy=url)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"HTTPS_PROXY: {error} (Settings(proxy=…) wins over it, and NO_PROXY exempts hosts)"
        ) from None


def proxy_of(given: Settings, used: Settings) -> str:
    """Where the proxy was named that `with_proxy` has made of `given`; empty if there is none."""
    if not used.proxy:
        return ""
    return "Settings.proxy" if given.proxy else "HTTPS_PROXY"


def current_key(settings: Settings) -> str:
    """The API key as it is now. A callable may block; ConfigurationError says that it failed."""
    api_key = settings.api_key
    if not callable(api_key):
        return api_key
    try:
        return check_api_key(api_key())  # of one that takes no types seriously, anything may come
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's own callable; its text may be secret
        what = f"Settings.api_key() raised {type(error).__name__}"
        raise ConfigurationError(what) from None


def _api_key(env: Mapping[str, str]) -> str | Callable[[], str]:
    key, path = env.get("DOJO_API_KEY"), env.get("DOJO_API_KEY_FILE")
    if key:
        return key
    if not path:
        raise ConfigurationError(
            "there is no API key: set DOJO_API_KEY, or DOJO_API_KEY_FILE to the path of a file "
            "that has it, or pass Settings(api_key=…); it comes from Dojo's developer portal"
        )

    from pathlib import Path  # noqa: PLC0415 - only a key in a file needs it

    def read() -> str:
        try:
            found = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ConfigurationError(f"DOJO_API_KEY_FILE: cannot read {path}: {reason}") from None
        if not found:
            raise ConfigurationError(f"DOJO_API_KEY_FILE: {path} is empty")
        try:
            return check_api_key(found)
        except ConfigurationError as error:
            raise ConfigurationError(f"DOJO_API_KEY_FILE: {path}: {error}") from None

    read()  # a path that is wrong now is a mistake of the configuration, not of the network
    return read
