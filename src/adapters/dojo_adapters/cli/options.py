"""Arguments that several commands share."""

from argparse import ArgumentParser, Namespace
from typing import Any

from dojo_adapters.cli.fields import parse_field, refuse_secret


def add_runtime(parser: ArgumentParser, choices: tuple[str, ...], text: str) -> None:
    """`--runtime`."""
    parser.add_argument("--runtime", choices=choices, default="asyncio", help=text)


def add_format(parser: ArgumentParser) -> None:
    """`--format`."""
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="lines for people, or one JSON object a line (default: text)",
    )


def add_api_url(parser: ArgumentParser) -> None:
    """`--api-url`."""
    parser.add_argument("--api-url", type=refuse_secret, help="the REST API (default: Dojo's)")


def add_fields(parser: ArgumentParser) -> None:
    """`--set`."""
    parser.add_argument(
        "--set",
        dest="fields",
        metavar="FIELD=VALUE",
        type=parse_field,
        action="append",
        default=[],
        help="a field of Settings, such as open_timeout=15; may be repeated",
    )


def fields_of(arguments: Namespace) -> dict[str, Any]:
    """The fields of Settings that were named, whichever way."""
    fields: dict[str, Any] = dict(arguments.fields)
    for name in ("url", "api_url"):
        value = getattr(arguments, name, None)
        if value is not None:
            fields[name] = value
    return fields
