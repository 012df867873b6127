-- name: get-order(order_id)^
-- http: GET /orders/{order_id}
-- One order.
-- Its ETag says which version it is.
-- :order_id bigint
select id, account, reference, contract_id, side, price, quantity, filled, state, placed_at, cancelled_at,
       xmin::text as _etag
from orders
where id = :order_id;

-- name: create-order(account, reference, contract_id, side, price, quantity)<!
-- http: POST /orders
-- Place an order.
-- 409 when the market is not open, when there is no such contract,
-- or when the account has used the reference before, so a client can safely send it again.
-- 422 when price or quantity is out of range.
-- :account     text check ~ '^[a-z][a-z0-9_]*$' max 40
-- :reference   text default null max 60 -- your own id of the order
-- :contract_id int
-- :side        text check in ('buy', 'sell')
-- :price       numeric check 0.01..99.99 -- per unit, in hundredths
-- :quantity    int     check 1..1000000  -- units
insert into orders (account, reference, contract_id, side, price, quantity)
values (:account, :reference, :contract_id, :side::side, :price, :quantity)
returning id, account, reference, contract_id, side, price, quantity, filled, state, placed_at,
          '/orders/' || id as _location;

-- name: amend-order(price, quantity, order_id)<!
-- http: PATCH /orders/{order_id}
-- Change price or quantity of an open order.
-- What the body leaves out stays as it is. 404 when the order is filled, cancelled or unknown,
-- 409 when the market is not open, 422 when less is wanted than has traded,
-- 412 when If-Match names another version than there is.
-- :order_id bigint
-- :price    numeric default null check 0.01..99.99
-- :quantity int     default null check 1..1000000 -- units in all, those already traded included
select xmin::text as _etag
from orders
where id = :order_id
for update;
update orders
set price = coalesce(:price, price), quantity = coalesce(:quantity, quantity)
where id = :order_id and state = 'open'
returning id, account, reference, contract_id, side, price, quantity, filled, state, placed_at,
          xmin::text as _etag;

-- name: cancel-order(order_id)!
-- http: DELETE /orders/{order_id}
-- Cancel an open order.
-- 404 when the order is filled, cancelled or unknown.
-- :order_id bigint
update orders
set cancelled_at = now()
where id = :order_id and state = 'open';
