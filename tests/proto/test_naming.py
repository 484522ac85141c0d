"""Methods that Dojo has added, and that the method table does not have."""

from typing import Any

import pytest

from dojo_proto.context import Context
from dojo_proto.contract import BY_NAME, Kind, Method
from dojo_proto.epos import Epos
from dojo_proto.errors import ConfigurationError

PAY = "RecordOrderPaymentById"
NEW = "SomethingNewV2"


def handle(_ctx: Context, _params: dict[str, Any]) -> None:
    """Every handler and lookup of which it does not matter what it does."""


async def handle_async(_ctx: Context, _params: dict[str, Any]) -> None:
    """The same as a task."""


@pytest.fixture
def epos() -> Epos:
    return Epos("acme-epos")


def test_one_is_described_on_the_spot(epos: Epos) -> None:
    epos.on(NEW, capability="SomethingNew", kind=Kind.CHANGE, natural_key=("id",))(handle)
    epos.lookup(NEW)(handle_async)
    handler = epos.handlers()[NEW]
    assert handler.method == Method(
        name="SomethingNew",
        wire=NEW,
        capabilities=("SomethingNew",),
        kind=Kind.CHANGE,
        natural_key=("id",),
    )
    assert handler.lookup is not None
    assert handler.lookup.function is handle_async
    assert handler.decode(b'{"id":"a","new":1}') == {"id": "a", "new": 1}
    assert epos.capabilities() == ("SomethingNew",)


def test_or_by_a_row(epos: Epos) -> None:
    row = Method(name="Other", wire="OtherV3", capabilities=("Other",), kind=Kind.CHANGE)
    epos.on(row)(handle)
    for name in ("Other", row):
        epos.lookup(name)
    assert epos.handlers()["OtherV3"].method is row


def test_a_further_version_of_one_that_the_table_has(epos: Epos) -> None:
    epos.on(f"{PAY}V2", capability=PAY, kind=Kind.MONEY, natural_key=("orderId", "id"))(handle)
    epos.on(PAY)(handle)
    assert set(epos.handlers()) == {f"{PAY}V1", f"{PAY}V2"}
    assert {handler.method.name for handler in epos.handlers().values()} == {PAY}
    assert epos.capabilities() == (PAY,)


@pytest.mark.parametrize(
    "half", [{"capability": "New"}, {"kind": Kind.READ}, {"natural_key": ("id",)}]
)
def test_half_a_description(epos: Epos, half: dict[str, Any]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"not in the method table\. If .*capability= .*kind="
    ):
        epos.on("xyzzy", **half)
    with pytest.raises(ConfigurationError, match=r"did you mean 'GetOrderByIdV1'\?"):
        epos.on("GetOrderByIdV", **half)


@pytest.mark.parametrize("method", [PAY, f"{PAY}V1", BY_NAME[PAY], "HandleEvent:x"])
def test_one_that_has_a_row_is_not_described(epos: Epos, method: Any) -> None:
    with pytest.raises(ConfigurationError, match="is described by its row: leave capability"):
        epos.on(method, kind=Kind.READ)


def test_what_is_no_method_at_all(epos: Epos) -> None:
    nothing: Any = 5
    with pytest.raises(ConfigurationError, match=r"^5 is described"):
        epos.on(nothing, kind=Kind.READ)


@pytest.mark.parametrize("key", ["id", ["id"], ("id", 5), ("",)])
def test_a_key_is_a_tuple_of_names(epos: Epos, key: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'as in \("id",\); got'):
        epos.on(NEW, capability="New", kind=Kind.CHANGE, natural_key=key)


def test_what_only_reads_has_no_key(epos: Epos) -> None:
    epos.on(NEW, capability="New", kind=Kind.READ)(handle)
    with pytest.raises(ConfigurationError, match="creates nothing, so it has no key"):
        epos.on("NewV3", capability="New", kind=Kind.READ, natural_key=("id",))


def test_what_books_money_has_one(epos: Epos) -> None:
    with pytest.raises(ConfigurationError, match="a retry under another id would book again"):
        epos.on(NEW, capability="New", kind=Kind.MONEY)
