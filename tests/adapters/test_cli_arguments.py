"""What can be said on the command line, and what must not be."""

import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import msgspec
import pytest

from dojo_adapters.cli import Exit, main
from dojo_adapters.cli.fields import parse_field, refuse_secret
from dojo_adapters.cli.target import load_epos
from dojo_proto import ConfigurationError, Epos, Settings, __version__

KEY = "sk_sandbox_c4nary"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


# Fields.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ping_interval=15", 15.0),
        ("jitter=0", 0.0),
        ("workers=16", 16),
        ("compression=true", True),
        ("echo_method=False", False),
        ("instance=bar", "bar"),
        ("instance=", ""),
        ("log_level=DEBUG", "DEBUG"),
        ("reseller_id=null", "null"),
        ("url=ws://127.0.0.1:1/?a=b", "ws://127.0.0.1:1/?a=b"),
        ("proxy=http://proxy:3128", "http://proxy:3128"),
    ],
)
def test_a_value_gets_the_type_of_its_field(text: str, value: object) -> None:
    name, parsed = parse_field(text)
    assert name == text.partition("=")[0]
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workers=many", "workers: expected a whole number, got 'many'"),
        ("workers=1.5", "workers: expected a whole number, got '1.5'"),
        ("jitter=some", "jitter: expected a number, got 'some'"),
        ("compression=1", "compression: expected true or false, got '1'"),
        ("workers", "workers: expected workers=VALUE"),
        ("worker=1", "there is no field 'worker'; did you mean workers?"),
        ("Ping-Interval=1", "there is no field 'Ping-Interval'; did you mean ping_interval?"),
        ("x=1", "there is no field 'x'; there are: reseller_id, url, "),
        ("", "expected FIELD=VALUE, such as ping_interval=15"),
    ],
)
def test_a_wrong_field_is_explained(text: str, said: str) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        parse_field(text)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        (f"api_key={KEY}", "DOJO_API_KEY_FILE"),
        ("api_key", "DOJO_API_KEY_FILE"),
        (f"reseller_id={KEY}", "DOJO_API_KEY_FILE"),
        (KEY, "FIELD=VALUE"),
        (f"{KEY}=", "FIELD=VALUE"),
        ("proxy=http://till:c4nary@proxy:3128", "HTTPS_PROXY"),
        ("proxy=http://c4nary@proxy:3128", "HTTPS_PROXY"),
        ("url=wss://till:c4nary@gateway/epos", "no user:password@"),
    ],
)
def test_a_secret_is_refused_and_not_repeated(
    text: str, instead: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv=["run", "till:epos", "--set", text])
    assert caught.value.code == Exit.CONFIGURATION
    said = capsys.readouterr().err
    assert instead in said
    assert "c4nary" not in said


def test_a_url_with_a_password_is_refused() -> None:
    assert refuse_secret("wss://gateway/epos") == "wss://gateway/epos"
    with pytest.raises(ArgumentTypeError, match="no user:password@"):
        refuse_secret("wss://till:c4nary@gateway/epos")


def test_every_field_of_settings_but_the_key_can_be_set() -> None:
    defaults = Settings(api_key=KEY)
    for field in msgspec.structs.fields(Settings):
        if field.name != "api_key":
            value = getattr(defaults, field.name)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            expected = "None" if value is None else value
            assert parse_field(f"{field.name}={text}") == (field.name, expected)


# The module and its Epos.


def test_a_module_of_the_working_directory_is_found(folder: Path) -> None:
    code = "from dojo_proto import Epos\nclass app:\n    epos = Epos('acme-epos')\n"
    (folder / "till.py").write_text(code, "utf-8")
    epos = load_epos("till:app.epos")
    assert isinstance(epos, Epos)
    assert epos.software_house_id == "acme-epos"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("till", "expected MODULE:NAME, such as till:epos, got 'till'"),
        ("acme/till.py", "expected MODULE:NAME, such as acme.till:epos, got 'acme/till.py'"),
        ("till:", "expected MODULE:NAME, such as till:epos"),
        (":epos", "expected MODULE:NAME, such as till:epos"),
        ("nowhere:epos", "there is no module 'nowhere': looked in "),
        ("nowhere.till:epos", "there is no module 'nowhere': looked in "),
        ("..till:epos", "expected MODULE:NAME, such as till:epos, got '..till:epos'"),
        ("./till.py:epos", "expected MODULE:NAME, such as till:epos, got './till.py:epos'"),
        (r"acme\till.py:app", "expected MODULE:NAME, such as acme.till:app, got"),
        ("till.py:epos", "there is no module 'till.py': looked in "),
        ("till:eposs", "the module 'till' has no 'eposs'; till:epos is one"),
        ("till:app", "till:app is of the type str: expected a dojo_proto.Epos; till:epos is one"),
        ("empty:number", "the module 'empty' has no 'number'; did you mean 'numbers'?"),
        ("empty:zzz", "the module 'empty' has no 'zzz'"),
    ],
)
def test_a_target_that_is_none_is_explained(folder: Path, target: str, said: str) -> None:
    code = "from dojo_proto import Epos\nepos = Epos('acme-epos')\napp = 'an app'\n"
    (folder / "till.py").write_text(code, "utf-8")
    (folder / "empty.py").write_text("numbers = []\n", "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_epos(target)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def (", "SyntaxError: invalid syntax"),
    ],
)
def test_a_module_that_fails_shows_its_own_error(
    folder: Path, code: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "till.py").write_text(f"\n{code}\n", "utf-8")
    with pytest.raises(ConfigurationError, match="the module 'till' cannot be imported: "):
        load_epos("till:epos")
    shown = capsys.readouterr().err
    assert shown.rstrip().endswith(error)
    assert 'till.py", line 2' in shown
    assert "importlib" not in shown


# The rest.


def test_the_version_is_the_librarys(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv=["--version"])
    assert caught.value.code == Exit.OK
    assert capsys.readouterr().out == f"dojo-proto {__version__}\n"


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv=[]) == Exit.CONFIGURATION
    assert "simulate" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "demo", "simulate", "trigger"])
def test_the_help_has_an_example_and_the_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(argv=[command, "--help"])
    text = capsys.readouterr().out
    assert f"  dojo-epos {command}" in text
    assert "exit codes:\n  0  " in text
    assert max(map(len, text.splitlines())) <= 90


def test_a_program_that_brings_its_epos_names_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(Epos("acme-epos"), ["run", "--help"])
    assert "MODULE:NAME" not in capsys.readouterr().out.partition("\n\n")[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "till:epos", "--runtime", "twisted"],
        ["run", "till:epos", "--form", "json"],
        ["demo", "--runtime", "twisted"],
        ["simulate", "--port", "65535"],
        ["simulate", "--port", "-1"],
        ["trigger", "GetOrderById", "--params", "[]"],
        ["trigger", "GetOrderById", "--params", "{"],
        ["trigger"],
    ],
)
def test_wrong_arguments_are_wrong_configuration(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv=arguments)
    assert caught.value.code == Exit.CONFIGURATION
    assert capsys.readouterr().err.startswith("usage: ")


def test_it_starts_on_a_bare_till() -> None:
    code = (
        "import sys\n"
        "for name in ('trio', 'anyio', 'uvloop', 'dojo_simulator'): sys.modules[name] = None\n"
        "from dojo_adapters.cli import main\n"
        "sys.exit(main(argv=['run', 'nowhere:epos', '--runtime', 'threads']))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert "there is no module 'nowhere'" in done.stderr
    assert done.returncode == Exit.CONFIGURATION


@pytest.mark.parametrize(
    "arguments",
    [
        ["--api-key", KEY],
        [f"--key={KEY}"],
        [KEY],
        ["--set", KEY],
        ["--set", f"api-key={KEY}"],
        ["--set", f"APIKEY={KEY}"],
        ["--runtime", KEY],
        ["--api-key", "a-key-of-another-make"],
    ],
)
def test_no_complaint_repeats_a_key(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv=["run", "till:epos", *arguments])
    assert ended.value.code == Exit.CONFIGURATION
    said = capsys.readouterr().err
    assert "c4nary" not in said
    assert "of-another-make" not in said
    assert "error: " in said


def test_a_mistake_in_building_the_epos_is_told_with_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "till.py").write_text(
        "from dojo_proto import Epos\n\nepos = Epos('acme')\nepos.on('GetOrderByID')\n"
    )
    with pytest.raises(
        ConfigurationError, match=r"till\.py, line 4: unknown method .*did you mean"
    ):
        load_epos("till:epos")
    assert capsys.readouterr().err == ""
