-- name: list-trades(contract_id, before, since, limit)
-- http: GET /contracts/{contract_id}/trades
-- Trades of one contract, newest first.
-- page: keyset id -> before
-- :contract_id int
-- :before bigint      default null             -- only trades with a lower id
-- :since  timestamptz default null             -- only trades at this time or later
-- :limit  int         default 20 check 1..100
select id, price, quantity, traded_at
from trades
where contract_id = :contract_id
  and id < coalesce(:before, 9223372036854775807) -- an index condition, which an or is not
  and (:since is null or traded_at >= :since)
order by id desc
limit :limit;
