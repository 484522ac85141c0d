"""What is in the books of a restaurant that has just opened."""

from dojo_proto.contract import Discount
from dojo_simulator.restaurant import ledger, menu
from dojo_simulator.restaurant.database import Books

_AREAS = {"inside": "Inside", "terrace": "Terrace"}

_TABLES = {
    # id: area, covers, waiters
    "1": ("inside", 2, ["anna"]),
    "2": ("inside", 4, ["ben"]),
    "3": ("inside", 4, ["ben"]),
    "4": ("inside", 6, ["anna", "ben"]),
    "7": ("inside", 2, ["anna"]),
    "10": ("terrace", 2, ["cleo"]),
    "11": ("terrace", 4, ["cleo"]),
    "12": ("terrace", 8, ["cleo", "ben"]),
}

_MENU = {
    "pizza-1": ("Margherita", 1050),
    "pasta-1": ("Tagliatelle al ragù", 1390),
    "lunch-1": ("Lunch menu", 1600),
    "soup-1": ("Soup of the day", 550),
    "sweet-1": ("Tiramisù", 650),
    "wine-1": ("House red", 2400),
    "soft-1": ("Water", 350),
    "coffee-1": ("Espresso", 250),
    "extra-1": ("Extra mozzarella", 150),
    "extra-2": ("No basil", 0),
}


def fill(books: Books) -> None:
    """Enter the house, the menu, and the orders of the guests who are here."""
    for area_id, name in _AREAS.items():
        books.run("INSERT INTO areas VALUES (:id, :name)", id=area_id, name=name)
    for table_id, (area_id, covers, waiters) in _TABLES.items():
        books.run(
            """
            INSERT INTO tables (id, area_id, name, max_covers)
            VALUES (:id, :area_id, :id, :covers)
            """,
            id=table_id,
            area_id=area_id,
            covers=covers,
        )
        for waiter_id in waiters:
            books.run(
                "INSERT INTO waiters VALUES (:id, :table_id)", id=waiter_id, table_id=table_id
            )
    for plu, (name, price) in _MENU.items():
        books.run(
            "INSERT INTO products VALUES (:plu, :name, :price)", plu=plu, name=name, price=price
        )
    _open_orders(books)


def _open_orders(books: Books) -> None:
    margherita, ragu = menu.item(books, "pizza-1"), menu.item(books, "pasta-1")
    tiramisu, wine = menu.item(books, "sweet-1", 2), menu.item(books, "wine-1")
    water = menu.item(books, "soft-1")
    dinner = [margherita, ragu, tiramisu, wine]
    menu.open_order(books, "1", "anna", dinner, service_charge=610)
    menu.open_order(books, "2", "ben", [margherita, water])
    menu.open_order(books, "7", "anna", [ragu, water])
    menu.open_order(
        books,
        "12",
        "cleo",
        [
            menu.item(books, "pizza-1", 2, modifiers=["extra-1", "extra-2"], note="one well done"),
            menu.item(books, "lunch-1", 2, parts=["soup-1", "coffee-1"]),
        ],
        discounts=[
            Discount(name="Lunch hour 10 %", amount_total=ledger.money(560), amount_percentage=1000)
        ],
        note="birthday: candles with the coffee",
    )
