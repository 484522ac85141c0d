"""What comes in: lenient where Dojo may add something, firm where it matters."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from dojo_proto.contract import (
    Area,
    BillLine,
    CreateOrderParams,
    CreatePartyParams,
    CreateReservationParams,
    Cursor,
    HandleEventParams,
    ListAreasParams,
    Money,
    Order,
    OrderStatus,
    Party,
    RecordOrderPaymentByIdParams,
    RequestHeaders,
    Reservation,
    SearchOrdersParams,
    Shape,
    UpdatePartyParams,
    UpdateReservationParams,
    decode,
    decoder,
    encode,
)

PAYMENT: dict[str, Any] = {
    "orderId": "o-1",
    "paymentIntentId": "pi-1",
    "paidAmount": {"value": 1050, "currencyCode": "GBP"},
    "headers": {"waiterId": "w-1"},
}
ORDER: dict[str, Any] = {
    "id": "o-1",
    "status": "Confirmed",
    "details": {"orderType": "DineIn", "dineIn": {"tableId": "t-1"}},
    "payments": [{"paidAmount": {"value": 500, "currencyCode": "GBP"}}],
}


def read(kind: Any, value: Any) -> Any:
    return decode(kind, msgspec.json.encode(value))


def sent(value: Any) -> Any:
    return msgspec.json.decode(encode(value))


def refusal(kind: Any, value: Any) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        read(kind, value)
    return str(caught.value)


class TestMembers:
    def test_they_are_the_wires_names_in_snake_case(self) -> None:
        params = read(RecordOrderPaymentByIdParams, PAYMENT)
        assert params == RecordOrderPaymentByIdParams(
            order_id="o-1",
            payment_intent_id="pi-1",
            paid_amount=Money(1050, "GBP"),
            headers=RequestHeaders(waiter_id="w-1"),
        )

    def test_names_with_abbreviations_are_the_vendors(self) -> None:
        line = {"lineType": "URL", "url": {"url": "https://x", "showQR": True, "showURL": False}}
        read_line = read(BillLine, line)
        assert (read_line.url.show_qr, read_line.url.show_url) == (True, False)
        assert sent(read_line) == line

    def test_a_raw_part_of_a_message_is_read_as_well(self) -> None:
        raw = msgspec.Raw(msgspec.json.encode(PAYMENT))
        assert decode(RecordOrderPaymentByIdParams, raw).order_id == "o-1"

    def test_a_list_of_them_is_read_as_well(self) -> None:
        areas = decode(list[Area], b'[{"id":"a","name":"Terrace","heated":true}]')
        assert areas == [Area(id="a", name="Terrace", unknown={"heated": True})]

    def test_headers_may_be_missing(self) -> None:
        assert decode(ListAreasParams, b"{}").headers == RequestHeaders()
        assert decode(ListAreasParams, b'{"headers":null}').headers == RequestHeaders()

    def test_a_types_decoder_is_made_once(self) -> None:
        assert decoder(Order) is decoder(Order)


class TestNull:
    def test_it_means_that_an_optional_member_is_absent(self) -> None:
        order = read(Order, ORDER | {"note": None, "items": None, "customer": None})
        assert order == read(Order, ORDER)

    def test_it_means_so_inside_lists(self) -> None:
        payments = [ORDER["payments"][0] | {"tipsAmount": None, "extra": None}]
        (payment,) = read(Order, ORDER | {"payments": payments}).payments
        assert (payment.tips_amount, payment.unknown) == (None, {"extra": None})

    def test_a_required_member_is_not_absent(self) -> None:
        assert refusal(Order, ORDER | {"details": None}) == (
            "Expected `object`, got `null` - at `$.details`"
        )
        # Also where an unknown member leads to the slow way.
        assert refusal(Order, ORDER | {"details": None, "extra": 1}) == (
            "Expected `object`, got `null` - at `$.details`"
        )

    def test_it_is_no_element_of_a_list(self) -> None:
        assert refusal(Order, ORDER | {"items": [None]}) == (
            "Expected `object`, got `null` - at `$.items[0]`"
        )


class TestUnknownMembers:
    def test_they_are_kept_and_go_out_again_at_any_depth(self) -> None:
        order = ORDER | {
            "loyalty": {"points": 7, "tiers": [{"id": None}]},
            "details": ORDER["details"] | {"dineIn": {"tableId": "t-1", "seat": 4}},
            "payments": [ORDER["payments"][0] | {"card": "1234", "deep": {"id": {"status": 1}}}],
        }
        order["payments"][0]["paidAmount"]["exponent"] = 2
        came = read(Order, order)
        assert came.unknown == {"loyalty": order["loyalty"]}
        assert came.details.dine_in.unknown == {"seat": 4}
        assert came.payments[0].unknown == {"card": "1234", "deep": {"id": {"status": 1}}}
        assert came.payments[0].paid_amount.unknown == {"exponent": 2}
        assert sent(came) == order

    def test_they_go_out_of_whatever_holds_the_object(self) -> None:
        class Held(msgspec.Struct):
            area: Area

        area = Area(id="a", name="Bar", unknown={"new": 1})
        plain = {"id": "a", "name": "Bar", "new": 1}
        assert sent({"deep": [(area, Held(area))]}) == {"deep": [[plain, {"area": plain}]]}

    def test_a_member_that_the_type_knows_is_the_types(self) -> None:
        area = Area(id="a", name="Bar", unknown={"name": "other", "waiterIds": ["w"]})
        assert sent(area) == {"id": "a", "name": "Bar", "waiterIds": ["w"]}

    @pytest.mark.parametrize("name", [rb"\u007f", rb"\u007F", b"\x7f"])
    def test_no_name_is_special(self, name: bytes) -> None:
        data = b'{"id":"a","name":"Bar","' + name + b'":{"new":{"' + name + b'":{"x":1}}}}'
        area = decode(Area, data)
        assert area.unknown == {"\x7f": {"new": {"\x7f": {"x": 1}}}}
        assert sent(area) == msgspec.json.decode(data)

    def test_a_text_with_any_character_is_a_text(self) -> None:
        area = Area(id="\x7f", name='\\u007f \\ " \x00', waiter_ids=["\x7f"])
        assert decode(Area, encode(area)) == area
        assert sent({"\x7f": "\x7f"}) == {"\x7f": "\x7f"}

    def test_numbers_in_them_stay_what_they_are(self) -> None:
        unknown = {"big": 10**30, "small": 1.5e-300, "int": 2**53 + 1, "float": 1.0}
        area = read(Area, {"id": "a", "name": "Bar", **unknown})
        assert area.unknown == unknown
        assert sent(area)["big"] == 10**30

    def test_the_last_of_two_with_one_name_counts(self) -> None:
        assert decode(Area, b'{"id":"a","name":"x","new":1,"name":"y","new":2}') == Area(
            id="a", name="y", unknown={"new": 2}
        )

    def test_they_show_in_a_repr_only_if_there_are_any(self) -> None:
        assert repr(Money(1, "GBP")) == "Money(value=1, currency_code='GBP')"
        assert "unknown={'x': 1}" in repr(Area(id="a", name="b", unknown={"x": 1}))

    def test_a_type_of_the_users_own_keeps_them_as_well(self) -> None:
        class Ours(Order, kw_only=True):
            table: Area | None = None

        came = read(Ours, ORDER | {"table": {"id": "a", "name": "b", "new": 1}, "more": 2})
        assert came.table.unknown == {"new": 1}
        assert came.unknown == {"more": 2}


class TestRefusals:
    @pytest.mark.parametrize("extra", [{}, {"unknown": 1}], ids=["native", "slow"])
    @pytest.mark.parametrize(
        ("kind", "value", "text"),
        [
            (Order, {"status": 1}, "Expected `str`, got `int` - at `$.status`"),
            (Order, {"items": {}}, "Expected `array`, got `object` - at `$.items`"),
            (
                Order,
                {"payments": [*ORDER["payments"], {}]},
                "Object missing required field `paidAmount` - at `$.payments[1]`",
            ),
            (
                Order,
                {"totalAmount": {"value": 10.5, "currencyCode": "GBP"}},
                "Expected `int`, got `float` - at `$.totalAmount.value`",
            ),
            (
                Order,
                {"totalAmount": {"value": 10.0, "currencyCode": "GBP"}},
                "Expected `int`, got `float` - at `$.totalAmount.value`",
            ),
            (
                Order,
                {"totalAmount": {"value": 2**63, "currencyCode": "GBP"}},
                "Expected `int` <= 9223372036854775807 - at `$.totalAmount.value`",
            ),
            (
                Order,
                {"totalAmount": {"value": -(2**63) - 1, "currencyCode": "GBP"}},
                "Expected `int` >= -9223372036854775808 - at `$.totalAmount.value`",
            ),
            (
                Order,
                {"createdAt": "2026-02-27T10:00:00"},
                "Expected `datetime` with a timezone component - at `$.createdAt`",
            ),
            (
                Order,
                {"createdAt": "yesterday"},
                "Invalid RFC3339 encoded datetime - at `$.createdAt`",
            ),
        ],
    )
    def test_they_name_the_path_on_the_wire(
        self, kind: Any, value: dict[str, Any], text: str, extra: dict[str, Any]
    ) -> None:
        assert refusal(kind, ORDER | value | extra) == text

    def test_a_missing_member_is_named_as_on_the_wire(self) -> None:
        text = refusal(RecordOrderPaymentByIdParams, {"orderId": "o-1"})
        assert text == "Object missing required field `paymentIntentId`"

    def test_what_is_no_json_is_said_to_be_none(self) -> None:
        with pytest.raises(msgspec.DecodeError, match="truncated"):
            decode(Order, b'{"id":')

    @pytest.mark.parametrize(
        "kind",
        [
            *(CreatePartyParams, UpdatePartyParams, Party),
            *(CreateReservationParams, UpdateReservationParams, Reservation),
        ],
    )
    def test_people_sit_at_one_table_at_least(self, kind: Any) -> None:
        value = {
            "id": "1",
            "dojoPartyId": "2",
            "dojoReservationId": "3",
            "name": "n",
            "covers": 2,
            "startTime": "2026-02-27T18:00:00Z",
            "endTime": "2026-02-27T20:00:00Z",
            "status": "Seated",
            "tableIds": ["t"],
        }
        assert read(kind, value).table_ids == ["t"]
        assert refusal(kind, value | {"tableIds": []}) == (
            "Expected `array` of length >= 1 - at `$.tableIds`"
        )


class TestCursor:
    @pytest.mark.parametrize("limit", [1, 50, 100])
    def test_a_page_has_1_to_100(self, limit: int) -> None:
        assert read(SearchOrdersParams, {"cursor": {"limit": limit}}).cursor == Cursor(limit=limit)

    @pytest.mark.parametrize(
        ("limit", "bound"), [(0, ">= 1"), (-1, ">= 1"), (101, "<= 100"), (10**30, "<= 100")]
    )
    def test_it_has_no_fewer_and_no_more(self, limit: int, bound: str) -> None:
        assert refusal(SearchOrdersParams, {"cursor": {"limit": limit}}) == (
            f"Expected `int` {bound} - at `$.cursor.limit`"
        )

    def test_before_and_after_exclude_each_other(self) -> None:
        assert refusal(SearchOrdersParams, {"cursor": {"before": "a", "after": "b"}}) == (
            "Object with both `before` and `after`, of which a cursor takes one - at `$.cursor`"
        )
        with pytest.raises(ValueError, match="of which a cursor takes one"):
            Cursor(before="a", after="b")

    def test_one_of_them_may_be_null(self) -> None:
        cursor = read(SearchOrdersParams, {"cursor": {"before": None, "after": "b"}}).cursor
        assert cursor == Cursor(after="b")


class TestLeniency:
    def test_texts_may_be_of_any_length(self) -> None:
        money = {"value": 1, "currencyCode": ""}
        order = {
            "items": [],
            "payments": [],
            "dojoOrderId": "",
            "totalAmount": money,
            "details": {"orderType": "DineIn", "dineIn": {}},
            "customer": {"emailAddress": "x" * 300, "phoneNumber": "1" * 60, "nickname": "Bo"},
            "taxLines": [{"amountTotal": money, "id": "i" * 61, "name": "n" * 101}],
        }
        assert sent(read(CreateOrderParams, order))["customer"] == order["customer"]

    def test_details_may_lack_both_of_their_parts(self) -> None:
        order = read(Order, ORDER | {"details": {"orderType": "Drone"}})
        assert not order.details.order_type.known

    def test_an_event_may_be_of_any_type(self) -> None:
        event = {
            "id": "e",
            "accountId": "a",
            "event": "payment_intent.sung",
            "data": {},
            "createdAt": "2026-02-27T10:00:00.1234567+01:00",
        }
        event["data"] = {"paymentIntentId": "pi", "paymentStatus": "Sung", "captureMode": "Auto"}
        params = read(HandleEventParams, event)
        assert params.event == "payment_intent.sung"
        assert params.data.payment_status == "Sung"
        assert params.created_at == datetime(
            2026, 2, 27, 10, 0, 0, 123457, tzinfo=timezone(timedelta(hours=1))
        )


class TestSending:
    def test_what_is_absent_is_not_sent(self) -> None:
        assert sent(read(Order, ORDER)) == ORDER
        assert sent(Area(id="a", name="b", waiter_ids=[])) == {"id": "a", "name": "b"}

    def test_what_is_false_or_zero_is_sent(self) -> None:
        order = read(
            Order, ORDER | {"payable": False, "paidAmount": {"value": 0, "currencyCode": "GBP"}}
        )
        assert sent(order)["payable"] is False
        assert sent(order)["paidAmount"]["value"] == 0

    def test_headers_and_required_arrays_are_sent_even_if_empty(self) -> None:
        assert encode(ListAreasParams()) == b'{"headers":{}}'
        params = CreateOrderParams(
            items=[],
            payments=[],
            total_amount=Money(0, "GBP"),
            dojo_order_id="d",
            details=read(Order, ORDER).details,
        )
        assert (sent(params)["items"], sent(params)["payments"]) == ([], [])

    def test_times_say_their_offset(self) -> None:
        order = read(Order, ORDER)
        order.created_at = datetime(2026, 2, 27, 10, 0, tzinfo=UTC)
        order.updated_at = datetime(2026, 2, 27, 10, 0, tzinfo=timezone(timedelta(hours=-5)))
        assert sent(order)["createdAt"] == "2026-02-27T10:00:00Z"
        assert sent(order)["updatedAt"] == "2026-02-27T10:00:00-05:00"

    def test_defaults_are_nobody_elses(self) -> None:
        one, other = Area(id="a", name="b"), Area(id="a", name="b")
        one.waiter_ids.append("w")
        one.unknown["x"] = 1
        assert other == Area(id="a", name="b")

    def test_what_json_cannot_carry_is_refused(self) -> None:
        with pytest.raises(TypeError):
            encode(Area(id="a", name="b", unknown={"x": object()}))


class TestMoney:
    def test_it_is_a_value_that_can_be_compared_and_hashed(self) -> None:
        assert Money(1050, "GBP") == Money(value=1050, currency_code="GBP")
        assert {Money(1, "GBP"), Money(1, "GBP"), Money(1, "EUR")} == {
            Money(1, "GBP"),
            Money(1, "EUR"),
        }
        assert hash(read(Money, {"value": 1, "currencyCode": "GBP", "new": []})) == hash(
            Money(1, "GBP")
        )

    @pytest.mark.parametrize("value", [10.5, 1050.0, "1050", None])
    def test_it_takes_whole_minor_units_alone(self, value: Any) -> None:
        kind = type(value).__name__
        expected = f"whole minor units: 1050 for 10.50; expected an int, got {kind}"
        with pytest.raises(TypeError, match=expected):
            Money(value, "GBP")

    def test_it_cannot_be_changed(self) -> None:
        with pytest.raises(AttributeError, match="immutable"):
            Money(1, "GBP").value = 2  # type: ignore[misc] # what is refused

    def test_a_status_is_no_special_text(self) -> None:
        assert isinstance(read(Order, ORDER).status, OrderStatus)
        assert issubclass(Order, Shape)
