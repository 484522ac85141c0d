"""What each command of `dojo-epos` says of itself, and what it takes."""

from argparse import ArgumentParser
from collections.abc import Callable

from dojo_adapters.cli import commands
from dojo_adapters.cli.exits import HELP as EXITS
from dojo_adapters.cli.fields import refuse_secret
from dojo_adapters.cli.options import add_api_url, add_fields, add_format, add_runtime
from dojo_adapters.runtimes import RUNTIMES
from dojo_proto import Epos

_ENVIRONMENT = """\
environment:
  DOJO_API_KEY        the key from Dojo's developer portal
  DOJO_API_KEY_FILE   or a file that has it, read anew before each dial
  DOJO_RESELLER_ID    Dojo's id of the reseller, if there is one
  DOJO_EPOS_URL       the gateway, instead of Dojo's
  DOJO_API_URL        the REST API, instead of Dojo's
  HTTPS_PROXY         a proxy, http://[user:password@]host:port
  NO_PROXY            hosts that are reached without it
"""

_RUN = """\
Serve an EPOS until SIGINT or SIGTERM: the first drains (handlers finish, answers
leave, the connection is closed), a second one stops at once.

MODULE is imported, also from the working directory, and NAME is the Epos in it.
It prints one line when it is ready (the gateway has answered 101), one for each
dial that failed or connection that ended, with the reason and the next try, and
one for each alarm, which begins with ALARM.
"""
_RUN_MORE = """\
output:
  text  one line for each event on stderr, with the traceback of a handler that
        failed; stdout belongs to the handlers
  json  one object for each event on stdout: "event", "time", "level", the fields
        of the event, "alarm" if it is one, and the "traceback" of a handler that
        failed; what the handlers print goes to stderr

examples:
  dojo-epos run till:epos --journal memory:
  dojo-epos run till:epos --journal sqlite:/var/lib/acme/till.db --register
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
  2  a runtime is not installed, or wrong arguments
"""

_SIMULATE = """\
Run a local gateway until SIGINT or SIGTERM, for an EPOS that is being written. It
takes any API key. It prints its URL, the headers of whoever connects (the key
masked), and every call and its answer. `dojo-epos trigger` makes it call, through
the port above --port.

At the port above that it serves the REST side, in place of https://api.dojo.tech:
an EPOS registers its capabilities there, and only what it has registered is routed
to it. It also plays whole flows: GET and POST /flows, GET /flows/ID. This needs
dojo-proto[simulator]; without that, everything is routed.
"""
_SIMULATE_MORE = """\
example, in three terminals:
  dojo-epos simulate --route all
  DOJO_API_KEY=sk_sandbox_any dojo-epos run dojo_simulator.restaurant:epos \\
      --journal memory: --url ws://127.0.0.1:8765/epos
  dojo-epos trigger GetOrderById --params '{"orderId": "order-1"}'

faults:
  --fault drop-before-answer:RecordOrderPaymentById:0.1
  --fault delay=2 --fault refuse=429/7:*:0.5

  delay=SECONDS           the request leaves late
  fragment=BYTES          the request comes in several frames
  duplicate               the request comes twice
  drop-after-request=SECONDS, drop-before-answer, drop-after-answer
                          the connection is reset then
  close=CODE              the gateway says Close behind the request
  silent                  the gateway reads and sends nothing more
  refuse=STATUS/SECONDS   an upgrade is refused, with Retry-After

exit codes:
  0  stopped
  1  a port is taken, or anything else
  2  wrong arguments
"""

_TRIGGER = """\
Make a running `dojo-epos simulate` send a call to the EPOS that is connected to it,
and print what it answers, as JSON.

METHOD is the name of a method with or without its version (GetOrderByIdV1); any
other is sent as it is, to see how the EPOS takes it. One that was connected before
is waited for, 10 seconds at the most.
"""
_TRIGGER_MORE = """\
examples:
  dojo-epos trigger SearchOrders
  dojo-epos trigger RecordOrderPaymentById --params '{"orderId": "order-2",
      "paymentIntentId": "pi_1", "paidAmount": {"value": 1400, "currencyCode": "GBP"}}'
  dojo-epos trigger CancelOrderById --params '{"orderId": "order-2"}' \\
      --fault drop-before-answer --attempts 3

exit codes:
  0  it answered with a result
  1  it answered with an error, or not at all; or there is no simulator or no EPOS
  2  wrong arguments
"""


def _tell(parser: ArgumentParser, text: str, more: str) -> None:
    parser.description, parser.epilog = text, more


def _add_target(parser: ArgumentParser, epos: Epos | None, text: str, *, nargs: str | None) -> None:
    if epos is None:
        parser.add_argument("target", metavar="MODULE:NAME", nargs=nargs, help=text)


def _fill_run(parser: ArgumentParser, epos: Epos | None) -> None:
    _tell(parser, _RUN, _RUN_MORE + _ENVIRONMENT + "\n" + EXITS)
    parser.set_defaults(command=commands.run)
    _add_target(parser, epos, "the Epos to serve", nargs=None)
    add_runtime(parser, RUNTIMES, "what to serve it with (default: asyncio)")
    parser.add_argument("--url", type=refuse_secret, help="the gateway (default: Dojo's)")
    add_api_url(parser)
    parser.add_argument(
        "--journal",
        metavar="NAME",
        help="what remembers the state-changing requests: sqlite:PATH (absolute), or memory: "
        "(forgets when the process ends)",
    )
    parser.add_argument(
        "--register",
        action="store_true",
        help="register with Dojo what it serves, if that has changed",
    )
    add_fields(parser)
    add_format(parser)


def _fill_register(parser: ArgumentParser, epos: Epos | None) -> None:
    from dojo_adapters.cli import registration  # noqa: PLC0415 - only for this

    _tell(parser, registration.REGISTER, f"{_ENVIRONMENT}\n{registration.REGISTER_MORE}")
    _add_target(parser, epos, "the Epos to register", nargs=None)
    registration.add_register_arguments(parser)


def _fill_capabilities(parser: ArgumentParser, epos: Epos | None) -> None:
    from dojo_adapters.cli import registration  # noqa: PLC0415 - only for this

    more = f"{_ENVIRONMENT}\n{registration.CAPABILITIES_MORE}"
    _tell(parser, registration.CAPABILITIES, more)
    _add_target(parser, epos, "the Epos to compare with", nargs="?")
    registration.add_capabilities_arguments(parser)


def _fill_demo(parser: ArgumentParser, _epos: Epos | None) -> None:
    _tell(parser, _DEMO, _DEMO_MORE)
    parser.set_defaults(command=commands.demo)
    add_runtime(parser, (*RUNTIMES, "all"), "what to show it on (default: asyncio)")


def _fill_simulate(parser: ArgumentParser, _epos: Epos | None) -> None:
    from dojo_simulator.simulate_arguments import add_simulate_arguments  # noqa: PLC0415 - as above

    _tell(parser, _SIMULATE, _SIMULATE_MORE)
    parser.set_defaults(command=commands.simulate)
    add_simulate_arguments(parser)
    add_format(parser)


def _fill_trigger(parser: ArgumentParser, _epos: Epos | None) -> None:
    from dojo_simulator.simulate_arguments import add_trigger_arguments  # noqa: PLC0415 - as above

    _tell(parser, _TRIGGER, _TRIGGER_MORE)
    parser.set_defaults(command=commands.trigger)
    add_trigger_arguments(parser)


def _fill_check(parser: ArgumentParser, _epos: Epos | None) -> None:
    from dojo_simulator import check  # noqa: PLC0415 - as above

    _tell(parser, check.DESCRIPTION, check.EPILOG)
    parser.set_defaults(command=check.run)
    check.add_check_arguments(parser)


def _fill_journal(parser: ArgumentParser, _epos: Epos | None) -> None:
    from dojo_adapters.cli import journal  # noqa: PLC0415 - as above

    _tell(parser, journal.DESCRIPTION, journal.MORE)
    journal.add_journal_arguments(parser)


FILL: dict[str, Callable[[ArgumentParser, Epos | None], None]] = {
    "run": _fill_run,
    "register": _fill_register,
    "capabilities": _fill_capabilities,
    "demo": _fill_demo,
    "simulate": _fill_simulate,
    "trigger": _fill_trigger,
    "check": _fill_check,
    "journal": _fill_journal,
}
"""Name → what gives the parser of that command everything but its name."""
