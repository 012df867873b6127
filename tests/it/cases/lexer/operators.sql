--- a key in an object
select doc ? :k, doc?:k, doc ? 'a:y' from book
-- by hand
select doc ? $1, doc?$1, doc ? 'a:y' from book

--- some keys in an object
select doc ?| :keys, doc?|array[:x,'y'], doc ?|:keys from book
-- by hand
select doc ?| $1, doc?|array[$2,'y'], doc ?|$1 from book

--- all keys in an object
select doc ?& :keys, doc?&:keys, :doc::jsonb?&array[:x] from book
-- by hand
select doc ?& $1, doc?&$1, $2::jsonb?&array[$3] from book

--- a path that finds something
select doc @? :path, doc@?'$.a', doc @@ :path from book
-- by hand
select doc @? $1, doc@?'$.a', doc @@ $1 from book

--- arrows
select doc -> :k::text, doc->>:k, doc->:i::int, doc ->> 'a:y' from book
-- by hand
select doc -> $1::text, doc->>$1, doc->$2::int, doc ->> 'a:y' from book

--- paths with hashes
select doc #> :p, doc#>>:p, doc #- :p, doc#-:p from book
-- by hand
select doc #> $1, doc#>>$1, doc #- $1, doc#-$1 from book

--- containment
select doc @> :x, doc<@:y, tags @> :tags, tags<@:tags, tags&&:tags from book
-- by hand
select doc @> $1, doc<@$2, tags @> $3, tags<@$3, tags&&$3 from book

--- concatenation
select doc || :x, tags||:t::text, :t||tags, title||:s||':y' from book
-- by hand
select doc || $1, tags||$2::text, $2||tags, title||$3||':y' from book

--- patterns
select title ~ :p, title ~* :p, title !~ :p, title!~*:p from book
-- by hand
select title ~ $1, title ~* $1, title !~ $1, title!~*$1 from book

--- like as operators
select title ~~ :p, title~~*:p, title !~~ :p, title!~~*:p from book
-- by hand
select title ~~ $1, title~~*$1, title !~~ $1, title!~~*$1 from book

--- like in words
select title like :p, title not ilike :p, title similar to :p, title like any (:ps) from book
-- by hand
select title like $1, title not ilike $1, title similar to $1, title like any ($2) from book

--- prefixes
select title ^@ :p, title^@:p from book
-- by hand
select title ^@ $1, title^@$1 from book

--- ranges
select int4range(1, :n) -|- :r, :r&<int4range(1, 2), :r<<:r, :r @> :i::int
-- by hand
select int4range(1, $1) -|- $2, $2&<int4range(1, 2), $2<<$2, $2 @> $3::int

--- shapes
select position <-> :p, :p<@box '((0,0),(1,1))', position ~= :p, point '(1,2)' <<| :p, @-@ :l::lseg, :l ?# :l, ?-:l from book
-- by hand
select position <-> $1, $1<@box '((0,0),(1,1))', position ~= $1, point '(1,2)' <<| $1, @-@ $2::lseg, $2 ?# $2, ?-$2 from book

--- parallel and perpendicular
select :a::lseg ?|| :b, :a?||:b, :a ?-| :b, ?| :a
-- by hand
select $1::lseg ?|| $2, $1?||$2, $1 ?-| $2, ?| $1

--- words to search for
select to_tsvector(title) @@ :q, !!:q, :q <-> :q, :q&&:q::tsquery from book
-- by hand
select to_tsvector(title) @@ $1, !!$1, $1 <-> $1, $1&&$1::tsquery from book

--- roots
select |/ :f::float8, ||/:f, @ -:f, @ :f
-- by hand
select |/ $1::float8, ||/$1, @ -$1, @ $1

--- operators of one's own
select :a === :b, :a===:b::int, 1===:a, (:a)===(:b)
-- by hand
select $1 === $2, $1===$2::int, 1===$1, ($1)===($2)

--- operators with a schema
select :a::int operator(pg_catalog.+) :b, :a operator ( pg_catalog.- ) 1, 1 operator(===) :b
-- by hand
select $1::int operator(pg_catalog.+) $2, $1 operator ( pg_catalog.- ) 1, 1 operator(===) $2

--- a sign behind an operator
select 1<-:x::int, 1=-:x, 2*-:x, 2>+:x, 1 <- :x
-- by hand
select 1<-$1::int, 1=-$1, 2*-$1, 2>+$1, 1 <- $1

--- comparisons in words
select :x::int is distinct from :y, :x is not null, :b is true, :x between :y and :z, not :b
-- by hand
select $1::int is distinct from $2, $1 is not null, $3 is true, $1 between $2 and $4, not $3

--- rows
select (:x::int, :y::text) = (1, 'a'), row(:x, :y) < row(2, 'b'), (id, title) in ((:x, :y)) from book
-- by hand
select ($1::int, $2::text) = (1, 'a'), row($1, $2) < row(2, 'b'), (id, title) in (($1, $2)) from book
