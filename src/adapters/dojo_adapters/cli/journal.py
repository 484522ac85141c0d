"""`dojo-epos journal`: what support staff ask of a journal."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any

import msgspec

from dojo_adapters.cli.exits import Exit
from dojo_adapters.sqlite.reading import Record, purge, records

DESCRIPTION = """\
Look into a journal: what was booked, refused, or is not known, and when Dojo was
told. Looking disturbs nothing, so the service may go on meanwhile.
"""
MORE = """\
examples:
  dojo-epos journal ls --journal sqlite:/var/lib/acme/till.db --open
  dojo-epos journal show --journal sqlite:/var/lib/acme/till.db --intent pi_123
  dojo-epos journal purge --journal sqlite:/var/lib/acme/till.db --days 30

exit codes:
  0  done; for `show`, there is at least one such request
  1  there is none; for `purge`, some are open and were kept
  2  no journal, or wrong arguments
  4  for `purge`: a service holds the journal
"""

_DAY = 86400.0


def add_journal_arguments(parser: ArgumentParser) -> None:
    """Give `parser` the three subcommands and their options."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    ls = actions.add_parser("ls", help="list what it holds, oldest first", allow_abbrev=False)
    ls.add_argument("--open", action="store_true", help="only what is not known to be done or not")
    show = actions.add_parser("show", help="one sentence for each request", allow_abbrev=False)
    _add_names(show, required=True)
    drop = actions.add_parser("purge", help="remove what is old and done", allow_abbrev=False)
    drop.add_argument(
        "--days",
        type=_days,
        default=7.0,
        help="keep what is younger (7: within a week a retry is still known as one)",
    )
    _add_names(drop, required=False)
    drop.add_argument(
        "--even-open",
        action="store_true",
        help="also what is not known to be done: a retry of it will then run as new",
    )
    for action, run in ((ls, _list), (show, _show), (drop, _purge)):
        action.add_argument(
            "--journal", type=_path, required=True, metavar="sqlite:PATH", help="which journal"
        )
        action.add_argument("--format", choices=("text", "json"), default="text")
        action.set_defaults(command=run)


def _list(arguments: Namespace) -> int:
    found = records(arguments.journal, open_only=arguments.open)
    for row in found:
        _print(row, as_json=arguments.format == "json", line=_line(row))
    if not found and arguments.format == "text":
        print("nothing is open" if arguments.open else "it holds nothing", file=sys.stderr)
    return Exit.OK


def _show(arguments: Namespace) -> int:
    found = records(arguments.journal, order=arguments.order, intent=arguments.intent)
    for row in found:
        _print(row, as_json=arguments.format == "json", line=row.sentence())
    if not found:
        print(
            "the journal has nothing of that: it was never asked for, or is purged", file=sys.stderr
        )
    return Exit.OK if found else Exit.FAILED


def _purge(arguments: Namespace) -> int:
    removed, kept = purge(
        arguments.journal,
        before=time() - arguments.days * _DAY,
        even_open=arguments.even_open,
        order=arguments.order,
        intent=arguments.intent,
    )
    as_json = arguments.format == "json"
    for row in removed:
        _print(row, as_json=as_json, line=f"removed: {row.sentence()}")
    for row in kept:
        print(f"kept, its outcome is open: {row.sentence()}", file=sys.stderr)
    if not removed and not kept:
        print("nothing to remove", file=sys.stderr)
    if kept:
        print("settle those with the till first; --even-open removes them as well", file=sys.stderr)
    return Exit.FAILED if kept else Exit.OK


def _print(row: Record, *, as_json: bool, line: str) -> None:
    print(msgspec.json.encode(_fields(row)).decode() if as_json else line)


def _fields(row: Record) -> dict[str, Any]:
    names = Record.__struct_fields__
    return {name: getattr(row, name) for name in names} | {"sentence": row.sentence()}


def _line(row: Record) -> str:
    begun = datetime.fromtimestamp(row.begun_at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    told = "told" if row.confirmed_at else "sent" if row.sent_at else "-"
    return f"{begun}  {row.state.value:9}  {told:4}  {row.method} {' '.join(row.names)}".rstrip()


def _add_names(parser: ArgumentParser, *, required: bool) -> None:
    names = parser.add_mutually_exclusive_group(required=required)
    names.add_argument("--intent", metavar="ID", help="of this payment intent")
    names.add_argument("--order", metavar="ID", help="of this order")


def _path(text: str) -> Path:
    scheme, colon, path = text.partition(":")
    if not colon or scheme != "sqlite" or not path:
        raise ArgumentTypeError(f"expected sqlite:PATH, got {text!r}")
    return Path(path)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not days >= 0:
        raise ArgumentTypeError(f"expected a number of days, got {text!r}")
    return days
