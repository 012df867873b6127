-- What an answer can be made as.

-- name: things-as-csv
-- http: GET /media/things.csv
-- Things for a spreadsheet.
-- returns: text/csv
-- tags: media
select id, name, note from things order by id limit 5;

-- name: things-as-lines
-- http: GET /media/things.ndjson
-- Things, one a line.
-- returns: application/x-ndjson
-- tags: media
select id, name, tags from things order by id limit 5;

-- name: page$
-- http: GET /media/page
-- A page.
-- returns: text/html
-- tags: media
-- auth: public
-- :title text default 'everything' max 80
select '<h1>' || :title || '</h1>';

-- name: place$
-- http: GET /media/place
-- A point on a map.
-- returns: application/geo+json
-- tags: media
select json_build_object('type', 'Point', 'coordinates', json_build_array(1.5, 2));

-- name: document^
-- http: POST /media/document
-- Any JSON at all, as the body is.
-- returns: 200 application/vnd.every+json
-- tags: media
-- :body jsonb
-- :indent int default 0 check 0..8
select :body as document, jsonb_typeof(:body) as kind, :indent as indent;

-- name: numbers$
-- http: POST /media/numbers
-- The sum of a list that the body is.
-- tags: media
-- :body int[] check 0..1000
select coalesce(sum(n), 0) from unnest(:body) as n;

-- name: text$
-- http: PUT /media/text
-- A text as it is, backwards.
-- returns: 200 text/plain
-- tags: media
-- :body text max 100
select reverse(:body);
