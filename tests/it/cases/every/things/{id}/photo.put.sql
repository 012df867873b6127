-- name: put-photo!
-- Put a photo in its place.
-- tags: things
-- :id bigint
-- :body bytea
update things set photo = :body where id = :id;
