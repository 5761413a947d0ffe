-- name: CreateCustomer :one
INSERT INTO customers (email, name, phone, born, score, balance, last_seen, city)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
RETURNING *;

-- name: CreateOrder :one
INSERT INTO orders (customer_id, item, code, price, quantity, placed_at, status)
VALUES (?, ?, ?, ?, ?, ?, ?)
RETURNING id, code, price;

-- name: UpsertCustomer :one
INSERT INTO customers (email, name, score) VALUES (@email, @name, @score)
ON CONFLICT (email) DO UPDATE SET name = excluded.name, score = excluded.score
RETURNING id, email, name, score;

-- name: GetCustomer :one
SELECT * FROM customers WHERE id = ?;

-- name: CustomerByEmail :one
SELECT * FROM customers WHERE email = ? LIMIT 1;

-- name: CustomerForUpdate :one
SELECT id, name, balance FROM customers WHERE email = ?;

-- name: ListCustomers :many
SELECT * FROM customers ORDER BY id LIMIT ? OFFSET ?;

-- name: CustomersNamed :many
SELECT id, name FROM customers WHERE name IN (sqlc.slice(names)) ORDER BY id;

-- name: CustomersScored :many
SELECT id, score FROM customers WHERE score IN (sqlc.slice(scores)) AND visits >= sqlc.arg(visits) ORDER BY id;

-- name: SearchCustomers :many
SELECT id, name, score, born FROM customers
WHERE (sqlc.narg(name) IS NULL OR name = sqlc.narg(name))
  AND (sqlc.narg(score) IS NULL OR score = sqlc.narg(score))
ORDER BY id;

-- name: CustomersBornOn :many
SELECT email, name FROM customers WHERE born = sqlc.arg(day) AND visits >= sqlc.arg(visits);

-- name: OrdersWithCustomers :many
SELECT sqlc.embed(o), sqlc.embed(c) FROM orders o JOIN customers c ON c.id = o.customer_id
WHERE o.item = @item OR c.name = @name ORDER BY o.id;

-- name: CustomersWithoutOrders :many
SELECT name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.price = ?) ORDER BY id;

-- name: Buyers :many
WITH bought AS (SELECT customer_id, item, placed_at FROM orders WHERE status = @status AND item = @item)
SELECT c.name, b.item, b.placed_at FROM bought b JOIN customers c ON c.id = b.customer_id ORDER BY c.id;

-- name: StatusReport :many
SELECT status, COUNT(*) AS orders, COUNT(code) AS codes FROM orders GROUP BY status ORDER BY status;

-- name: NameReport :many
SELECT name, COUNT(*) AS n FROM customers GROUP BY name HAVING COUNT(*) >= 1 ORDER BY MIN(id);

-- name: CountBornOn :one
SELECT COUNT(*) FROM customers WHERE born = ?;

-- name: HasCode :one
SELECT EXISTS (SELECT 1 FROM orders WHERE code = ?);

-- name: PatchCustomer :one
UPDATE customers SET name = COALESCE(sqlc.narg(name), name), phone = COALESCE(sqlc.narg(phone), phone), city = COALESCE(sqlc.narg(city), city)
WHERE id = @id
RETURNING id, name, phone, city;

-- name: SetBalance :execrows
UPDATE customers SET balance = CASE WHEN @set_balance THEN @balance ELSE balance END, visits = visits + 1 WHERE email = @email;

-- name: TouchCustomer :execresult
UPDATE customers SET last_seen = ? WHERE phone = ? AND deleted_at IS NULL;

-- name: DeleteOrders :execrows
DELETE FROM orders WHERE code = ?;

-- name: DeleteOrdersOf :many
DELETE FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE email = ?) RETURNING item, price;

-- name: CustomersByName :many
SELECT id, name FROM customers ORDER BY name;

-- name: CustomersLike :many
SELECT id, name FROM customers WHERE name LIKE ?;

-- name: Revenue :one
SELECT CAST(SUM(price) AS TEXT) FROM orders;
