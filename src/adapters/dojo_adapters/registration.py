"""Registering with Dojo by hand: what the commands `register` and `capabilities` do.

A service does it by itself, with `register=True`.
"""

from ssl import SSLContext
from typing import NoReturn

from dojo_adapters.environment import chosen_settings, with_proxy
from dojo_adapters.rest import Rest
from dojo_proto import ApiError, AuthenticationError, ConfigurationError, Epos, Settings
from dojo_proto.epos import expect_epos
from dojo_proto.registrar import mismatch
from dojo_proto.registration import (
    LIST,
    READ,
    Capability,
    Comparison,
    compare,
    read_list,
    read_registered,
    write,
)
from dojo_proto.rest import Answer, Failure, RestRequest

__all__ = ["register", "registered", "registering"]


def registering(epos: Epos) -> RestRequest:
    """What `register` would send. Raises ConfigurationError for an EPOS that cannot be served."""
    expect_epos(epos).check(allow_async=True, journaled=True)
    return write(epos.capabilities())


def register(
    epos: Epos, settings: Settings | None = None, *, ssl_context: SSLContext | None = None
) -> Comparison:
    """Have Dojo route to `epos` what it has handlers for, and nothing else; read that back.

    `settings` come from the environment if None. It blocks for twice `api_timeout` at most. Raises
    ConfigurationError, AuthenticationError for 401 and 403, ApiError for everything else; whether
    something is registered then is not known.
    """
    request = registering(epos)
    rest = _reach(epos.software_house_id, settings, ssl_context)
    _call(rest, request)
    found = _expect(read_registered(_call(rest, READ)))
    return compare(epos.capabilities(), found)


def registered(
    software_house_id: str,
    settings: Settings | None = None,
    *,
    ssl_context: SSLContext | None = None,
) -> tuple[Capability, ...]:
    """What Dojo has registered for the WebSocket, as it names it.

    `software_house_id` is the one of the Epos. Takes and raises what `register` does.
    """
    rest = _reach(software_house_id, settings, ssl_context)
    return _expect(read_list(_call(rest, LIST)))


def _reach(software_house_id: str, settings: Settings | None, context: SSLContext | None) -> Rest:
    settings = chosen_settings(settings)
    if fault := mismatch(settings):
        raise ConfigurationError(fault)
    # Now, since a proxy that cannot be used is a mistake of the configuration, not of the network.
    with_proxy(settings, to=settings.api_address)
    return Rest(settings, software_house_id, context)


def _call(rest: Rest, request: RestRequest) -> Answer:
    outcome = rest.perform(request)
    if isinstance(outcome, Failure):
        _raise(outcome)
    return outcome


def _expect(found: tuple[Capability, ...] | Failure) -> tuple[Capability, ...]:
    if isinstance(found, Failure):
        _raise(found)
    return found


def _raise(failure: Failure) -> NoReturn:
    if failure.status is not None and failure.is_authentication:
        raise AuthenticationError(failure.reason, status=failure.status)
    raise ApiError(failure.reason)
