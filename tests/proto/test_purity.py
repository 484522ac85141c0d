"""The rule of purity: the core is given time, entropy and bytes, and reaches for none of them.

Reads the syntax trees, so that an import inside a function, under `if` or in code that no test
reaches is found as well.
"""

import ast
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import dojo_proto

# Not `urllib`, `websockets` nor `wsproto` as such: urllib.request, websockets.sync and
# wsproto.connection are something else.
ALLOWED_MODULES = frozenset(
    {
        "abc",
        "base64",
        "codecs",
        "collections",
        "collections.abc",
        "contextlib",
        "datetime",
        "difflib",
        "enum",
        "functools",
        "h11",
        "hashlib",
        "inspect",
        "ipaddress",
        "itertools",
        "math",
        "msgspec",
        "re",
        "struct",
        "types",
        "typing",
        "urllib.parse",
        "websockets.speedups",
        "wsproto.extensions",
        "wsproto.frame_protocol",
        "zlib",
    }
)
# email.utils asks the clock and the resolver as well; msgspec's json is no other module's.
ALLOWED_NAMES = frozenset({"email.utils.parsedate_to_datetime", "msgspec.json"})

WALL_CLOCK = (
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
)

MAX_LINES = 400


def violations(source: str) -> list[str]:
    """Every breach of the rule in a module's source, as "line: what"."""
    tree = ast.parse(source)
    origins = dict(_imported_names(tree))
    return [
        f"{node.lineno}: {what}"
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.expr)
        for what in _breaches(node, origins)
    ]


def _imported_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each imported name and what it stands for: ("dt", "datetime") of `import datetime as dt`."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for name in names:
                    top = name.name.partition(".")[0]
                    yield (name.asname, name.name) if name.asname else (top, top)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for name in names:
                    yield name.asname or name.name, f"{module}.{name.name}"


def _breaches(node: ast.stmt | ast.expr, origins: dict[str, str]) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            for name in names:
                if not (_is_own(name.name) or name.name in ALLOWED_MODULES):
                    yield f"imports {name.name}"
        # A relative import stays inside dojo_proto, whatever its module is called.
        case ast.ImportFrom(module=str(module), names=names, level=0) if not _is_own(module):
            full = {f"{module}.{name.name}" for name in names}
            if module not in ALLOWED_MODULES and not full <= ALLOWED_NAMES:
                yield f"imports from {module}"
            else:
                for name in names:
                    if name.name == "*" or _is_foreign(f"{module}.{name.name}"):
                        yield f"imports {name.name} from {module}"
        case ast.Name(id="__import__"):
            yield "uses __import__"
        case ast.Attribute():
            # A reference is enough: `clock = datetime.now` asks the clock later.
            if (asked := _dotted(node, origins)) in WALL_CLOCK:
                yield f"asks the wall clock: {asked}"
            elif asked and not _is_own(asked) and _is_foreign(asked):
                yield f"reaches {asked}"


def _is_own(module: str) -> bool:
    return module.partition(".")[0] == "dojo_proto"


def _is_foreign(full: str) -> bool:
    """Whether what a module has under a name is, by that name, a module that is not allowed."""
    name = full.rpartition(".")[2]
    known = full in ALLOWED_NAMES or name in ALLOWED_MODULES
    return name in sys.stdlib_module_names and not known


def _dotted(node: ast.expr, origins: dict[str, str]) -> str:
    """The full name that an expression like `dt.datetime.now` stands for, "" if it is none."""
    match node:
        case ast.Name(id=name):
            return origins.get(name, "")
        case ast.Attribute(value=value, attr=attr):
            return f"{base}.{attr}" if (base := _dotted(value, origins)) else ""
        case _:
            return ""


def _files(package: str) -> list[Path]:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return sorted(
        file for place in spec.submodule_search_locations for file in Path(place).rglob("*.py")
    )


CORE = Path(dojo_proto.__file__).parent
CORE_FILES = sorted(CORE.rglob("*.py"))


def test_the_core_is_found() -> None:
    assert CORE / "__init__.py" in CORE_FILES
    assert len(CORE_FILES) > 1


@pytest.mark.parametrize("file", CORE_FILES, ids=lambda file: file.relative_to(CORE).as_posix())
def test_the_core_is_pure(file: Path) -> None:
    assert violations(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("package", ["dojo_proto", "dojo_adapters", "dojo_simulator"])
def test_no_file_is_longer_than_400_lines(package: str) -> None:
    lengths = {
        str(file): len(file.read_text(encoding="utf-8").splitlines()) for file in _files(package)
    }
    assert {file: lines for file, lines in lengths.items() if lines > MAX_LINES} == {}


FORBIDDEN = [
    *("socket", "ssl", "select", "selectors", "asyncio", "trio", "anyio", "threading"),
    *("concurrent", "time", "random", "secrets", "os", "logging", "sqlite3", "subprocess", "http"),
    *("uuid", "tempfile", "queue", "signal", "multiprocessing", "sys", "email", "urllib"),
    *("importlib", "some_package", "dojo_adapters", "dojo_prototype"),
]


@pytest.mark.parametrize("module", FORBIDDEN)
@pytest.mark.parametrize(
    ("form", "what"),
    [
        ("import {}", "imports {}"),
        ("import math, {} as innocent", "imports {}"),
        ("import {}.inner", "imports {}.inner"),
        ("from {} import anything", "imports from {}"),
        ("from {}.inner import anything as innocent", "imports from {}.inner"),
        ("from {} import *", "imports from {}"),
    ],
)
def test_an_import_of_any_other_module_is_found(form: str, what: str, module: str) -> None:
    assert violations(form.format(module)) == [f"1: {what.format(module)}"]


@pytest.mark.parametrize(
    ("form", "what"),
    [
        ("from email.utils import localtime", "imports from email.utils"),
        (
            "from email.utils import parsedate_to_datetime, localtime",
            "imports from email.utils",
        ),
        ("import email.utils", "imports email.utils"),
        ("from urllib.request import urlopen", "imports from urllib.request"),
        ("from urllib import request", "imports from urllib"),
        ("from wsproto import WSConnection", "imports from wsproto"),
    ],
)
def test_a_neighbour_of_what_is_allowed_is_found(form: str, what: str) -> None:
    assert violations(form) == [f"1: {what}"]


@pytest.mark.parametrize(
    ("form", "what"),
    [
        ("from wsproto.frame_protocol import os", "1: imports os from wsproto.frame_protocol"),
        ("from inspect import importlib as i", "1: imports importlib from inspect"),
        ("from base64 import *", "1: imports * from base64"),
        ("import inspect\ninspect.os.urandom(4)", "2: reaches inspect.os"),
        ("import inspect as i\nclock = i.sys", "2: reaches inspect.sys"),
    ],
)
def test_a_module_that_is_reached_through_another_is_found(form: str, what: str) -> None:
    assert violations(form) == [what]


def test_nothing_is_allowed_that_the_core_does_not_import() -> None:
    imported: set[str] = set()
    for file in CORE_FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    imported |= {name.name for name in names}
                case ast.ImportFrom(module=str(module), names=names):
                    imported |= {module, *(f"{module}.{name.name}" for name in names)}
                case ast.Attribute():
                    imported.add(ast.unparse(node))
    assert (ALLOWED_MODULES | ALLOWED_NAMES) - imported == set()


@pytest.mark.parametrize(
    "place",
    [
        "def later():\n    import socket",
        "if TYPE_CHECKING:\n    import socket",
        "class Machine:\n    import socket",
        "try:\n    import socket\nexcept ImportError: ...",
    ],
)
def test_an_import_is_found_wherever_it_stands(place: str) -> None:
    assert violations(place) == ["2: imports socket"]


@pytest.mark.parametrize("form", ["__import__('socket')", "load = __import__"])
def test_a_dynamic_import_is_found(form: str) -> None:
    assert violations(form) == ["1: uses __import__"]


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now"),
        ("import datetime as dt\ndt.datetime.now(dt.UTC)", "datetime.datetime.now"),
        ("from datetime import datetime\ndatetime.now()", "datetime.datetime.now"),
        ("from datetime import datetime as D\nclock = D.now", "datetime.datetime.now"),
        ("from datetime import datetime\ndatetime.utcnow()", "datetime.datetime.utcnow"),
        ("from datetime import datetime\ndatetime.today()", "datetime.datetime.today"),
        ("from datetime import date\ndate.today()", "datetime.date.today"),
        ("import datetime\ndatetime.date.today().year", "datetime.date.today"),
    ],
)
def test_a_question_to_the_wall_clock_is_found(form: str, asked: str) -> None:
    assert violations(form) == [f"2: asks the wall clock: {asked}"]


@pytest.mark.parametrize(
    "innocent",
    [
        "import math, dojo_proto.events",
        "from dojo_proto import time",
        "from dojo_proto.settings import signal",
        "from collections.abc import Callable",
        "from . import time",
        "from .http import anything",
        "from email.utils import parsedate_to_datetime",
        "from datetime import datetime\ndatetime.fromisoformat(text)",
        "from datetime import timedelta\nself.connection.now(now)",
        "def handle_timer(now): return now",
        "'import socket'  # import ssl",
    ],
)
def test_what_is_allowed_is_left_alone(innocent: str) -> None:
    assert violations(innocent) == []
