-- Where parameters are read, and who may ask.

-- name: every-place^
-- http: PUT /places/{first}/{second}
-- A parameter in each place.
-- tags: places
-- :first text max 40
-- :second int in path check 1..1000
-- :dry_run bool in query default false
-- :many int[] in query default '{}' check 0..9
-- :key uuid in header Idempotency-Key default null
-- :language text in header Accept-Language default 'en' check ~ '^[a-z]{2}$'
-- :subject text in claim sub default 'nobody'
-- :text text in body max 80 -- what it is about
select :first as first, :second as second, :dry_run as dry_run, :many as many, :key as key, :language as language,
  :subject as subject, :text as text;

-- name: header^
-- http: GET /places/header
-- A header that must be there.
-- tags: places
-- :count int in header X-Count check 1..9
select :count as count;

-- name: whose^
-- http: GET /places/whose
-- Who asks, as PostgreSQL sees it.
-- auth: scope things:read
-- tags: places
-- :subject text in claim sub
select :subject as subject, current_setting('request.jwt.claims', true)::json ->> 'scope' as scope;

-- name: write-scope!
-- http: DELETE /places/{id}
-- For those who may write.
-- auth: scope things:read things:write
-- tags: places
-- :id int check 1..9
select from things where id = :id;

-- name: status^
-- http: GET /places/status
-- A status that the row says.
-- tags: places
-- :wanted int default 200 check in (200, 202, 203)
select :wanted as wanted, :wanted as _status;
