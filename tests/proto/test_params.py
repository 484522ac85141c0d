"""Params that do not fit are explained by path and type, never by their values."""

from inspect import Parameter
from typing import Annotated, Any, Literal

import msgspec
import pytest

from dojo_proto.contract import BY_NAME
from dojo_proto.params import decoder, explain

SECRET = "Ada-Lovelace"


class Amount(msgspec.Struct):
    value: int


class Payment(msgspec.Struct):
    amount: Amount
    tags: list[str] = []
    short: Annotated[str, msgspec.Meta(max_length=3)] = ""
    low: Annotated[int, msgspec.Meta(ge=1)] = 1
    kind: Literal["card", "cash"] = "card"
    by_name: dict[str, int] = {}


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    id: str = ""


class Judged(msgspec.Struct):
    name: str

    def __post_init__(self) -> None:
        raise ValueError(self.name)


def misfit(json: str, kind: Any) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(json, type=kind)
    return explain(caught.value)


@pytest.mark.parametrize(
    ("json", "explained"),
    [
        ("[]", "Expected `object`, got `array` - at `$`"),
        ("{}", "Object missing required field `amount` - at `$`"),
        ('{"amount":{"value":1},"tags":5}', "Expected `array`, got `int` - at `$.tags`"),
        ('{"amount":{"value":1},"tags":["a",1]}', "Expected `str`, got `int` - at `$.tags[1]`"),
        ('{"amount":{"value":1},"low":0}', "Expected `int` >= 1 - at `$.low`"),
        ('{"amount":{"value":1e999}}', "Number out of range - at `$.amount.value`"),
    ],
)
def test_path_and_expected_type(json: str, explained: str) -> None:
    assert misfit(json, Payment) == explained


def test_the_length_that_is_expected_is_no_secret() -> None:
    explained = misfit('{"amount":{"value":1},"short":"long"}', Payment)
    assert explained == "Expected `str` of length <= 3 - at `$.short`"


@pytest.mark.parametrize(("amount", "got"), [("10.5", "float"), ('"x"', "str"), ("null", "null")])
def test_an_amount_that_is_no_whole_number_is_told_what_amounts_are(amount: str, got: str) -> None:
    assert misfit(f'{{"amount":{{"value":{amount}}}}}', Payment) == (
        f"Expected `int`, got `{got}` - at `$.amount.value` "
        "(amounts are whole minor units: 1050 for 10.50)"
    )


@pytest.mark.parametrize(
    ("params", "explained"),
    [
        (
            b'{"cursor":{"before":"a","after":"b"}}',
            "Object with both `before` and `after`, of which a cursor takes one - at `$.cursor`",
        ),
        (b'{"cursor":{"limit":101}}', "Expected `int` <= 100 - at `$.cursor.limit`"),
        (
            b'{"new":1,"cursor":{"limit":"5"}}',
            "Expected `int | null`, got `str` - at `$.cursor.limit`",
        ),
    ],
)
def test_params_of_the_contract_are_explained_too(params: bytes, explained: str) -> None:
    decode = decoder(Parameter.empty, BY_NAME["SearchOrders"], "search")
    with pytest.raises(msgspec.ValidationError) as caught:
        decode(params)
    assert explain(caught.value) == explained


@pytest.mark.parametrize(
    ("json", "kind"),
    [
        (f'{{"amount":{{"value":1}},"kind":"{SECRET}"}}', Payment),
        (f'{{"{SECRET}":1}}', Strict),
        (f'{{"name":"{SECRET}"}}', Judged),
        (f'{{"amount":{{"value":1}},"by_name":{{"{SECRET}":"x"}}}}', Payment),
    ],
)
def test_no_value_is_ever_repeated(json: str, kind: Any) -> None:
    explained = misfit(json, kind)
    assert SECRET not in explained
    assert " - at `$" in explained


def test_what_has_no_known_text_does_not_fit() -> None:
    assert misfit(f'{{"name":"{SECRET}"}}', Judged) == "The value does not fit - at `$`"


def test_of_anything_else_that_was_raised_the_text_is_not_asked_for() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert explain(Broken()) == "The value does not fit - at `$`"
    assert explain(KeyError(SECRET)) == "The value does not fit - at `$`"
