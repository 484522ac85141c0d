"""Bills: an order with what is printed above and below it."""

from typing import ClassVar

from msgspec import field

from dojo_proto.contract.orders import Order
from dojo_proto.contract.requests import Params
from dojo_proto.contract.shape import OpenEnum, Shape


class LineType(OpenEnum):
    """Which member of a line says what is printed."""

    IMAGE = "Image"
    LOGO = "Logo"
    MERCHANT_ADDRESS = "MerchantAddress"
    MERCHANT_EMAIL_ADDRESS = "MerchantEmailAddress"
    MERCHANT_NAME = "MerchantName"
    MERCHANT_PHONE_NUMBER = "MerchantPhoneNumber"
    TEXT = "Text"
    URL = "URL"
    HORIZONTAL_LINE = "HorizontalLine"
    TAX_NUMBER = "TaxNumber"


class Align(OpenEnum):
    """Where on the line."""

    CENTER = "Center"
    LEFT = "Left"
    RIGHT = "Right"


class Size(OpenEnum):
    """How large."""

    BODY = "Body"
    HEADER1 = "Header1"
    HEADER2 = "Header2"


class HorizontalLineStyle(OpenEnum):
    """How a line is drawn."""

    SINGLE = "Single"
    DOUBLE = "Double"


class Image(Shape, kw_only=True):
    """An image."""

    svg_image: str
    """As SVG."""
    align: Align | None = None


class Logo(Shape, kw_only=True):
    """A logo, at the top of the bill."""

    svg_image: str
    """As SVG."""


class MerchantAddress(Shape, kw_only=True):
    """Where the restaurant is."""

    address_lines: list[str]
    postcode: str


class MerchantEmailAddress(Shape, kw_only=True):
    """The restaurant's e-mail address."""

    email_address: str


class MerchantName(Shape, kw_only=True):
    """The restaurant's name."""

    name: str


class MerchantPhoneNumber(Shape, kw_only=True):
    """The restaurant's phone number."""

    phone_number: str


class Text(Shape, kw_only=True):
    """Words."""

    value: str
    """How long they may be depends on `size`."""
    size: Size
    align: Align | None = None
    bold: bool | None = None


class Url(Shape, kw_only=True):
    """A link: as a QR code on paper, as words on a screen."""

    url: str
    description: str | None = None
    """What is shown for it."""
    show_qr: bool | None = field(default=None, name="showQR")
    """Show it as a QR code."""
    show_url: bool | None = field(default=None, name="showURL")
    """Show the address itself."""


class HorizontalLineType(Shape, kw_only=True):
    """A line across the bill."""

    line: HorizontalLineStyle | None = None


class TaxNumber(Shape, kw_only=True):
    """The restaurant's tax number, at the bottom of the bill."""

    name: str
    """Which tax."""
    number: str


class BillLine(Shape, kw_only=True):
    """One line. The member that `line_type` names has to be sent with it."""

    any_of: ClassVar[tuple[str, ...]] = (
        "image",
        "logo",
        "merchantAddress",
        "merchantEmailAddress",
        "merchantName",
        "merchantPhoneNumber",
        "text",
        "url",
        "horizontalLine",
        "taxNumber",
    )

    line_type: LineType
    image: Image | None = None
    logo: Logo | None = None
    merchant_address: MerchantAddress | None = None
    merchant_email_address: MerchantEmailAddress | None = None
    merchant_name: MerchantName | None = None
    merchant_phone_number: MerchantPhoneNumber | None = None
    text: Text | None = None
    url: Url | None = None
    horizontal_line: HorizontalLineType | None = None
    tax_number: TaxNumber | None = None


class BillSection(Shape, kw_only=True):
    """What is printed above or below the order."""

    lines: list[BillLine]


class OrderBill(Shape, kw_only=True):
    """A bill."""

    header: BillSection
    order: Order
    """As GetOrderById shows it."""
    footer: BillSection


class GetOrderBillByIdParams(Params, kw_only=True):
    """Which order's bill."""

    order_id: str
