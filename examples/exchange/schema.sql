-- A small betting exchange: events have markets, markets have contracts,
-- contracts have an order book. The seed is arithmetic: every copy has the same rows.
--
-- A contract pays 100 per unit when it wins and nothing when it loses. Prices
-- lie between, so a price reads as the probability the market gives it.
-- Nothing here matches orders: the API keeps the book, an engine would trade.

create type side as enum ('buy', 'sell');

-- A check instead of numeric(4,2), which would round 41.337 without a word.
create domain price as numeric
  constraint price_check check (value > 0 and value < 100 and value = round(value, 2));

create table events (
  id        int generated always as identity primary key,
  sport     text not null check (sport in ('football', 'tennis', 'politics')),
  name      text not null check (name <> '' and name = trim(name)),
  starts_at timestamptz not null,
  unique (name, starts_at)
);
create index events_starts_at on events (starts_at, id);

create table markets (
  id       int generated always as identity primary key,
  event_id int  not null references events,
  name     text not null check (name <> ''),
  status   text not null default 'open' check (status in ('open', 'suspended', 'settled')),
  unique (event_id, name)
);

create table contracts (
  id        int generated always as identity primary key,
  market_id int  not null references markets,
  slug      text not null check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name      text not null check (name <> ''),
  unique (market_id, slug)
);

create table orders (
  id           bigint generated always as identity primary key,
  account      text  not null check (account ~ '^[a-z][a-z0-9_]*$'),
  reference    text,
  contract_id  int   not null references contracts,
  side         side  not null,
  price        price not null,
  quantity     int   not null check (quantity between 1 and 1000000),
  filled       int   not null default 0 check (filled >= 0),
  placed_at    timestamptz not null default now(),
  cancelled_at timestamptz,
  state        text  not null generated always as (
    case when cancelled_at is not null then 'cancelled'
         when filled = quantity then 'filled'
         else 'open' end) stored,
  constraint orders_not_overfilled check (filled <= quantity),
  unique (account, reference)
);
-- The book is the open orders, a fraction of all once the exchange has run a while.
create index orders_book on orders (contract_id, side, price) where state = 'open';

create table trades (
  id            bigint generated always as identity primary key,
  contract_id   int    not null references contracts,
  buy_order_id  bigint not null references orders,
  sell_order_id bigint not null references orders check (sell_order_id <> buy_order_id),
  price         price  not null,
  quantity      int    not null check (quantity > 0),
  traded_at     timestamptz not null default now()
);
create index trades_by_contract on trades (contract_id, id);

comment on table events is 'Something that happens at a known time and can be bet on';
comment on column events.starts_at is 'Kick-off, first serve or polling day';
comment on table markets is 'A question about an event; its contracts are the answers';
comment on column markets.status is 'Orders are taken while open; suspended can open again, settled cannot';
comment on table contracts is 'One possible answer of a market; pays 100 per unit when it is right';
comment on column contracts.slug is 'Name of the contract in URLs, unique within its market';
comment on table orders is 'An offer to buy or sell units of a contract at a price or better';
comment on column orders.reference is 'The client''s own id of the order, unique per account';
comment on column orders.price is 'Limit price per unit, 0.01 to 99.99';
comment on column orders.filled is 'Units traded so far';
comment on table trades is 'A buy and a sell order that met';

-- PTxyz becomes HTTP status xyz: this rule answers 409.
create function orders_need_open_market() returns trigger language plpgsql as $$
declare
  market record;
begin
  -- "for share" holds off a change of status until this order has committed.
  select m.id, m.status into market
  from contracts c join markets m on m.id = c.market_id
  where c.id = new.contract_id
  for share of m;
  -- No such contract: the status is null, and the foreign key says it better.
  if market.status <> 'open' then
    raise sqlstate 'PT409' using
      message = format('market %s is %s', market.id, market.status),
      detail = 'orders can be placed and amended only while the market is open';
  end if;
  return new;
end $$;

-- Fills and cancellations touch other columns, so they work in any market.
create trigger orders_need_open_market
  before insert or update of price, quantity on orders
  for each row execute function orders_need_open_market();

create function markets_stay_settled() returns trigger language plpgsql as $$
begin
  raise sqlstate 'PT409' using
    message = format('market %s is settled and stays settled', old.id);
end $$;

create trigger markets_stay_settled
  before update of status on markets
  for each row when (old.status = 'settled' and new.status <> 'settled')
  execute function markets_stay_settled();

-- The seed. Ids are handed out in the order of each insert's rows, from 1.

-- 40 events: in each round every name on the left meets one on the right.
insert into events (sport, name, starts_at)
select sport, lefts[i] || ' v ' || rights[1 + (i + round - 1) % cardinality(rights)],
       first_day + make_interval(hours => 7 * 24 * round + 2 * i)
from (values
    ('football', 4, timestamptz '2018-08-11 10:00+00',
     array['Arsenal', 'Burnley', 'Chelsea', 'Everton', 'Leicester City'],
     array['Liverpool', 'Manchester United', 'Newcastle United', 'Tottenham', 'West Ham']),
    ('tennis', 2, timestamptz '2018-08-27 13:00+00',
     array['Cilic', 'Djokovic', 'Federer', 'Murray', 'Nadal', 'Nishikori', 'Wawrinka'],
     array['Anderson', 'Del Potro', 'Dimitrov', 'Goffin', 'Isner', 'Thiem', 'Zverev'])
  ) as draw (sport, rounds, first_day, lefts, rights),
  generate_series(0, rounds - 1) as round, generate_subscripts(lefts, 1) as i
order by sport, round, i;

insert into events (sport, name, starts_at) values
  ('politics', 'Bavarian state election', '2018-10-14 06:00+00'),
  ('politics', 'US midterm elections', '2018-11-06 11:00+00'),
  ('politics', 'European Parliament election', '2019-05-23 06:00+00'),
  ('politics', 'US presidential election', '2020-11-03 11:00+00'),
  ('politics', 'Scottish Parliament election', '2021-05-06 06:00+00'),
  ('politics', 'French presidential election', '2022-04-10 06:00+00');

-- 3 markets per event and their contracts; %1$s and %2$s are the two opponents.
with template (sport, position, market, contracts) as (values
  ('football', 1, 'Match result', array['%1$s', 'Draw', '%2$s']),
  ('football', 2, 'Total goals', array['Under 2.5', 'Over 2.5']),
  ('football', 3, 'Correct score', array['0-0', '1-0', '0-1', '1-1', '2-1', 'Any other']),
  ('tennis', 1, 'Winner', array['%1$s', '%2$s']),
  ('tennis', 2, 'Set betting', array['%1$s 2-0', '%1$s 2-1', '%2$s 2-0', '%2$s 2-1']),
  ('tennis', 3, 'Total games', array['Under 22.5', 'Over 22.5']),
  ('politics', 1, 'Winner', array['Incumbents', 'Main challenger', 'Anybody else']),
  ('politics', 2, 'Turnout', array['Under 50', '50 to 60', '60 to 70', 'Over 70']),
  ('politics', 3, 'Result known within a day', array['Yes', 'No'])
), market as (
  insert into markets (event_id, name)
  select e.id, t.market from events e join template t using (sport)
  order by e.id, t.position
  returning id, event_id, name
)
insert into contracts (market_id, slug, name)
select m.id, regexp_replace(lower(answer), '[^a-z0-9]+', '-', 'g'), answer
from market m
  join events e on e.id = m.event_id
  join template t on t.sport = e.sport and t.market = m.name,
  unnest(t.contracts) with ordinality as c (pattern, position),
  format(pattern, split_part(e.name, ' v ', 1), split_part(e.name, ' v ', 2)) as answer
order by m.id, c.position;

-- 3,000 orders: pair n is a buy and a sell on one contract. The first 500 pairs
-- met at the fair price, some leaving a rest to sell; the others wait around it.
-- Every third pair is on the first 30 contracts: a few books are deep.
with fair as (
  select id,
         round(100.0 * (1 + id * 7 % 5) / sum(1 + id * 7 % 5) over (partition by market_id), 1)::numeric(4, 2) as price
  from contracts
)
insert into orders (account, reference, contract_id, side, price, quantity, filled, placed_at, cancelled_at)
select (array['ada', 'bela', 'carlos', 'dora', 'emil', 'fatima', 'goran'])[1 + (n + 3 * s) % 7],
       format('seed-%s', 2 * n + s - 1), f.id, (array['buy', 'sell'])[1 + s]::side,
       case when n <= 500 then f.price else f.price + (2 * s - 1) * 0.25 * (1 + n % 8) end,
       lot * 3 + case when n <= 500 and s = 1 and n % 5 = 0 then 20 else 0 end,
       case when n <= 500 then lot * 3 else 0 end, placed_at,
       case when n > 500 and n % 13 = 0 then placed_at + interval '1 hour' end
from generate_series(1, 1500) as n
  cross join lateral (select 10 * (1 + n % 17), timestamptz '2018-07-23 08:00+00' + n * interval '2 minutes')
    as pair (lot, placed_at)
  join fair f on f.id = 1 + case n % 3 when 0 then n / 3 * 7 % 30 else n * 37 % (select max(id) from fair) end
  cross join generate_series(0, 1) as s
order by n, s;

-- 1,500 trades: each of those 500 pairs traded in three parts.
insert into trades (contract_id, buy_order_id, sell_order_id, price, quantity, traded_at)
select b.contract_id, b.id, b.id + 1, b.price, b.filled / 3, b.placed_at + part * interval '20 seconds'
from generate_series(1, 999, 2) as n join orders b on b.id = n, generate_series(1, 3) as part
order by b.id, part;

-- Last, because the trigger above takes no orders once a market is closed.
update markets set status = case when id % 12 = 0 then 'settled' else 'suspended' end
where id % 12 = 0 or id % 12 = 7;
analyze events, markets, contracts, orders, trades;
