-- The shop as the application declares it: logical types, nothing of encryption.
CREATE TABLE customers (
  id BIGSERIAL PRIMARY KEY, email VARCHAR(120) NOT NULL UNIQUE, name VARCHAR(80) NOT NULL, phone VARCHAR(40), born DATE,
  score INT NOT NULL, balance NUMERIC(10,2), last_seen TIMESTAMPTZ, city VARCHAR(40), visits INT NOT NULL DEFAULT 0,
  created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ, deleted_at TIMESTAMPTZ);

CREATE TABLE orders (
  id BIGSERIAL PRIMARY KEY, customer_id BIGINT NOT NULL REFERENCES customers (id), item VARCHAR(60) NOT NULL, code VARCHAR(20) UNIQUE,
  price NUMERIC(10,2) NOT NULL, quantity INT NOT NULL, placed_at TIMESTAMPTZ NOT NULL, status VARCHAR(20) NOT NULL);
