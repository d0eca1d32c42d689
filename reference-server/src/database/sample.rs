//! A little data to try queries on.

use rusqlite::Connection;

/// Makes the sample tables, all or none of them.
pub fn seed(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch(
        "BEGIN;
        CREATE TABLE products (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            price REAL NOT NULL CHECK (price >= 0),
            stock INTEGER NOT NULL DEFAULT 0
        );
        CREATE TABLE orders (
            id INTEGER PRIMARY KEY,
            product INTEGER NOT NULL REFERENCES products (id),
            quantity INTEGER NOT NULL CHECK (quantity > 0),
            ordered_on TEXT NOT NULL
        );
        INSERT INTO products VALUES
            (1, 'Lantern', 24.5, 40), (2, 'Rope', 12.0, 100), (3, 'Compass', 31.25, 15), (4, 'Map', 8.0, 0);
        INSERT INTO orders VALUES
            (1, 1, 2, '2026-01-05'), (2, 3, 1, '2026-01-09'), (3, 2, 5, '2026-02-11'), (4, 1, 1, '2026-02-12');
        COMMIT;",
    )
}
