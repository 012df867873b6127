-- name: put-note!
-- Write a note.
-- tags: things
-- returns: 202
-- :id bigint
-- :body text max 400
update things set note = :body where id = :id;
