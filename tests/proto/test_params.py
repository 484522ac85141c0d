"""Params that do not fit are explained by path and type, never by their values."""

from typing import Annotated, Any, Literal

import msgspec
import pytest

from dojo_proto.params import explain

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
        ('{"amount":{"value":"x"}}', "Expected `int`, got `str` - at `$.amount.value`"),
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
