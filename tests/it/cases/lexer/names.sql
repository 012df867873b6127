--- a colon in a quoted name
select "a:b" as "c::y", t."a:b" from book as t where id = :id
-- by hand
select "a:b" as "c::y", t."a:b" from book as t where id = $1

--- a doubled quote in a name
select :x::int as "a"":y", :y::text as """"
-- by hand
select $1::int as "a"":y", $2::text as """"

--- what begins other things begins nothing in a name
select 1 as "--", 2 as "/*", 3 as "'", 4 as "$$", 5 as ";", 6 as "\", :x::int as "*/"
-- by hand
select 1 as "--", 2 as "/*", 3 as "'", 4 as "$$", 5 as ";", 6 as "\", $1::int as "*/"

--- a name over lines
select :x::int as "a
:y
-- :y"
-- by hand
select $1::int as "a
:y
-- :y"

--- names by characters' numbers
select U&"d\0061ta :y", u&"d\+000061ta :y" from (select :x::int as "data :y") as t
-- by hand
select U&"d\0061ta :y", u&"d\+000061ta :y" from (select $1::int as "data :y") as t

--- names by characters' numbers, with an escape of one's own
select U&"d*0061ta" uescape '*', U&"d:0061ta" uescape ':' from (select :x::int as data) as t
-- by hand
select U&"d*0061ta" uescape '*', U&"d:0061ta" uescape ':' from (select $1::int as data) as t

--- a doubled quote in a name by numbers
select U&"\0061"":y" from (select :x::int as "a"":y") as t
-- by hand
select U&"\0061"":y" from (select $1::int as "a"":y") as t

--- letters that are not ASCII
select größe + :x, GRößE, t.größe as é from book as t where größe=:y
-- by hand
select größe + $1, GRößE, t.größe as é from book as t where größe=$2

--- letters of three and four bytes
select :x::int as 日本, :y::text as 😀, 1 as a日b
-- by hand
select $1::int as 日本, $2::text as 😀, 1 as a日b

--- white space of other alphabets is a letter
select :x::int as a b, :y::text as 　c​
-- by hand
select $1::int as a b, $2::text as 　c​

--- letters that begin strings are names
select e, b, x, n, u, e||b, u||':y', :x::text from (select 'a' as e, 'b' as b, 1 as x, 2 as n, 'c' as u) as t
-- by hand
select e, b, x, n, u, e||b, u||':y', $1::text from (select 'a' as e, 'b' as b, 1 as x, 2 as n, 'c' as u) as t

--- keywords as names of columns
select update, "select", t.update, t."select" from book as t where update = :x
-- by hand
select update, "select", t.update, t."select" from book as t where update = $1

--- names of commands in parentheses
select (update), count(update), (update) + :x from book group by update having (update) > 0
-- by hand
select (update), count(update), (update) + $1 from book group by update having (update) > 0

--- names of commands as arguments and in lists
select coalesce(delete, insert, :x), (insert), array[(merge)], (truncate, update) from (select 1 as delete, 2 as insert, 3 as merge, 4 as truncate, 5 as update) as t
-- by hand
select coalesce(delete, insert, $1), (insert), array[(merge)], (truncate, update) from (select 1 as delete, 2 as insert, 3 as merge, 4 as truncate, 5 as update) as t

--- names of commands before operators and words
select (update + :x), (delete::text), (insert.merge), (update is null), (delete collate "C"), (update in (1, 2)) from (select 1 as update, 'a' as delete) as t, (select 3 as merge) as insert
-- by hand
select (update + $1), (delete::text), (insert.merge), (update is null), (delete collate "C"), (update in (1, 2)) from (select 1 as update, 'a' as delete) as t, (select 3 as merge) as insert

--- names of commands that order
select row_number() over (order by update desc), row_number() over (partition by update order by (update)) from book where id = :id
-- by hand
select row_number() over (order by update desc), row_number() over (partition by update order by (update)) from book where id = $1

--- names of commands that are queries of with
with update as (select :x::int as insert), delete (merge) as (select 1) select (insert), merge from update, delete
-- by hand
with update as (select $1::int as insert), delete (merge) as (select 1) select (insert), merge from update, delete

--- names with a schema and a catalog
select pg_catalog.length(:x), "pg_catalog"."upper"(:y), public.book.id from public.book
-- by hand
select pg_catalog.length($1), "pg_catalog"."upper"($2), public.book.id from public.book

--- all columns
select *, t.*, :x::int from sale as t
-- by hand
select *, t.*, $1::int from sale as t
