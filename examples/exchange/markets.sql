-- name: get-market(market_id)^
-- http: GET /markets/{market_id}
-- One market with its event and its contracts.
-- :market_id int
select m.id, m.name, m.status, m.event_id, e.name as event, e.starts_at,
       (select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'slug', c.slug, 'name', c.name)
                                  order by c.id), '[]')
        from contracts c
        where c.market_id = m.id) as contracts
from markets m join events e on e.id = m.event_id
where m.id = :market_id;

-- name: market-prices(market_id, side)
-- http: GET /markets/{market_id}/prices
-- Best price and depth on each side of the books of one market.
-- Best is the highest price to buy and the lowest to sell. Depth is the units still
-- wanted at all prices. A side without open orders has no row.
-- :market_id int
-- :side text default null check in ('buy', 'sell')
select c.id as contract_id, c.name as contract, o.side,
       case o.side when 'buy' then max(o.price) else min(o.price) end as best_price,
       sum(o.quantity - o.filled) as depth,
       count(*) as orders
from contracts c join orders o on o.contract_id = c.id
where c.market_id = :market_id
  and o.state = 'open' -- as the index orders_book has it
  and (:side is null or o.side = :side::side)
group by c.id, o.side
order by c.id, o.side;

-- name: market-volume(market_id)$
-- http: GET /markets/{market_id}/volume
-- Units traded in one market so far.
-- 0 when nothing has been traded, 404 for an unknown market.
-- :market_id int
select coalesce(sum(t.quantity), 0) as volume
from markets m
  left join contracts c on c.market_id = m.id -- outer, so that a market without trades has a row
  left join trades t on t.contract_id = c.id
where m.id = :market_id
group by m.id;

-- name: set-market-status(status, market_id)<!
-- http: PUT /markets/{market_id}/status
-- Open, suspend or settle a market.
-- A settled market cannot be opened again, which is 409.
-- :market_id int
-- :status text check in ('open', 'suspended', 'settled')
update markets
set status = :status
where id = :market_id
returning id, name, status;

-- name: put-contract(market_id, slug, name)<!
-- http: PUT /markets/{market_id}/contracts/{slug}
-- Add a contract to a market, or rename it.
-- 201 when it is new, 200 when it was there. An unknown market is 409.
-- :market_id int
-- :slug text check ~ '^[a-z0-9]+(-[a-z0-9]+)*$' max 60
-- :name text check ~ '.' max 100
insert into contracts (market_id, slug, name)
values (:market_id, :slug, :name)
on conflict (market_id, slug) do update set name = excluded.name
returning id, market_id, slug, name,
          case when xmax = 0 -- so it is in a row just inserted, not in one updated
               then 201 else 200 end as _status;
