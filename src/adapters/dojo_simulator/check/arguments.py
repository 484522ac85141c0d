"""The arguments of `dojo-epos check`."""

from argparse import ArgumentParser, ArgumentTypeError

from dojo_adapters.runtimes import RUNTIMES
from dojo_simulator.check.framework import Json
from dojo_simulator.simulate import DEFAULT_PORT

DESCRIPTION = """\
Make every check of an integration that a simulator can judge, and say what was found:
each check with its verdict, and what was sent and what came if it has failed.

MODULE is imported, also from the working directory, and NAME is the Epos in it. It is
served here, with its pauses shortened, so that all takes seconds; anything that it has
stored may change, so give it data to play with. With --connect an EPOS that runs by
itself is checked: let it connect to ws://127.0.0.1:PORT/epos (and http://127.0.0.1:PORT+2
for REST), where `dojo-epos simulate` may have been before. Its own pauses then count:
that takes minutes.

A program that brings its own EPOS, with `dojo_adapters.cli.main(epos)`, needs no
MODULE:NAME: `PROGRAM check` checks that one, also when it is frozen.

Some checks need somebody at the till. `till_actions` in MODULE, or --till, is a program
that works it (dojo_simulator.till_actions says what it can do); without one they are
skipped, and orders are looked for with SearchOrders.
"""

EPILOG = """\
examples:
  dojo-epos check till:epos
  dojo-epos check till:epos --runtime threads --report report.html
  dojo-epos check till:epos --only PAY-4 PAY-5
  dojo-epos check --connect --order 17 --order 18

exit codes:
  0  nothing failed (what was skipped is named)
  1  a check failed; or no EPOS connected, or a port is taken
  2  wrong arguments
"""


def add_check_arguments(parser: ArgumentParser) -> None:
    """Add the arguments that `run` takes."""
    which = parser.add_argument_group("which EPOS")
    which.add_argument("target", metavar="MODULE:NAME", nargs="?", help="the Epos to serve")
    which.add_argument("--runtime", choices=RUNTIMES, default="asyncio", help="(default: asyncio)")
    which.add_argument("--connect", action="store_true", help="check one that runs by itself")
    which.add_argument(
        "--port",
        type=_parse_port,
        default=DEFAULT_PORT,
        help=f"where that connects to (default: {DEFAULT_PORT})",
    )
    which.add_argument(
        "--till",
        metavar="MODULE:NAME",
        help="the TillActions (default: till_actions in MODULE, if it is there)",
    )
    data = parser.add_argument_group("data (default: what the till makes, or the EPOS finds)")
    data.add_argument(
        "--order", metavar="ID", action="append", default=[], help="an order that may be paid"
    )
    data.add_argument(
        "--table", metavar="ID", action="append", default=[], help="a table that nobody sits at"
    )
    data.add_argument("--waiter", metavar="ID", help="a waiter who has open orders")
    data.add_argument(
        "--item",
        metavar="PLU=PRICE",
        type=_parse_item,
        help="what can be ordered, and its price: pizza-1=1050GBP, in minor units",
    )
    what = parser.add_argument_group("what to do")
    what.add_argument(
        "--only", metavar="ID", nargs="+", default=[], help="these checks alone, such as PAY-4"
    )
    what.add_argument("--list", action="store_true", help="show the checks, and make none")
    what.add_argument(
        "--report",
        metavar="FILE",
        action="append",
        default=[],
        help="write all of it there: .html, .json or .txt; may be repeated",
    )
    what.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="lines as it goes, or the whole report as JSON at the end (default: text)",
    )


def _parse_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65533:
        raise ArgumentTypeError(f"expected a port from 1 to 65533, got {text!r}")
    return int(text)


def _parse_item(text: str) -> Json:
    plu, _, price = text.partition("=")
    value, currency = price[:-3], price[-3:]
    if not plu or not value.isdigit() or not currency.isalpha():
        raise ArgumentTypeError(f"expected PLU=PRICE, such as pizza-1=1050GBP; got {text!r}")
    amount = {"value": int(value), "currencyCode": currency.upper()}
    return {"plu": plu, "name": plu, "quantity": 1, "amountPerItem": amount}
