--- limits
select id from book order by id limit :limit offset :offset
-- by hand
select id from book order by id limit $1 offset $2

--- limits in other words
select id from book offset :o rows fetch first :n rows only
-- by hand
select id from book offset $1 rows fetch first $2 rows only

--- a limit that is an expression
select id from book order by price limit :n::int + 1 offset (:page - 1) * :n
-- by hand
select id from book order by price limit $1::int + 1 offset ($2 - 1) * $1

--- lists
select id from book where id in (:a, :b,:c) and title not in (:t,'x')
-- by hand
select id from book where id in ($1, $2,$3) and title not in ($4,'x')

--- any and all
select id from book where id = any(:ids) and title <> all (:titles) and :t = any(tags) and id = some (array[:a]::int[])
-- by hand
select id from book where id = any($1) and title <> all ($2) and $3 = any(tags) and id = some (array[$4]::int[])

--- optional filters
select id from book where (:t::text is null or title = :t) and id > coalesce(:before, 0)
-- by hand
select id from book where ($1::text is null or title = $1) and id > coalesce($2, 0)

--- intervals
select now() - interval '1 day' * :n, now() - :i::interval, make_interval(days => :d), interval '1' day
-- by hand
select now() - interval '1 day' * $1, now() - $2::interval, make_interval(days => $3), interval '1' day

--- fields of times
select extract(epoch from :t::timestamptz), extract('year' from sold_at), date_part(:f, sold_at), date_trunc(:f, sold_at) from book
-- by hand
select extract(epoch from $1::timestamptz), extract('year' from sold_at), date_part($2, sold_at), date_trunc($2, sold_at) from book

--- time zones
select sold_at at time zone :zone, :t::timestamp at time zone 'UTC' at time zone :zone from book
-- by hand
select sold_at at time zone $1, $2::timestamp at time zone 'UTC' at time zone $1 from book

--- functions with words inside
select overlay(:a::text placing :b from :i for :j), position(:a in :b), substring(:a from :i for :j), trim(both :c from :a)
-- by hand
select overlay($1::text placing $2 from $3 for $4), position($1 in $2), substring($1 from $3 for $4), trim(both $5 from $1)

--- substrings by pattern
select substring(:a::text from :p), substring(:a similar :p escape '\'), trim(leading from :a), trim(trailing :c from title) from book
-- by hand
select substring($1::text from $2), substring($1 similar $2 escape '\'), trim(leading from $1), trim(trailing $3 from title) from book

--- casts in words
select cast(:x as int), cast(:y as text[]), cast(:z as timestamp(3) with time zone)
-- by hand
select cast($1 as int), cast($2 as text[]), cast($3 as timestamp(3) with time zone)

--- collations
select title collate "C" < :x, :x collate "POSIX", title = :x collate pg_catalog."default" from book order by title collate "C"
-- by hand
select title collate "C" < $1, $1 collate "POSIX", title = $1 collate pg_catalog."default" from book order by title collate "C"

--- cases
select case when :x::int > 1 then :a else 'b:y' end, case :x when 1 then :b::int when :y then 2 end
-- by hand
select case when $1::int > 1 then $2 else 'b:y' end, case $1 when 1 then $3::int when $4 then 2 end

--- with
with a as (select :x::int as n), b (m) as materialized (select n + :y from a) select n, m, :x from a, b
-- by hand
with a as (select $1::int as n), b (m) as materialized (select n + $2 from a) select n, m, $1 from a, b

--- with recursive
with recursive t (n) as (select :first::int union all select n + :step from t where n < :last) select n from t
-- by hand
with recursive t (n) as (select $1::int union all select n + $2 from t where n < $3) select n from t

--- with recursive that searches
with recursive t (n) as (select :first::int union all select n + 1 from t where n < :last) search depth first by n set o cycle n set c to 'y:y' default 'n' using p select n, c from t order by o
-- by hand
with recursive t (n) as (select $1::int union all select n + 1 from t where n < $2) search depth first by n set o cycle n set c to 'y:y' default 'n' using p select n, c from t order by o

--- windows
select sum(price) over (partition by title order by id rows between :n preceding and current row), lag(id, :m) over w from book window w as (order by id)
-- by hand
select sum(price) over (partition by title order by id rows between $1 preceding and current row), lag(id, $2) over w from book window w as (order by id)

--- aggregates
select count(*) filter (where price > :p), string_agg(title, :sep order by id desc), percentile_cont(:f) within group (order by price) from book
-- by hand
select count(*) filter (where price > $1), string_agg(title, $2 order by id desc), percentile_cont($3) within group (order by price) from book

--- groups of several kinds
select title, id, sum(price) from book where id > :x group by grouping sets ((title), (id), ()), cube (title, id) having sum(price) > :y
-- by hand
select title, id, sum(price) from book where id > $1 group by grouping sets ((title), (id), ()), cube (title, id) having sum(price) > $2

--- lateral
select b.id, s.n from book as b cross join lateral (select b.id + :x as n limit :n) as s left join lateral generate_series(1, :m) as g on true
-- by hand
select b.id, s.n from book as b cross join lateral (select b.id + $1 as n limit $2) as s left join lateral generate_series(1, $3) as g on true

--- values
values (:a::int, :b::text), (2, ':y')
-- by hand
values ($1::int, $2::text), (2, ':y')

--- values as a table
select t.n, t.s from (values (1, :b), (:a::int, 'x')) as t (n, s) where t.n = :a
-- by hand
select t.n, t.s from (values (1, $1), ($2::int, 'x')) as t (n, s) where t.n = $2

--- lists as tables
select i, x, o from unnest(:ids::int[], :texts::text[]) with ordinality as t (i, x, o)
-- by hand
select i, x, o from unnest($1::int[], $2::text[]) with ordinality as t (i, x, o)

--- objects as tables
select a, b from jsonb_to_recordset(:rows) as t (a int, b text) where a = :x
-- by hand
select a, b from jsonb_to_recordset($1) as t (a int, b text) where a = $2

--- functions side by side
select * from rows from (generate_series(1, :n), unnest(:x::text[])) as t (a, b)
-- by hand
select * from rows from (generate_series(1, $1), unnest($2::text[])) as t (a, b)

--- samples
select id from book tablesample bernoulli (:percent) repeatable (:seed)
-- by hand
select id from book tablesample bernoulli ($1) repeatable ($2)

--- sets
(select id from book where id < :x limit 1) union all (select :y::int) except select id from sale where id = :x
-- by hand
(select id from book where id < $1 limit 1) union all (select $2::int) except select id from sale where id = $1

--- distinct
select distinct on (title) title, id + :n from book where id > :x order by title, price desc nulls last
-- by hand
select distinct on (title) title, id + $1 from book where id > $2 order by title, price desc nulls last

--- joins
select b.id from book as b left join sale as s on s.book_id = b.id and s.quantity > :q cross join (select :id::int as id) as n where exists (select from sale where note = :note)
-- by hand
select b.id from book as b left join sale as s on s.book_id = b.id and s.quantity > $1 cross join (select $2::int as id) as n where exists (select from sale where note = $3)

--- objects and lists
select jsonb_build_object(:k::text, :v::int, 'a:y', array[:v]), row_to_json(row(:v)), to_jsonb(:t::text)
-- by hand
select jsonb_build_object($1::text, $2::int, 'a:y', array[$2]), row_to_json(row($2)), to_jsonb($3::text)

--- a list of arguments
select concat(variadic :x::text[]), format('%s:%s', variadic array[:a, :b]), num_nulls(:a, :b)
-- by hand
select concat(variadic $1::text[]), format('%s:%s', variadic array[$2, $3]), num_nulls($2, $3)

--- subqueries
select (select max(id) from book where title = :t), array(select id from book where id > :x), :x in (select id from sale)
-- by hand
select (select max(id) from book where title = $1), array(select id from book where id > $2), $2 in (select id from sale)

--- no columns
select from book where id = :id
-- by hand
select from book where id = $1

--- a table by its name
table sale limit :n
-- by hand
table sale limit $1

--- since 16: tests of objects
select :x is json object, :x::text is not json scalar
-- by hand
select $1 is json object, $1::text is not json scalar
