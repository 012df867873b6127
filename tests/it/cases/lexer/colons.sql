--- a cast
select :x::int, :y::text::int, :z :: int, '1'::int + :x
-- by hand
select $1::int, $2::text::int, $3 :: int, '1'::int + $1

--- a cast over lines
select :x
  ::
  int
-- by hand
select $1
  ::
  int

--- casts to types of every form
select :a::"text", :b::pg_catalog.int4, :c::numeric(10, 2), :d::int[], :e::timestamp with time zone, :f::double precision
-- by hand
select $1::"text", $2::pg_catalog.int4, $3::numeric(10, 2), $4::int[], $5::timestamp with time zone, $6::double precision

--- casts to arrays with sizes
select :x::int[3][], :y::text array[4]
-- by hand
select $1::int[3][], $2::text array[4]

--- arguments by name
select add(a := :x), add(a:=:x, b := :y), add(b:= :y,a :=:x)
-- by hand
select add(a := $1), add(a:=$1, b := $2), add(b:= $2,a :=$1)

--- arguments by name, with arrows
select add(a => :x), add(a=>:x, b => :y), add(b=>  :y,a=>:x)
-- by hand
select add(a => $1), add(a=>$1, b => $2), add(b=>  $2,a=>$1)

--- slices
select pages[1:2], pages[1:], pages[:2], pages[:], pages[1 : 2] from book where id = :id
-- by hand
select pages[1:2], pages[1:], pages[:2], pages[:], pages[1 : 2] from book where id = $1

--- a slice up to a parameter
select pages[1: :n], pages[ : :n], pages[1 : :n::int] from book
-- by hand
select pages[1: $1], pages[ : $1], pages[1 : $1::int] from book

--- a slice from a parameter
select pages[:lo:2], pages[:lo :], pages[:lo : 2], pages[:lo:] from book
-- by hand
select pages[$1:2], pages[$1 :], pages[$1 : 2], pages[$1:] from book

--- a slice between parameters
select pages[:lo: :hi], pages[:lo : :hi], pages[:lo::int : :hi], pages[:lo::int: :hi::int] from book
-- by hand
select pages[$1: $2], pages[$1 : $2], pages[$1::int : $2], pages[$1::int: $2::int] from book

--- an element
select pages[:i], pages[ :i ], (pages)[:i], (pages[1:2])[:i + 1] from book
-- by hand
select pages[$1], pages[ $1 ], (pages)[$1], (pages[1:2])[$1 + 1] from book

--- a slice between columns
select pages[id: id], pages[(id):(id)], pages[id : id + :n] from book
-- by hand
select pages[id: id], pages[(id):(id)], pages[id : id + $1] from book

--- a slice between casts
select pages[1::int:2::int], pages['1'::int:(:n)] from book
-- by hand
select pages[1::int:2::int], pages['1'::int:($1)] from book

--- slices of several dimensions
select (array[[1, 2], [3, 4]])[1:2][:i: :j], (array[[1, 2], [3, 4]])[:i][:j]
-- by hand
select (array[[1, 2], [3, 4]])[1:2][$1: $2], (array[[1, 2], [3, 4]])[$1][$2]

--- a parameter that is an array
select :x::int[], :x[1], :x[1:2], :x[:i], :x[:i: :j]
-- by hand
select $1::int[], $1[1], $1[1:2], $1[$2], $1[$2: $3]

--- a parameter that is a row
select :b::sale, (:b).note, :b.quantity, (:b::sale).id
-- by hand
select $1::sale, ($1).note, $1.quantity, ($1::sale).id

--- as psql quotes
select :'x'::text, :x || :'y', :'y'||':z'||:'z'
-- by hand
select $1::text, $1 || $2, $2||':z'||$3

--- the same parameter many times
select :x::int, :x + :x, :y::text, :x, :y || :y
-- by hand
select $1::int, $1 + $1, $2::text, $1, $2 || $2

--- more than nine
select :a::int, :b::text, :c::int, :d::text, :e::int, :f::text, :g::int, :h::text, :i::int, :j::text, :k::int, :a, :b, :k
-- by hand
select $1::int, $2::text, $3::int, $4::text, $5::int, $6::text, $7::int, $8::text, $9::int, $10::text, $11::int, $1, $2, $11

--- names of every form
select :a::int, :A::text, :_::int, :_a::text, :a_1::int, :a1b2::text, :__::int
-- by hand
select $1::int, $2::text, $3::int, $4::text, $5::int, $6::text, $7::int

--- keywords
select :select::int, :from::text, :null::int, :int::text, :end::int, :as as as, :limit limit 1
-- by hand
select $1::int, $2::text, $3::int, $4::text, $5::int, $6 as as, $7 limit 1

--- letters that begin strings
select :e::text, :E::text, :b::text||:n, :x::text||:u, :U::int[]&&:v from (select 1) as t where :w in ('e', 'b')
-- by hand
select $1::text, $2::text, $3::text||$4, $5::text||$6, $7::int[]&&$8 from (select 1) as t where $9 in ('e', 'b')

--- signs before and behind
select (:a)::int+:b-:c::int*:d/:e%:f, -:a, +:b, :a<:b, :a>:b, :a=:b, :a<=:b, :a>=:b, :a<>:b, :a!=:b
-- by hand
select ($1)::int+$2-$3::int*$4/$5%$6, -$1, +$2, $1<$2, $1>$2, $1=$2, $1<=$2, $1>=$2, $1<>$2, $1!=$2

--- words of many signs before and behind
select :a::int|:b&:c#:d,~:a,:a<<:b>>:c,|/:f::float8,:f^:f,@:a
-- by hand
select $1::int|$2&$3#$4,~$1,$1<<$2>>$3,|/$5::float8,$5^$5,@$1

--- colons in texts of times and objects
select '12:30:00'::time + :x, '{"a":1,"b":":y"}'::json, "a:b" from book
-- by hand
select '12:30:00'::time + $1, '{"a":1,"b":":y"}'::json, "a:b" from book

--- colons touch parentheses
select (:x)::text,((:y)::int),array[:z]::int[],(array[:z])[1]
-- by hand
select ($1)::text,(($2)::int),array[$3]::int[],(array[$3])[1]
