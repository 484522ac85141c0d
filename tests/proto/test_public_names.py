"""What `dojo_proto` itself offers, and that it costs nothing until it is used."""

import subprocess
import sys
from typing import assert_type

import pytest

import dojo_proto
from dojo_proto.client import Client
from dojo_proto.errors import NotFound
from dojo_proto.settings import Settings


def said_by_a_new_interpreter(code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return done.stdout.strip()


@pytest.mark.parametrize("name", [name for name in dojo_proto.__all__ if name != "__version__"])
def test_each_name_resolves_when_it_is_first_used(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = getattr(dojo_proto, name)
    monkeypatch.delitem(vars(dojo_proto), name)
    assert getattr(dojo_proto, name) is before


def test_a_name_is_what_its_module_has() -> None:
    assert dojo_proto.Client is Client
    assert dojo_proto.NotFound is NotFound
    assert dojo_proto.Settings is Settings


def test_a_type_checker_sees_the_real_types() -> None:
    settings = assert_type(dojo_proto.Settings(api_key="sk_sandbox_any"), Settings)
    assert type(settings) is Settings


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="'dojo_proto' has no attribute 'Cleint'"):
        _ = dojo_proto.Cleint  # type: ignore[attr-defined] # a type checker complains as well
    with pytest.raises(ImportError, match="cannot import name 'Cleint' from 'dojo_proto'"):
        from dojo_proto import Cleint  # type: ignore[attr-defined] # noqa: F401, PLC0415 - too


def test_a_star_imports_them_all() -> None:
    names: dict[str, object] = {}
    exec("from dojo_proto import *", names)  # noqa: S102 - a star is allowed in a module alone
    del names["__builtins__"]
    assert sorted(names) == dojo_proto.__all__


def test_they_are_listed_before_they_are_used() -> None:
    code = "import dojo_proto; print(sorted({*dojo_proto.__all__} - {*dir(dojo_proto)}))"
    assert said_by_a_new_interpreter(code) == "[]"
    assert {*dojo_proto.__all__} <= {*dir(dojo_proto)}


def test_a_module_is_not_made_to_wait_for_the_others() -> None:
    code = (
        "import sys, dojo_proto.version, dojo_proto.errors\n"
        "print([name for name in sys.modules if name.startswith(('dojo_proto', 'msgspec'))])"
    )
    expected = ["dojo_proto", "dojo_proto.errors", "dojo_proto.version"]
    assert sorted(eval(said_by_a_new_interpreter(code))) == expected  # noqa: S307 - from above
