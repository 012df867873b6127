-- One thing in all its life: what is written, what is told of it, and which version it is.

-- name: list-things
-- http: GET /things
-- List things, by their names.
-- page: keyset name -> after, id -> after_id
-- cache: private, max-age=1
-- :mood mood default null
-- :tag text[] default '{}' -- all of these
-- :after text default ''
-- :after_id bigint default 0
-- :limit int default 10 check 1..50
select id, name, mood, price, tags, changed_at, count(*) over () as _total
from things
where (:mood is null or mood = :mood) and tags @> :tag and (name, id) > (:after, :after_id)
order by name, id
limit :limit;

-- name: get-thing^
-- http: GET /things/{id}
-- One thing.
-- cache: private, no-cache
-- :id bigint
select id, name, owner, mood, price, tags, parent, note, changed_at, xmin::text as _etag from things where id = :id;

-- name: create-thing<!
-- http: POST /things
-- Add a thing.
-- The same name is 409, and so is a parent that there is not.
-- :name text max 80
-- :mood mood default 'so, so'
-- :price numeric default null check 0..99999999.99
-- :tags text[] default '{}' max 20
-- :parent bigint default null
-- :note text default null max 400
insert into things (name, mood, price, tags, parent, note)
values (:name, :mood, :price, :tags, :parent, :note)
returning id, name, mood, price, tags, parent, note, '/things/' || id as _location, xmin::text as _etag;

-- name: put-thing<!
-- http: PUT /things/{id}/name
-- Give a thing its name, and make it if there is none.
-- :id bigint
-- :name text max 80
select xmin::text as _etag from things where id = :id for update;
insert into things (id, name) overriding system value values (:id, :name)
on conflict (id) do update set name = excluded.name
returning id, name, xmin::text as _etag, case when xmax = 0 then 201 else 200 end as _status;

-- name: change-thing<!
-- http: PATCH /things/{id}
-- Change what the body has.
-- :id bigint
-- :price numeric default null check 0..99999999.99
-- :note text default null max 400
update things
set price = coalesce(:price, price), note = coalesce(:note, note), changed_at = now()
where id = :id
returning id, name, price, note, changed_at;

-- name: delete-thing!
-- http: DELETE /things/{id}
-- Forget a thing.
-- :id bigint
-- :only_if text in query default null max 80 -- its name
delete from things where id = :id and (:only_if is null or name = :only_if);

-- name: add-things*!
-- http: POST /things/bulk
-- Add many things, or none.
-- :name text max 80
-- :note text default null max 400
-- :owner text in query default null max 40
insert into things (name, note, owner) values (:name, :note, :owner);

-- name: count-things$
-- http: GET /things/count
-- How many things there are.
select count(*) from things;

-- name: move-things^
-- http: POST /things/move
-- Have things another parent.
-- timeout: 5s
-- concurrency: 4
-- tx: serializable retry 5
-- :from bigint
-- :to bigint default null
select count(*) as before from things where parent = :from;
update things set parent = :to where parent = :from;
select count(*) as now from things where parent = :to;

-- name: touch-things!
-- http: POST /things/touch
-- Nothing is told of it.
update things set changed_at = now() where id < 3;

-- name: old-things
-- http: GET /old-things
-- List things as it was.
-- deprecated: ask /things
-- tx: repeatable read, read only
-- concurrency: 8
select id, name as "the name", note from things order by id limit 5;
