-- Every type that peppercorn knows, in a table: one row full, one empty.

create extension if not exists citext;
create type mood as enum ('sad', 'so, so', 'say "ok"');
create domain small as int constraint small_check check (value < 100);
create domain code as varchar(8) check (value ~ '^[A-Z]+$');
create domain moods as mood[];
create type size as (width int, height numeric, "in colour" boolean);
create type parcel as (name text, size size, sides int[]);
create type span as range (subtype = float8);

create table every (
  id int primary key,
  bool bool, int2 int2, int4 int4, int8 int8, oid oid, float4 float4, float8 float8, "numeric" numeric, decimal numeric(10, 2),
  text text, varchar varchar(80), bpchar char(3), name name, xml xml, char "char", citext citext,
  uuid uuid, date date, time time, timetz timetz, timestamp timestamp, timestamptz timestamptz, "interval" interval,
  bytea bytea, json json, jsonb jsonb,
  inet inet, cidr cidr, macaddr macaddr, macaddr8 macaddr8, bit bit(3), varbit varbit(8), pg_lsn pg_lsn,
  mood mood, small small, code code, size size, parcel parcel,
  int4range int4range, numrange numrange, tstzrange tstzrange, span span, int8multirange int8multirange,
  ints int[], texts text[], floats float8[], numerics numeric[], flags bool[], uuids uuid[], times timestamptz[],
  documents jsonb[], blobs bytea[], moods moods, smalls small[], sizes size[], ranges daterange[]
);
comment on column every.bool is 'Yes or no';
comment on column every.json is 'As it was written';
insert into every (id) values (2);
insert into every values (
  1,
  true, -32768, 2147483647, -9223372036854775808, 4294967295, 1.5, -1e-300, 1.10, 12345678.90,
  E'é "quoted" \\ \n 😀', 'up to 80', 'ab', 'a_name', '<a b="c">d</a>', 'x', 'CiText',
  'b0a1c2d3-0000-4000-8000-00000000000f', '2018-07-23', '12:34:56.789', '12:34:56+02', '2018-07-23 12:34:56.789',
  '2018-07-23 12:34:56.789+02', '1 year 2 days 03:04:05.6',
  '\x00ff', '{"a" : [1, 2.50, null]}', '{"a": [1, 2.50, null]}',
  '192.168.0.1/24', '10.1.0.0/16', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '101', '10110', '16/B374D848',
  'so, so', 42, 'ABC', '(1,2.50,t)', '("a ""box""","(3,,f)","{1,2,3,NULL}")',
  '[1,10)', '(,1.5]', '["2018-07-23 00:00+00",)', '[0.5,1.5)', '{[1,3),[5,7)}',
  '{1,NULL,3}', '{a,"b,c",NULL}', '{1.5}', '{1.10}', '{t,f}', '{b0a1c2d3-0000-4000-8000-00000000000f}',
  '{2018-07-23 12:34:56+00}',
  array['{"a": 1}', '"text"', 'null']::jsonb[], '{"\\x00"}', '{sad,"say \"ok\""}', '{1,99}', '{"(1,2,f)",NULL}', '{"[2018-07-23,2018-07-30)"}'
);

create table things (
  id bigint generated always as identity primary key,
  name text not null unique check (name <> ''),
  owner text,
  mood mood not null default 'so, so',
  price numeric(10, 2) constraint price_positive check (price >= 0),
  tags text[] not null default '{}',
  parent bigint references things on delete set null,
  photo bytea,
  note text,
  changed_at timestamptz not null default now()
);
comment on table things is 'What is bought and sold';
comment on column things.price is 'Of one, without tax';
insert into things (name, price, tags, photo, note) values
  ('first', 1.50, '{a,b}', '\x89504e47', 'a note'), ('second', null, '{}', null, null), ('third', 0, '{c}', null, '');
insert into things (name) select 'thing ' || n from generate_series(4, 60) as n;
