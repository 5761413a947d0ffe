-- The shop as the application declares it: logical types, nothing of encryption.
CREATE TABLE customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT, email VARCHAR(120) NOT NULL UNIQUE, name VARCHAR(80) NOT NULL, phone VARCHAR(40), born DATE,
  score INT NOT NULL, balance NUMERIC(10,2), last_seen DATETIME, city VARCHAR(40), visits INT NOT NULL DEFAULT 0,
  created_at DATETIME, updated_at DATETIME, deleted_at DATETIME);

CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL REFERENCES customers (id), item VARCHAR(60) NOT NULL, code VARCHAR(20) UNIQUE,
  price NUMERIC(10,2) NOT NULL, quantity INT NOT NULL, placed_at DATETIME NOT NULL, status VARCHAR(20) NOT NULL);
