-- What every server of the comparison serves: the contracts of 1,000 markets and their trades. The seed is arithmetic:
-- every copy has the same rows. Types are those that every driver knows, so that none is measured by its decimals.

create table contracts (
  id         int         primary key,
  market_id  int         not null,
  name       text        not null,
  price      int         not null, -- hundredths
  volume     bigint      not null, -- units
  open       boolean     not null,
  updated_at timestamptz not null
);

create table trades (
  id          bigint      generated always as identity primary key,
  contract_id int         not null references contracts,
  price       int         not null, -- hundredths
  quantity    int         not null, -- units
  traded_at   timestamptz not null default now()
);

insert into contracts
select i, (i + 9) / 10, 'Contract ' || i, 100 + i * 7 % 9800, i * 131::bigint % 100000, i % 5 <> 0,
       timestamptz '2018-07-23 09:00:00+00' + i * interval '7 seconds'
from generate_series(1, 10000) i;

insert into trades (contract_id, price, quantity, traded_at)
select 1 + i % 10000, 100 + i * 13 % 9800, 1 + i * 17 % 500,
       timestamptz '2018-07-24 09:00:00+00' + i * interval '1 second'
from generate_series(1, 40000) i;

create index contracts_market on contracts (market_id);
create index trades_contract on trades (contract_id);

analyze contracts;
analyze trades;
