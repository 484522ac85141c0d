"""`dojo-epos register` and `dojo-epos capabilities`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.played_api import PlayedApi, answer

from dojo_adapters import registration
from dojo_adapters.cli import Exit, main
from dojo_proto import ApiError, AuthenticationError, Context, Epos

KEY = "sk_sandbox_c4nary"
SERVED = ["CreateOrder", "GetOrderBillById"]

epos = Epos(software_house_id="acme-epos")


@epos.on("GetOrderBillById")
def bill(_ctx: Context, _params: dict[str, object]) -> dict[str, object]:
    return {}


@epos.on("CreateOrder")
async def create(_ctx: Context, _params: dict[str, object]) -> dict[str, object]:
    return {}


locking = Epos(software_house_id="acme-epos")
locking.on("CreateOrderLock")(bill)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DOJO_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOJO_API_KEY", KEY)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedApi]:
    with PlayedApi() as api:
        monkeypatch.setenv("DOJO_API_URL", api.url)
        yield api


def has(api: PlayedApi, *names: str) -> None:
    api.registered = [
        {"name": name, "version": "v1", "updatedAt": "2026-03-01T10:00:00Z"} for name in names
    ]


# register.


def test_it_registers_reads_back_and_shows_it(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    has(api, "ListAreas")
    assert main(epos, ["register"]) == Exit.OK
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "CAPABILITY        REGISTERED",
        "CreateOrder       yes",
        "GetOrderBillById  yes",
        "Dojo routes 2 capabilities to this EPOS.",
    ]
    assert err == ""
    put, get = api.asked
    assert put.line == "PUT /epos/integrations/ws HTTP/1.1"
    assert [each["name"] for each in put.json["capabilities"]] == SERVED
    assert put.headers["software-house-id"] == "acme-epos"
    assert get.line == "GET /epos/integrations/ws HTTP/1.1"


def test_what_dojo_did_not_take_is_a_failure(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [{"name": "GetOrderBill", "version": "v1"}]
    api.answers.extend([answer(200), answer(200, json.dumps([{"capabilities": names}]).encode())])
    assert main(epos, ["register"]) == Exit.FAILED
    assert capsys.readouterr().out.splitlines()[1:] == [
        "CreateOrder       NO",
        "GetOrderBillById  yes",
        "Dojo has not registered 1 of what was sent.",
    ]


def test_as_json_it_is_one_object(api: PlayedApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(epos, ["register", "--format", "json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == {
        "both": SERVED,
        "missing": [],
        "surplus": [],
        "versions_differ": False,
    }
    assert len(api.asked) == 2


@pytest.mark.parametrize("has_key", [True, False])
def test_a_dry_run_shows_what_would_be_sent_and_needs_no_key(
    api: PlayedApi,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_key: bool,
) -> None:
    if not has_key:
        monkeypatch.delenv("DOJO_API_KEY")
    assert main(epos, ["register", "--dry-run"]) == Exit.OK
    line, _, body = capsys.readouterr().out.partition("\n")
    assert line == f"PUT {api.url}/epos/integrations/ws"
    assert json.loads(body) == {
        "capabilities": [{"name": name, "version": "v1"} for name in SERVED]
    }
    assert main(epos, ["register", "--dry-run", "--format", "json"]) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["method"], told["url"]) == ("PUT", f"{api.url}/epos/integrations/ws")
    assert told["body"] == json.loads(body)
    assert api.asked == []


def test_the_epos_is_named_on_the_command_line(
    api: PlayedApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop_to_register.py").write_text(
        "from dojo_proto import Epos\n"
        "epos = Epos('shop')\n"
        "epos.on('ListAreas')(lambda ctx, params: {'data': []})\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("DOJO_API_URL")
    code = main(argv=["register", "shop_to_register:epos", "--api-url", api.url])
    assert code == Exit.OK
    assert api.asked[0].headers["software-house-id"] == "shop"


def test_half_a_set_of_locks_is_not_registered(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(locking, ["register"]) == Exit.CONFIGURATION
    assert "CreateOrderLock without DeleteOrderLock, ExtendOrderLock" in capsys.readouterr().err
    assert main(locking, ["register", "--dry-run"]) == Exit.CONFIGURATION
    assert api.asked == []


@pytest.mark.parametrize("command", ["register", "capabilities"])
@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (answer(401), Exit.AUTHENTICATION, "check that the key is complete"),
        (answer(403), Exit.AUTHENTICATION, "software-house-id is the one from Dojo"),
        (answer(404), Exit.FAILED, "check api_url (DOJO_API_URL)"),
        (answer(400, f"not {KEY}".encode()), Exit.FAILED, 'ask Dojo: "not ***"'),
        (answer(429), Exit.FAILED, "too many requests came in; try again later"),
        (answer(503), Exit.FAILED, "nothing here is wrong; try again later"),
        (answer(200, b"<html>"), Exit.FAILED, "the sign-in page of a guest network"),
        (answer(200, b"[]")[:-1], Exit.FAILED, "it does no harm to try again"),
        (None, Exit.FAILED, "no answer within 0.5 s. It was asked, so try again later"),
    ],
)
def test_a_failure_says_what_to_do_in_one_line(
    api: PlayedApi,
    command: str,
    reply: bytes | None,
    *,
    code: Exit,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api.answers.append(reply)
    impatient = ["--set", "api_timeout=0.5"] if reply is None else []
    assert main(epos, [command, *impatient]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert said in err
    assert "c4nary" not in err


def test_an_answer_that_is_no_list_is_a_failure(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answers.extend([answer(200), answer(200, b"{}")])
    assert main(epos, ["register"]) == Exit.FAILED
    assert "something else than a list of capabilities" in capsys.readouterr().err


def test_without_a_key_nothing_is_sent(
    api: PlayedApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOJO_API_KEY")
    assert main(epos, ["register"]) == Exit.CONFIGURATION
    assert "there is no API key" in capsys.readouterr().err
    assert api.asked == []


@pytest.mark.parametrize("command", ["register", "capabilities"])
def test_the_local_gateway_is_not_confused_with_dojo(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOJO_EPOS_URL", "ws://127.0.0.1:8765/epos")
    assert main(epos, [command]) == Exit.CONFIGURATION
    assert "set api_url (DOJO_API_URL)" in capsys.readouterr().err


def test_a_key_on_the_command_line_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(epos, ["register", "--api-url", f"https://{KEY}@api.dojo.tech"])
    assert "c4nary" not in capsys.readouterr().err


# capabilities.


def test_what_is_registered_is_shown_against_what_is_served(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    has(api, "GetOrderBill", "ListAreas")
    assert main(epos, ["capabilities"]) == Exit.FAILED
    assert capsys.readouterr().out.splitlines() == [
        "CAPABILITY        SERVED  REGISTERED",
        "CreateOrder       yes     NO",
        "GetOrderBillById  yes     v1",
        "ListAreas         NO      v1",
        "They differ: `dojo-epos register` makes Dojo's list that of the EPOS.",
    ]
    assert [asked.line for asked in api.asked] == ["GET /epos/integrations HTTP/1.1"]


def test_where_they_are_the_same_that_is_a_success(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    has(api, *SERVED)
    assert main(epos, ["capabilities"]) == Exit.OK
    assert capsys.readouterr().out.endswith("Dojo routes exactly what this EPOS serves.\n")


def test_another_version_is_a_difference_too(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    has(api, *SERVED)
    api.registered[0]["version"] = "1.0.0"
    assert main(epos, ["capabilities"]) == Exit.FAILED
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "CreateOrder       yes     1.0.0",
        "GetOrderBillById  yes     v1",
    ]


def test_as_json_both_lists_and_their_difference_are_told(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    has(api, "GetOrderBill")
    assert main(epos, ["capabilities", "--format", "json"]) == Exit.FAILED
    assert json.loads(capsys.readouterr().out) == {
        "registered": [
            {"name": "GetOrderBill", "version": "v1", "updatedAt": "2026-03-01T10:00:00Z"}
        ],
        "served": SERVED,
        "both": ["GetOrderBillById"],
        "missing": ["CreateOrder"],
        "surplus": [],
        "versions_differ": False,
    }


def test_without_an_epos_what_is_registered_is_listed(
    api: PlayedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    has(api, "ListAreas", "GetOrder\x1b[2J")
    arguments = ["capabilities", "--software-house-id", "acme-epos"]
    assert main(argv=arguments) == Exit.OK
    assert capsys.readouterr().out.splitlines() == [
        "CAPABILITY    VERSION  UPDATED",
        "GetOrder?[2J  v1       2026-03-01T10:00:00Z",
        "ListAreas     v1       2026-03-01T10:00:00Z",
    ]
    assert api.asked[0].headers["software-house-id"] == "acme-epos"
    assert main(argv=[*arguments, "--format", "json"]) == Exit.OK
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in told["registered"]] == ["ListAreas", "GetOrder\x1b[2J"]


def test_somebody_has_to_say_whose(api: PlayedApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv=["capabilities"]) == Exit.CONFIGURATION
    assert "expected MODULE:NAME, or --software-house-id" in capsys.readouterr().err
    assert api.asked == []


# From a program.


def test_a_program_can_do_the_same(api: PlayedApi) -> None:
    assert registration.register(epos).is_same
    assert [each.name for each in registration.registered("acme-epos")] == SERVED
    api.answers.extend([answer(403), answer(500)])
    with pytest.raises(AuthenticationError) as refused:
        registration.register(epos)
    assert refused.value.status == 403
    with pytest.raises(ApiError, match="status 500"):
        registration.registered("acme-epos")
