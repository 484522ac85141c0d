"""The arguments of `dojo-epos`, and the help on them."""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, NoReturn, Protocol

import msgspec

from dojo_adapters.cli import commands
from dojo_adapters.cli.exits import HELP as EXITS
from dojo_adapters.cli.fields import parse_field, refuse_secret
from dojo_adapters.runtimes import RUNTIMES
from dojo_proto import Epos, __version__

DEFAULT_PORT = 8765

_ENVIRONMENT = """\
environment:
  DOJO_API_KEY        the key from Dojo's developer portal
  DOJO_API_KEY_FILE   or a file that has it, read anew before each dial
  DOJO_RESELLER_ID    Dojo's id of the reseller, if there is one
  DOJO_EPOS_URL       the gateway, instead of Dojo's
  HTTPS_PROXY         a proxy, http://[user:password@]host:port
  NO_PROXY            hosts that are reached without it
"""

_RUN = """\
Serve an EPOS until SIGINT or SIGTERM: the first drains (handlers finish, answers
leave, the connection is closed), a second one stops at once.

MODULE is imported, also from the working directory, and NAME is the Epos in it.
It prints one line when it is ready (the gateway has answered 101), one for each
dial that failed or connection that ended, with the reason and the next try, and
one for each alarm.
"""
_RUN_MORE = """\
output:
  text  one line for each event on stderr, with the traceback of a handler that
        failed; stdout belongs to the handlers
  json  one object for each event on stdout: "event", "time", "level", and the
        fields of the event; what the handlers print goes to stderr

examples:
  dojo-epos run till:epos --journal memory:
  dojo-epos run till:epos --journal memory: --url ws://127.0.0.1:8765/epos
  dojo-epos run till:epos --runtime threads --set workers=16 --set log_level=DEBUG

"""

_DEMO = """\
Show the whole of it on this machine: a local gateway in place of Dojo's, and a
sample restaurant's EPOS that is connected to it over a real socket. Two guests
pay at their table; fast requests overtake a slow one; a payment's answer is lost
with its connection, and the retry does not book it again.

Each step checks what it claims. Nothing is needed: no key, no network.
"""
_DEMO_MORE = """\
With --runtime all, a runtime that is not installed is left out, and named, and
the command fails with 2: all means all.

example:
  dojo-epos demo --runtime all

environment:
  NO_COLOR   no colours, even on a terminal

exit codes:
  0  every step passed
  1  a step failed
  2  a runtime is not installed
"""

_SIMULATE = """\
Run a local gateway until SIGINT or SIGTERM, for an EPOS that is being written. It
takes any API key. It prints its URL, the headers of whoever connects (the key
masked), and every call and its answer. `dojo-epos trigger` makes it call.

The port above --port is taken as well, for that.
"""
_SIMULATE_MORE = """\
example, in three terminals:
  dojo-epos simulate
  DOJO_API_KEY=sk_sandbox_any dojo-epos run dojo_simulator.restaurant:epos \\
      --journal memory: --url ws://127.0.0.1:8765/epos
  dojo-epos trigger GetOrderById --params '{"orderId": "order-1"}'

exit codes:
  0  stopped
  1  a port is taken, or anything else
"""

_TRIGGER = """\
Make a running `dojo-epos simulate` send a call to the EPOS that is connected to it,
and print what it answers, as JSON.

METHOD is the name of a method with or without its version (GetOrderByIdV1); any
other is sent as it is, to see how the EPOS takes it.
"""
_TRIGGER_MORE = """\
examples:
  dojo-epos trigger SearchOrders
  dojo-epos trigger RecordOrderPaymentById --params '{"orderId": "order-2",
      "paymentIntentId": "pi_1", "paidAmount": {"value": 1400, "currencyCode": "GBP"}}'

exit codes:
  0  it answered with a result
  1  it answered with an error, or not at all; or there is no simulator or no EPOS
  2  wrong arguments
"""


class _SubParsers(Protocol):
    """What `add_subparsers` returns, which argparse has no public name for."""

    def add_parser(self, name: str, **kwargs: Any) -> ArgumentParser: ...


class _Parser(ArgumentParser):
    """One whose complaints do not repeat a key that somebody has put on the command line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with 2."""
        known, colon, rest = message.partition("unrecognized arguments: ")
        if colon:
            options = [word.partition("=")[0] for word in rest.split() if word.startswith("-")]
            message = f"{known}{colon}{' '.join(options) or 'they are not repeated here'}"
        super().error(re.sub(r"sk_\S+", "sk_…", message))


def make_parser(epos: Epos | None) -> ArgumentParser:
    """The parser of all commands; with `epos`, `run` needs no MODULE:NAME."""
    program = "dojo-epos" if epos is None else Path(sys.argv[0]).name
    parser = _Parser(
        prog=program,
        description="Serve Dojo's EPOS Data API from a till, and try it out without Dojo.",
        epilog=f"`{program} COMMAND --help` tells more of each.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"dojo-proto {__version__}")
    parser.set_defaults(command=None, epos=epos)
    sub = parser.add_subparsers(metavar="COMMAND", title="commands")
    _add_run(sub, epos)
    _add_demo(sub)
    _add_simulate(sub)
    _add_trigger(sub)
    return parser


def _add_run(sub: _SubParsers, epos: Epos | None) -> None:
    parser = _add(sub, "run", "serve an EPOS", _RUN, _RUN_MORE + _ENVIRONMENT + "\n" + EXITS)
    parser.set_defaults(command=commands.run, target=None)
    if epos is None:
        parser.add_argument("target", metavar="MODULE:NAME", help="the Epos to serve")
    _add_runtime(parser, RUNTIMES, "what to serve it with (default: asyncio)")
    parser.add_argument("--url", type=refuse_secret, help="the gateway (default: Dojo's)")
    parser.add_argument(
        "--journal",
        metavar="NAME",
        help="what remembers the state-changing requests: memory: (forgets when the process ends)",
    )
    parser.add_argument(
        "--set",
        dest="fields",
        metavar="FIELD=VALUE",
        type=parse_field,
        action="append",
        default=[],
        help="a field of Settings, such as ping_interval=15; may be repeated",
    )
    _add_format(parser)


def _add_demo(sub: _SubParsers) -> None:
    parser = _add(sub, "demo", "show everything, on this machine alone", _DEMO, _DEMO_MORE)
    parser.set_defaults(command=commands.demo)
    _add_runtime(parser, (*RUNTIMES, "all"), "what to show it on (default: asyncio)")


def _add_simulate(sub: _SubParsers) -> None:
    parser = _add(sub, "simulate", "run a local gateway", _SIMULATE, _SIMULATE_MORE)
    parser.set_defaults(command=commands.simulate)
    _add_port(parser)
    _add_format(parser)


def _add_trigger(sub: _SubParsers) -> None:
    parser = _add(sub, "trigger", "make the local gateway call", _TRIGGER, _TRIGGER_MORE)
    parser.set_defaults(command=commands.trigger)
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument(
        "--params", metavar="JSON", type=_parse_params, default={}, help="an object (default: {})"
    )
    _add_port(parser)


def _add(sub: _SubParsers, name: str, brief: str, text: str, more: str) -> ArgumentParser:
    return sub.add_parser(
        name,
        help=brief,
        description=text,
        epilog=more,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_runtime(parser: ArgumentParser, choices: tuple[str, ...], text: str) -> None:
    parser.add_argument("--runtime", choices=choices, default="asyncio", help=text)


def _add_format(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="lines for people, or one JSON object a line (default: text)",
    )


def _add_port(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=_parse_port,
        default=DEFAULT_PORT,
        help=f"of the local gateway (default: {DEFAULT_PORT})",
    )


def _parse_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65534:
        raise ArgumentTypeError(f"expected a port from 1 to 65534, got {text!r}")
    return int(text)


def _parse_params(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.ValidationError:
        raise ArgumentTypeError("expected a JSON object, {…}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ArgumentTypeError(f"that is no JSON: {error}") from None
