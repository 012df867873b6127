-- name: get-contract(contract_id)^
-- http: GET /contracts/{contract_id}
-- One row by its primary key.
-- :contract_id int
select id, market_id, name, price, volume, open, updated_at
from contracts
where id = :contract_id;

-- name: market-volumes(market_id)
-- http: GET /markets/{market_id}/volumes
-- Ten rows, each made of four: what has been traded in one market.
-- :market_id int
select c.id, c.name, sum(t.quantity) as volume, count(*) as trades, max(t.price) as high
from contracts c join trades t on t.contract_id = c.id
where c.market_id = :market_id
group by c.id
order by c.id;

-- name: list-contracts(limit)
-- http: GET /contracts
-- As many rows as are asked for.
-- :limit int default 1000 check 1..10000
select id, market_id, name, price, volume, open, updated_at
from contracts
order by id
limit :limit;

-- name: create-trade(contract_id, price, quantity)<!
-- http: POST /trades
-- One row, in a transaction of its own.
-- :contract_id int
-- :price       int
-- :quantity    int
insert into trades (contract_id, price, quantity)
values (:contract_id, :price, :quantity)
returning id;

-- name: sleep(ms)$
-- http: GET /sleep/{ms}
-- A query that takes its time and no CPU.
-- :ms int
select :ms from pg_sleep(:ms / 1000.0);
