"""`MODULE:NAME`: the EPOS that a command serves."""

import sys
import traceback
from argparse import Namespace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType

from dojo_proto import ConfigurationError, Epos


def chosen_epos(arguments: Namespace) -> Epos:
    """The EPOS that a command is for: the one it names, or the program's own."""
    epos: Epos = arguments.epos if arguments.target is None else load_epos(arguments.target)
    return epos


def load_epos(target: str) -> Epos:
    """Import `MODULE` and return its `NAME`, which may have dots.

    The module is also looked for in the working directory, before everywhere else. Raises
    ConfigurationError; if the module itself fails, its traceback goes to stderr.
    """
    module_name, colon, name = target.partition(":")
    is_path = "/" in module_name or "\\" in module_name or module_name.startswith(".")
    if is_path or not colon or not module_name or not name:
        path = module_name.removesuffix(".py").replace("\\", "/")
        expected = f"{path.replace('/', '.').strip('.') or 'till'}:{name or 'epos'}"
        raise ConfigurationError(f"expected MODULE:NAME, such as {expected}, got {target!r}")
    module = _import(module_name)
    found: object = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ConfigurationError(_missing(module, name)) from None
    if not isinstance(found, Epos):
        raise ConfigurationError(
            f"{target} is of the type {type(found).__name__}: expected a dojo_proto.Epos"
            + _others(module, name)
        )
    return found


def _import(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigurationError(
                f"there is no module {error.name!r}: looked in {here} and on Python's own path"
                + ("; write the name without .py" if name.endswith(".py") else "")
            ) from None
        raise _failed(name, error) from None
    except ConfigurationError as error:
        # A mistake in how the EPOS is built: its text says what, and the module says where.
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"{f.filename}, line {f.lineno}" for f in frames if _is_of(f.filename, name)]
        raise ConfigurationError(f"{(lines or [name])[-1]}: {error}") from None
    except Exception as error:  # noqa: BLE001 - a module may do anything when it is imported
        raise _failed(name, error) from None


def _is_of(filename: str, module: str) -> bool:
    stem = module.rpartition(".")[2]
    return Path(filename).stem == stem or Path(filename).parent.name == stem


def _failed(name: str, error: Exception) -> ConfigurationError:
    # From the module on: how the import got there is of no interest.
    frames = traceback.TracebackException.from_exception(error)
    own = [f for f in frames.stack if f.filename != __file__ and "importlib" not in f.filename]
    frames.stack = traceback.StackSummary.from_list(own)
    print("".join(frames.format()), end="", file=sys.stderr)
    return ConfigurationError(f"the module {name!r} cannot be imported: {type(error).__name__}")


def _missing(module: ModuleType, name: str) -> str:
    others = _others(module, name)
    near = get_close_matches(name, vars(module), n=1)
    hint = others or (f"; did you mean {near[0]!r}?" if near else "")
    return f"the module {module.__name__!r} has no {name!r}{hint}"


def _others(module: ModuleType, name: str) -> str:
    names = [key for key, value in vars(module).items() if isinstance(value, Epos) and key != name]
    return f"; {module.__name__}:{names[0]} is one" if names else ""
