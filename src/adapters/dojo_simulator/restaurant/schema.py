"""The tables of the restaurant.

What is searched for or counted has a column. The rest of an order, a party or a reservation is its
`document`: the contract's own type, in JSON, as Dojo gets it.
"""

VERSION = 1

SCHEMA = (
    # The house.
    """
    CREATE TABLE areas (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    )
    """,
    """
    CREATE TABLE tables (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        area_id TEXT NOT NULL REFERENCES areas (id),
        name TEXT NOT NULL,
        max_covers INTEGER NOT NULL,
        UNIQUE (area_id, name)
    )
    """,
    """
    CREATE TABLE waiters (
        waiter_id TEXT NOT NULL,
        table_id TEXT NOT NULL REFERENCES tables (id),
        PRIMARY KEY (waiter_id, table_id)
    )
    """,
    """
    CREATE TABLE products (
        plu TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        price INTEGER NOT NULL
    )
    """,
    # Orders and their payments. Amounts are in minor units.
    """
    CREATE TABLE orders (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        dojo_order_id TEXT UNIQUE,
        status TEXT NOT NULL,
        total INTEGER NOT NULL,
        display_name TEXT NOT NULL,
        table_id TEXT REFERENCES tables (id),
        waiter_id TEXT,
        party_id TEXT,
        reservation_id TEXT,
        open_at_till INTEGER NOT NULL DEFAULT 0,
        lock_id TEXT,
        lock_expiry TEXT,
        updated_at TEXT NOT NULL,
        document TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE payments (
        number INTEGER PRIMARY KEY,
        order_id TEXT NOT NULL REFERENCES orders (id),
        payment_intent_id TEXT, -- none: cash
        paid INTEGER NOT NULL,
        tips INTEGER NOT NULL,
        UNIQUE (order_id, payment_intent_id)
    )
    """,
    """
    CREATE TABLE payment_intents (
        id TEXT PRIMARY KEY,
        status TEXT NOT NULL
    )
    """,
    "CREATE INDEX payments_of_an_intent ON payments (payment_intent_id)",
    # A payment whose money went back is none any more. Its row stays: it was booked once.
    """
    CREATE VIEW returned_intents AS
    SELECT id FROM payment_intents WHERE status IN ('Canceled', 'Reversed', 'Refunded')
    """,
    """
    CREATE VIEW valid_payments AS
    SELECT * FROM payments WHERE NOT EXISTS (
        SELECT 1 FROM returned_intents WHERE returned_intents.id = payments.payment_intent_id
    )
    """,
    # Who may pay, and how much is paid already: said once, for every search and every answer.
    """
    CREATE VIEW open_books AS
    SELECT *,
           NOT open_at_till AND status NOT IN ('Finalized', 'Canceled') AND paid < total AS payable
    FROM (
        SELECT orders.*,
               (SELECT COALESCE(SUM(paid), 0) FROM valid_payments WHERE order_id = orders.id)
                   AS paid,
               (SELECT COALESCE(SUM(tips), 0) FROM valid_payments WHERE order_id = orders.id)
                   AS tips
        FROM orders
    )
    """,
    # Guests.
    """
    CREATE TABLE reservations (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        dojo_reservation_id TEXT UNIQUE,
        start_time TEXT NOT NULL,
        end_time TEXT NOT NULL,
        document TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE reserved_tables (
        reservation_id TEXT NOT NULL REFERENCES reservations (id) ON DELETE CASCADE,
        table_id TEXT NOT NULL REFERENCES tables (id),
        PRIMARY KEY (reservation_id, table_id)
    )
    """,
    """
    CREATE TABLE parties (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        dojo_party_id TEXT UNIQUE,
        end_time TEXT, -- none: they are still here
        document TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE party_tables (
        party_id TEXT NOT NULL REFERENCES parties (id) ON DELETE CASCADE,
        table_id TEXT NOT NULL REFERENCES tables (id),
        PRIMARY KEY (party_id, table_id)
    )
    """,
    # Events that were handled: Dojo may send each more than once.
    "CREATE TABLE events (id TEXT PRIMARY KEY)",
)
