-- Columns and parameters of every type.

-- name: every-type
-- http: GET /types
-- Each type as a column, once full and once null.
-- tags: types
select * from every order by id;

-- name: every-type-of-one^
-- http: GET /types/{id}
-- Each type as a column.
-- tags: types
-- :id int -- 1 or 2
select * from every where id = :id;

-- name: nothing$
-- http: GET /types/void
-- The result of a function that has none.
-- tags: types
select pg_sleep(0);

-- name: echo-query^
-- http: GET /echo
-- Each type as a parameter of the query.
-- tags: types, echo
-- :bool bool default null
-- :int2 smallint default null
-- :int4 int default null check 1..100
-- :int8 bigint default null -- as large as they get
-- :oid oid default null
-- :float4 real default null check -1000..1000
-- :float8 double precision default null check 0..1
-- :numeric numeric default null check -99.99..99.99
-- :text text default null max 80
-- :varchar varchar default null check ~ '^[a-z0-9 ]*$'
-- :bpchar char(3) default null max 3
-- :name name default null max 30
-- :citext citext default null
-- :char "char" default null check in ('a', 'b')
-- :xml xml default null
-- :uuid uuid default null
-- :date date default null
-- :time time default null
-- :timetz timetz default null
-- :timestamp timestamp default null
-- :timestamptz timestamptz default null
-- :interval interval default null check ~ '^P[0-9]{1,4}[YMD]$'
-- :bytea bytea default null
-- :json json default null
-- :jsonb jsonb default null
-- :inet inet default null
-- :cidr cidr default null
-- :macaddr macaddr default null
-- :macaddr8 macaddr8 default null
-- :bit bit(3) default null check ~ '^[01]{3}$'
-- :varbit varbit default null
-- :pg_lsn pg_lsn default null
-- :mood mood default null
-- :small small default null
-- :code code default null max 8
-- :size size default null check ~ '^[(][0-9]{1,3},[0-9]{1,3},[tf][)]$'
-- :int4range int4range default null
-- :numrange numrange default null
-- :tstzrange tstzrange default null
-- :span span default null
-- :int8multirange int8multirange default null
select :bool as bool, :int2 as int2, :int4 as int4, :int8 as int8, :oid as oid, :float4 as float4, :float8 as float8,
  :numeric as "numeric", :text as text, :varchar as varchar, :bpchar as bpchar, :name as name, :citext as citext,
  :char as char, :xml as xml, :uuid as uuid, :date as date, :time as time, :timetz as timetz, :timestamp as timestamp,
  :timestamptz as timestamptz, :interval as interval, :bytea as bytea, :json as json, :jsonb as jsonb, :inet as inet,
  :cidr as cidr, :macaddr as macaddr, :macaddr8 as macaddr8, :bit as bit, :varbit as varbit, :pg_lsn as pg_lsn,
  :mood as mood, :small as small, :code as code, :size as size, :int4range as int4range, :numrange as numrange,
  :tstzrange as tstzrange, :span as span, :int8multirange as int8multirange;

-- name: echo-body^
-- http: POST /echo
-- Each type as a property of the body.
-- tags: types, echo
-- :bool bool
-- :int2 smallint
-- :int4 int check 1..100
-- :int8 bigint
-- :oid oid default '7'
-- :float4 real default 1.5 check -1000..1000
-- :float8 double precision default .5 check 0..1
-- :numeric numeric default 1.10 check -99.99..99.99
-- :text text max 80
-- :varchar varchar default 'a b' check ~ '^[a-z0-9 ]*$'
-- :uuid uuid default null
-- :date date default null
-- :time time default null
-- :timestamp timestamp default null
-- :timestamptz timestamptz default null
-- :interval interval default 'P1D'
-- :bytea bytea default null
-- :json json default null
-- :jsonb jsonb default '{"a": [1, null]}'
-- :inet inet default null
-- :mood mood default 'sad'
-- :small small default null
-- :size size default null check ~ '^[(][0-9]{1,3},[0-9]{1,3},[tf][)]$'
-- :tstzrange tstzrange default null
select :bool as bool, :int2 as int2, :int4 as int4, :int8 as int8, :oid as oid, :float4 as float4, :float8 as float8,
  :numeric as "numeric", :text as text, :varchar as varchar, :uuid as uuid, :date as date, :time as time,
  :timestamp as timestamp, :timestamptz as timestamptz, :interval as interval, :bytea as bytea, :json as json,
  :jsonb as jsonb, :inet as inet, :mood as mood, :small as small, :size as size, :tstzrange as tstzrange;

-- name: echo-lists^
-- http: GET /echo/lists
-- Lists of each type, by repeated keys of the query.
-- tags: types, echo
-- :ints int[] default '{}' check 1..9
-- :texts text[] default null max 20
-- :codes varchar[] default null check ~ '^[a-z]+$'
-- :numerics numeric[] default null check -99.99..99.99
-- :flags bool[] default null
-- :uuids uuid[] default null
-- :times timestamptz[] default null
-- :moods moods default null
-- :smalls small[] default null
-- :blobs bytea[] default null
select :ints as ints, :texts as texts, :codes as codes, :numerics as numerics, :flags as flags, :uuids as uuids,
  :times as times, :moods as moods, :smalls as smalls, :blobs as blobs;

-- name: echo-lists-of-the-body^
-- http: POST /echo/lists
-- Lists of each type, as lists of the body.
-- tags: types, echo
-- :ints int[] check 1..9
-- :texts text[] default '{}' max 20
-- :numerics numeric[] default null check -99.99..99.99
-- :flags bool[] default null
-- :uuids uuid[] default null
-- :times timestamptz[] default null
-- :moods mood[] default null
-- :documents jsonb[] default null
-- :blobs bytea[] default null
select :ints as ints, :texts as texts, :numerics as numerics, :flags as flags, :uuids as uuids, :times as times,
  :moods as moods, :documents as documents, :blobs as blobs;
