-- name: get-photo$
-- The photo of a thing.
-- returns: image/png
-- tags: things
-- :id bigint
select photo, md5(photo) as _etag from things where id = :id;
