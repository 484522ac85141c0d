"""`dojo-epos register` and `dojo-epos capabilities`: what Dojo routes to an EPOS."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator

import msgspec

from dojo_adapters.cli.exits import Exit
from dojo_adapters.cli.options import add_api_url, add_fields, add_format, fields_of
from dojo_adapters.cli.target import chosen_epos
from dojo_adapters.environment import settings_from_environment
from dojo_adapters.registration import register, registered, registering
from dojo_proto import ConfigurationError
from dojo_proto.registration import Capability, compare, newer_name

REGISTER = """\
Register with Dojo what an EPOS has handlers for. Dojo routes that to it, and
nothing else; what was registered before and is not served any more is left out.
It then reads back what is registered, and shows it.

`dojo-epos run --register` does the same by itself, if something has changed.
"""
REGISTER_MORE = """\
examples:
  dojo-epos register till:epos --dry-run
  dojo-epos register till:epos
  dojo-epos register till:epos --api-url http://127.0.0.1:8767

exit codes:
  0  all of it is registered
  1  Dojo does not have all of it, or did not answer, or anything else
  2  wrong configuration: no key, no such module, locks that are not complete
  3  Dojo refused the API key (401, 403)
"""

CAPABILITIES = """\
Show what is registered with Dojo: alone, or against what an EPOS has handlers for.
"""
CAPABILITIES_MORE = """\
examples:
  dojo-epos capabilities till:epos
  dojo-epos capabilities --software-house-id acme-epos --format json

exit codes:
  0  Dojo has answered, and what the EPOS serves is what is registered
  1  they differ, or Dojo did not answer, or anything else
  2  wrong configuration: no key, no such module
  3  Dojo refused the API key (401, 403)
"""


def add_register_arguments(parser: ArgumentParser) -> None:
    """What `register` takes, but for the EPOS."""
    parser.set_defaults(command=run_register)
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be sent; no key is needed"
    )
    _add_common(parser)


def add_capabilities_arguments(parser: ArgumentParser) -> None:
    """What `capabilities` takes, but for the EPOS."""
    parser.set_defaults(command=run_capabilities)
    parser.add_argument(
        "--software-house-id", metavar="ID", help="whose, if there is no MODULE:NAME that has it"
    )
    _add_common(parser)


def _add_common(parser: ArgumentParser) -> None:
    add_api_url(parser)
    add_fields(parser)
    add_format(parser)


def run_register(arguments: Namespace) -> int:
    """Register, and show what is registered then."""
    epos = chosen_epos(arguments)
    fields = fields_of(arguments)
    if arguments.dry_run:
        request = registering(epos)
        # There need not be a key for what is not sent.
        url = settings_from_environment(**{"api_key": "none", **fields}).api_url.rstrip("/")
        body = msgspec.json.decode(request.body)
        if arguments.format == "json":
            _print_json({"method": request.method, "url": url + request.path, "body": body})
        else:
            print(f"{request.method} {url}{request.path}")
            print(msgspec.json.format(request.body).decode())
        return Exit.OK
    found = register(epos, settings_from_environment(**fields))
    if arguments.format == "json":
        _print_json(msgspec.to_builtins(found))
    else:
        names = sorted({*found.both, *found.missing, *found.surplus})
        _print_table(
            ("CAPABILITY", "REGISTERED"),
            ((name, "NO" if name in found.missing else "yes") for name in names),
        )
        if found.missing:
            print(f"Dojo has not registered {len(found.missing)} of what was sent.")
        else:
            print(f"Dojo routes {len(found.both)} capabilities to this EPOS.")
    return Exit.FAILED if found.missing else Exit.OK


def run_capabilities(arguments: Namespace) -> int:
    """Show what is registered, and how it differs from what is served."""
    named = arguments.epos is not None or arguments.target is not None
    epos = chosen_epos(arguments) if named else None
    software_house_id = epos.software_house_id if epos else arguments.software_house_id
    if not software_house_id:
        raise ConfigurationError(
            "expected MODULE:NAME, or --software-house-id with the one of the EPOS: Dojo wants to "
            "know whose capabilities are meant"
        )
    there = registered(software_house_id, settings_from_environment(**fields_of(arguments)))
    if epos is None:
        _show_registered(there, as_json=arguments.format == "json")
        return Exit.OK
    served = epos.capabilities()
    found = compare(served, there)
    if arguments.format == "json":
        _print_json({"registered": there, "served": served, **msgspec.to_builtins(found)})
    else:
        versions = {newer_name(each.name): each.version or "yes" for each in there}
        rows = (
            (name, "NO" if name in found.surplus else "yes", versions.get(name, "NO"))
            for name in sorted({*served, *versions})
        )
        _print_table(("CAPABILITY", "SERVED", "REGISTERED"), rows)
        if found.is_same:
            print("Dojo routes exactly what this EPOS serves.")
        else:
            print("They differ: `dojo-epos register` makes Dojo's list that of the EPOS.")
    return Exit.OK if found.is_same else Exit.FAILED


def _show_registered(there: tuple[Capability, ...], *, as_json: bool) -> None:
    if as_json:
        _print_json({"registered": there})
        return
    rows = ((each.name, each.version, each.updated_at or "") for each in there)
    _print_table(("CAPABILITY", "VERSION", "UPDATED"), sorted(rows))


def _print_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for line in _lines(table, widths):
        print(line)


def _lines(table: list[tuple[str, ...]], widths: list[int]) -> Iterator[str]:
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        # What Dojo names is somebody else's text, and may not steer a terminal.
        yield "".join(c if c.isprintable() else "?" for c in "  ".join(cells).rstrip())


def _print_json(value: object) -> None:
    print(msgspec.json.encode(value).decode())
