"""Bills, as the terminal prints them."""

from dojo_proto import Context
from dojo_proto.contract import (
    Align,
    BillLine,
    BillSection,
    GetOrderBillByIdParams,
    HorizontalLineStyle,
    HorizontalLineType,
    LineType,
    MerchantAddress,
    MerchantName,
    MerchantPhoneNumber,
    Order,
    OrderBill,
    Size,
    TaxNumber,
    Text,
)
from dojo_simulator.restaurant import ledger
from dojo_simulator.restaurant.serving import epos, reading, restaurant


@epos.on("GetOrderBillById")
def get_bill(ctx: Context, params: GetOrderBillByIdParams) -> OrderBill:
    """The order between header and footer. It takes as long as the printer does."""
    with reading(ctx) as books:
        row = ledger.find(books, params.order_id)
        order = ledger.show(books, row)
    restaurant(ctx).printer()  # with the books closed: whoever pays need not wait
    return OrderBill(
        header=BillSection(lines=_header(order)),
        order=order,
        footer=BillSection(lines=_footer(row)),
    )


def _header(order: Order) -> list[BillLine]:
    return [
        BillLine(
            line_type=LineType.MERCHANT_NAME, merchant_name=MerchantName(name="The Sample Kitchen")
        ),
        BillLine(
            line_type=LineType.MERCHANT_ADDRESS,
            merchant_address=MerchantAddress(
                address_lines=["12 Example Street", "London"], postcode="EC1A 1AA"
            ),
        ),
        BillLine(
            line_type=LineType.MERCHANT_PHONE_NUMBER,
            merchant_phone_number=MerchantPhoneNumber(phone_number="+44 20 7946 0000"),
        ),
        _text(order.display_name or "", size=Size.HEADER2),
        _rule(HorizontalLineStyle.SINGLE),
    ]


def _footer(row: ledger.OrderRow) -> list[BillLine]:
    lines = [
        _rule(HorizontalLineStyle.DOUBLE),
        _text(f"Total {_pounds(row.total)}", bold=True),
    ]
    if row.paid:
        lines.append(_text(f"Paid {_pounds(row.paid)}"))
        lines.append(_text(f"To pay {_pounds(row.total - row.paid)}", bold=True))
    return [
        *lines,
        BillLine(
            line_type=LineType.TAX_NUMBER, tax_number=TaxNumber(name="VAT", number="GB123456789")
        ),
        _text("Thank you!", align=Align.CENTER),
    ]


def _rule(line: HorizontalLineStyle) -> BillLine:
    return BillLine(
        line_type=LineType.HORIZONTAL_LINE, horizontal_line=HorizontalLineType(line=line)
    )


def _text(
    value: str, *, size: Size = Size.BODY, align: Align | None = None, bold: bool | None = None
) -> BillLine:
    return BillLine(
        line_type=LineType.TEXT, text=Text(value=value, size=size, align=align, bold=bold)
    )


def _pounds(value: int) -> str:
    pounds, pence = divmod(value, 100)
    return f"{pounds}.{pence:02} {ledger.CURRENCY}"
