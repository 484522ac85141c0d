"""`python -m tests.fuzz.child TARGET FLAG...`: one target under libFuzzer, with its flags.

libFuzzer ends the process it runs in, hence a process for each target.
"""

import sys
from importlib import import_module


def main() -> None:
    """Does not return."""
    name, *flags = sys.argv[1:]
    # By name, since it has wheels for some platforms only, and nothing else needs it.
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["dojo_proto", "h11", "wsproto", "tests.fuzz.targets"]):
        catalogue = import_module("tests.fuzz.catalogue")
    atheris.Setup([sys.argv[0], *flags], catalogue.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
