"""What each command does. Every one takes its parsed arguments and returns an exit code."""

import sys
from argparse import Namespace
from contextlib import suppress
from datetime import datetime
from threading import Event

import msgspec

from dojo_adapters.cli.exits import Exit
from dojo_adapters.cli.lines import told, untold
from dojo_adapters.cli.options import fields_of
from dojo_adapters.cli.target import chosen_epos
from dojo_adapters.environment import settings_from_environment
from dojo_adapters.options import Options
from dojo_adapters.runtimes import RUNTIMES, load_runtime
from dojo_adapters.signals import owned_signals, terminated_as_interrupted
from dojo_proto import ConfigurationError, Epos, Kind, Status

# The simulator is imported where it is used: `run` needs nothing of it.


def run(arguments: Namespace) -> int:
    """Serve until a signal."""
    # The runtime owns the signals while it serves. Before that, one ends the process; after that,
    # it is one that came twice: many a wrapper sends its own besides the terminal's.
    with suppress(KeyboardInterrupt), terminated_as_interrupted():
        if _serve(arguments).cut_off:
            return Exit.CUT_OFF
    return Exit.OK


def _serve(arguments: Namespace) -> Status:
    runtime = load_runtime(arguments.runtime)
    with told(json_lines=arguments.format == "json"):
        epos = chosen_epos(arguments)
        settings = settings_from_environment(**fields_of(arguments))
        options = Options(register=arguments.register)
        if arguments.journal is not None:
            options["journal"] = arguments.journal
        elif _changes_state(epos):
            raise ConfigurationError(
                "this EPOS changes state, so serving it needs a journal that remembers what was "
                "done: name one, such as --journal sqlite:/var/lib/acme/till.db, or memory: "
                "(forgets when the process ends)"
            )
        return runtime.run(epos, settings, **options)


def demo(arguments: Namespace) -> int:
    """Show everything."""
    from dojo_simulator.demo import demonstrate  # noqa: PLC0415 - only for this

    runtimes = RUNTIMES if arguments.runtime == "all" else (arguments.runtime,)
    with untold():  # a connection is lost on purpose: no news for the log
        return Exit.OK if demonstrate(runtimes, sys.stdout) else Exit.FAILED


def simulate(arguments: Namespace) -> int:
    """Run the local gateway until a signal."""
    from dojo_simulator.simulate import simulate as run_gateway  # noqa: PLC0415 - only for this
    from dojo_simulator.simulate import taken_ports_explained  # noqa: PLC0415 - only for this
    from dojo_simulator.simulate_arguments import simulation  # noqa: PLC0415 - only for this

    json_lines = arguments.format == "json"
    stop = Event()

    def write(line: str) -> None:
        now = datetime.now().astimezone()
        print(line if json_lines else f"{now:%H:%M:%S} {line}", flush=True)

    with taken_ports_explained(), owned_signals(stop.set, stop.set):
        run_gateway(simulation(arguments), json_lines=json_lines, stop=stop, write=write)
    return Exit.OK


def trigger(arguments: Namespace) -> int:
    """Make the local gateway call, and print the answer."""
    from dojo_simulator.control import control_port  # noqa: PLC0415 - only for this
    from dojo_simulator.control import trigger as send  # noqa: PLC0415 - only for this

    port = control_port(arguments.port)
    reply = send(
        "127.0.0.1",
        port,
        arguments.method,
        arguments.params,
        attempts=arguments.attempts,
        request_id=arguments.id,
        fault=arguments.fault,
    )
    answer = reply.result if reply.error is None else {"error": reply.error}
    print(msgspec.json.format(msgspec.json.encode(answer)).decode())
    return Exit.OK if reply.error is None else Exit.FAILED


def _changes_state(epos: Epos) -> bool:
    return any(each.method.kind is not Kind.READ for each in epos.handlers().values())
