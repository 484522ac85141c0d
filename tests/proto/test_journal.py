"""What makes two requests the same, and what is remembered of them for how long."""

from itertools import product
from typing import Any

import msgspec
import pytest

from dojo_proto.contract import BY_NAME, METHODS, Kind, Method
from dojo_proto.journal import (
    FRESH,
    KEY_WINDOW,
    REPEAT_WINDOW,
    Entry,
    Found,
    Identity,
    JournalError,
    Row,
    RowState,
    Unidentifiable,
    Verdict,
    identify,
    judge,
    natural_parts,
    natural_text,
    retention,
)

PAY = "RecordOrderPaymentById"
LOCK = "CreateOrderLock"
PAYMENT = {
    "orderId": "o",
    "paymentIntentId": "p",
    "paidAmount": {"value": 1000, "currencyCode": "GBP"},
    "tipsAmount": {"value": 100, "currencyCode": "GBP"},
    "lockId": "l",
}


def identity(
    params: Any, *, method: str = PAY, request_id: bytes | None = b'"1"', scope: str = "sandbox/"
) -> Identity:
    made = identify(BY_NAME[method], msgspec.json.encode(params), request_id, scope)
    assert isinstance(made, Identity)
    return made


class TestIdentity:
    def test_the_same_request_is_the_same(self) -> None:
        assert identity(PAYMENT) == identity(PAYMENT)

    def test_the_order_of_members_white_space_and_escapes_mean_nothing(self) -> None:
        pretty = msgspec.json.format(msgspec.json.encode(dict(reversed(PAYMENT.items()))))
        pretty = pretty.replace(b'"o"', rb'"\u006f"')
        assert identify(BY_NAME[PAY], pretty, b'"1"', "sandbox/") == identity(PAYMENT)

    def test_headers_and_unknown_members_mean_nothing(self) -> None:
        more = {**PAYMENT, "headers": {"waiterId": "w"}, "new": [1]}
        assert identity(more) == identity(PAYMENT)

    def test_where_no_member_is_known_all_of_them_are_content(self) -> None:
        new = Method(name="New", wire="NewV2", capabilities=("New",), kind=Kind.CHANGE)

        def content(**params: Any) -> tuple[str, str]:
            made = identify(new, msgspec.json.encode(params), b"1", "")
            assert isinstance(made, Identity)
            return made.content, made.amounts

        assert content(id="a", headers={"waiterId": "w"}) == content(id="a")
        assert len({content(id="a"), content(id="b"), content(id="a", more=1)}) == 3

    @pytest.mark.parametrize("member", PAYMENT)
    def test_every_known_member_is_content(self, member: str) -> None:
        other = identity({**PAYMENT, member: "other"})
        assert other.content != identity(PAYMENT).content
        assert other.repeat != identity(PAYMENT).repeat

    @pytest.mark.parametrize(
        ("member", "differs"),
        [("paidAmount", True), ("tipsAmount", True), ("lockId", False), ("orderId", False)],
    )
    def test_of_a_payment_the_amounts_deserve_an_alarm(self, member: str, differs: bool) -> None:
        other = identity({**PAYMENT, member: "other"})
        assert (other.amounts != identity(PAYMENT).amounts) is differs

    def test_of_other_methods_everything_deserves_one(self) -> None:
        party = {"dojoPartyId": "d", "name": "Ada", "covers": 2}
        one = identity(party, method="CreateParty")
        other = identity({**party, "covers": 3}, method="CreateParty")
        assert one.key == other.key
        assert one.amounts != other.amounts

    def test_the_natural_key_is_the_same_under_any_id_and_with_any_other_content(self) -> None:
        other = identity({**PAYMENT, "paidAmount": 5}, request_id=b"2")
        assert other.key == identity(PAYMENT).key
        assert other.repeat != identity(PAYMENT).repeat

    @pytest.mark.parametrize("member", ["orderId", "paymentIntentId"])
    def test_another_natural_key_is_another_thing(self, member: str) -> None:
        assert identity({**PAYMENT, member: "x"}).key != identity(PAYMENT).key

    def test_parts_of_a_key_do_not_run_into_one_another(self) -> None:
        one = identity({**PAYMENT, "orderId": "ab", "paymentIntentId": "c"})
        other = identity({**PAYMENT, "orderId": "a", "paymentIntentId": "bc"})
        assert one.key != other.key

    def test_scopes_are_worlds_of_their_own(self) -> None:
        one, other = identity(PAYMENT), identity(PAYMENT, scope="production/")
        assert {one.key, one.repeat}.isdisjoint({other.key, other.repeat})

    def test_methods_are_worlds_of_their_own(self) -> None:
        same = {"orderId": "o", "lockId": "l"}
        lock, unlock = identity(same, method=LOCK), identity(same, method="DeleteOrderLock")
        assert lock.repeat != unlock.repeat

    def test_a_method_without_a_natural_key_repeats_by_id_only(self) -> None:
        assert identity({"orderId": "o"}, method=LOCK).names == (
            identity({"orderId": "o"}, method=LOCK).repeat,
        )

    @pytest.mark.parametrize("request_id", [b"null", None])
    def test_null_and_no_id_never_repeat(self, request_id: bytes | None) -> None:
        assert identity({}, method=LOCK, request_id=request_id).names == ()
        paid = identity(PAYMENT, request_id=request_id)
        assert paid.names == (paid.key,)

    def test_ids_are_compared_as_they_came(self) -> None:
        ids = [b"1", b"1.0", b'"1"', b'"null"', b"\xff"]
        assert len({identity(PAYMENT, request_id=i).repeat for i in ids}) == len(ids)

    def test_keys_are_found_by_every_later_release(self) -> None:
        # The hash of what is booked today. If this fails, keys have changed: payments that were
        # booked before an update could be booked again.
        assert identity(PAYMENT).key == (
            "de20ecc9825a0b8376b0e9bb8b3df1101550d59845faa5fdb2a9e8b0e1191232"
        )

    def test_no_name_shows_what_it_was_made_of(self) -> None:
        assert all(len(name) == 64 for name in identity(PAYMENT).names)

    @pytest.mark.parametrize("method", [m for m in METHODS if m.natural_key])
    def test_a_natural_key_has_to_be_there(self, method: Any) -> None:
        complete = dict.fromkeys(method.natural_key, "x")
        assert identity(complete, method=method.name).key
        for name, value in product(method.natural_key, (None, 5, "", ["x"])):
            broken = msgspec.json.encode({**complete, name: value})
            assert identify(method, broken, b"1", "") == Unidentifiable(
                f"Expected a `str` that is not empty - at `$.{name}`"
            )

    @pytest.mark.parametrize("params", [b"[]", b"null", b"5", b'"x"'])
    def test_params_have_to_be_an_object(self, params: bytes) -> None:
        assert identify(BY_NAME[LOCK], params, b"1", "") == Unidentifiable(
            "Expected `object` - at `$`"
        )

    def test_numbers_have_to_be_numbers_of_this_world(self) -> None:
        came = identify(BY_NAME[LOCK], b'{"orderId":1e999}', b"1", "")
        assert came == Unidentifiable("Number out of range - at `$`")


class TestNaturalText:
    def test_it_reads_as_a_path(self) -> None:
        params = msgspec.json.encode(PAYMENT)
        assert natural_text(BY_NAME[PAY], params) == "RecordOrderPaymentById/o/p"

    def test_no_two_keys_read_the_same(self) -> None:
        params = b'{"orderId":"a/b%","paymentIntentId":"c"}'
        assert natural_text(BY_NAME[PAY], params) == "RecordOrderPaymentById/a%2Fb%25/c"

    def test_without_a_natural_key_there_is_none(self) -> None:
        assert natural_text(BY_NAME[LOCK], b'{"orderId":"o"}') == ""

    @pytest.mark.parametrize("part", ["o", "a/b", "50%", "%2F", "%252F", "/", "%"])
    def test_its_parts_are_the_values_that_it_was_made_of(self, part: str) -> None:
        params = msgspec.json.encode(PAYMENT | {"orderId": part})
        assert natural_parts(PAY, natural_text(BY_NAME[PAY], params)) == (part, "p")

    def test_one_of_another_method_has_no_parts(self) -> None:
        text = natural_text(BY_NAME[PAY], msgspec.json.encode(PAYMENT))
        assert natural_parts(LOCK, text) == ()


Names = tuple[str, str]


def entry(names: Names = ("k", "r")) -> Entry:
    key, repeat = names
    named = Identity(key=key, repeat=repeat, content="c", amounts="a")
    return Entry(ticket="t", method=PAY, identity=named, idempotency_key="i", owner="us")


BOTH, BY_KEY, BY_ID = ("k", "r"), ("k", "other"), ("other", "r")


def row(state: RowState, names: Names = BOTH, *, age: float = 0.0) -> Row:
    return Row(entry=entry(names), state=state, age=age)


DAYS_7 = 7 * 86400.0


class TestJudgement:
    @pytest.mark.parametrize(
        ("state", "shared", "remembered"),
        [
            # By natural key only a success is remembered, and a run whose outcome is open …
            (RowState.SUCCEEDED, BY_KEY, DAYS_7),
            (RowState.FAILED, BY_KEY, DAYS_7),
            (RowState.REFUSED, BY_KEY, 0.0),
            # … and by id, method and content, everything.
            (RowState.SUCCEEDED, BY_ID, 120.0),
            (RowState.FAILED, BY_ID, 120.0),
            (RowState.REFUSED, BY_ID, 120.0),
        ],
    )
    def test_how_long_an_outcome_is_remembered(
        self, state: RowState, shared: Names, remembered: float
    ) -> None:
        just = row(state, shared, age=remembered - 0.001)
        expected = Found(verdict=Verdict(state.value), row=just) if remembered else FRESH
        assert judge(entry(), [just]) == expected
        assert judge(entry(), [row(state, shared, age=remembered)]) == FRESH

    @pytest.mark.parametrize("shared", [BY_KEY, BY_ID])
    def test_what_was_begun_is_remembered_for_ever(self, shared: Names) -> None:
        begun = row(RowState.BEGUN, shared, age=1e12)
        assert judge(entry(), [begun]) == Found(verdict=Verdict.BEGUN, row=begun)

    @pytest.mark.parametrize("state", RowState)
    def test_empty_names_are_nobodys(self, state: RowState) -> None:
        assert judge(entry(("", "")), [row(state, ("", ""))]) == FRESH

    def test_nothing_is_new(self) -> None:
        assert judge(entry(), []) == FRESH

    def test_a_refusal_by_key_does_not_hide_the_success_behind_it(self) -> None:
        booked = row(RowState.SUCCEEDED, BY_KEY)
        rows = [row(RowState.REFUSED, BY_KEY), booked]
        assert judge(entry(), rows) == Found(verdict=Verdict.SUCCEEDED, row=booked)

    def test_the_newest_of_several_counts(self) -> None:
        newest = row(RowState.SUCCEEDED)
        rows = [newest, row(RowState.REFUSED, age=60.0)]
        assert judge(entry(), rows) == Found(verdict=Verdict.SUCCEEDED, row=newest)

    @pytest.mark.parametrize("state", [RowState.SUCCEEDED, RowState.REFUSED, RowState.FAILED])
    @pytest.mark.parametrize("names", [("k", "r"), ("k", ""), ("", "r"), ("", "")])
    def test_nothing_finds_a_committed_row_after_its_retention(
        self, state: RowState, names: Names
    ) -> None:
        kept = entry(names)
        assert judge(kept, [row(state, names, age=retention(kept, state))]) == FRESH


def test_the_windows_are_those_of_the_rules() -> None:
    assert (KEY_WINDOW, REPEAT_WINDOW) == (DAYS_7, 120.0)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_failure_says_whether_the_look_up_had_found_nothing(fresh: bool) -> None:
    error = JournalError("disk is full", fresh=fresh)
    assert (str(error), error.fresh) == ("disk is full", fresh)


def test_of_a_failure_that_says_no_more_nobody_knows_what_there_was() -> None:
    assert not JournalError("disk is full").fresh


def test_every_state_has_its_verdict() -> None:
    assert {verdict.value for verdict in Verdict} == {"fresh", *(s.value for s in RowState)}


def test_every_method_that_changes_something_knows_its_content() -> None:
    assert all(m.members for m in METHODS if m.kind is not Kind.READ)
