-- name: list-events(sport, since, name, limit)
-- http: GET /events
-- List events, the next to start first.
-- A filter that is left out is null and lets everything through.
-- :sport text        default null check in ('football', 'tennis', 'politics')
-- :since timestamptz default null           -- starting at this time or later
-- :name  text        default null max 80    -- part of the name, upper or lower case
-- :limit int         default 20 check 1..100
select id, sport, name, starts_at
from events
where (:sport is null or sport = :sport)
  and (:since is null or starts_at >= :since)
  and (:name is null or position(lower(:name) in lower(name)) > 0)
order by starts_at, id
limit :limit;

-- name: get-event(event_id)^
-- http: GET /events/{event_id}
-- One event with its markets.
-- cache: public, max-age=10
-- :event_id int
select e.id, e.sport, e.name, e.starts_at,
       (select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'name', m.name, 'status', m.status)
                                  order by m.id), '[]')
        from markets m
        where m.event_id = e.id) as markets
from events e
where e.id = :event_id;

-- name: create-event(sport, name, starts_at)<!
-- http: POST /events
-- Add an event.
-- The same name at the same time is 409.
-- :sport     text check in ('football', 'tennis', 'politics')
-- :name      text check ~ '^[^ ]([^\n]*[^ ])?$' max 200 -- without spaces around it
-- :starts_at timestamptz -- with its offset from UTC
insert into events (sport, name, starts_at)
values (:sport, :name, :starts_at)
returning id, sport, name, starts_at, '/events/' || id as _location;
