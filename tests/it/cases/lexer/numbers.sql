--- numbers of every form
select 1, 1.5, .5, 5., 1e5, 1E+5, 1.5e-5, .5e1, 5.e1, 0.1, 007, :x::int
-- by hand
select 1, 1.5, .5, 5., 1e5, 1E+5, 1.5e-5, .5e1, 5.e1, 0.1, 007, $1::int

--- numbers too large for an int
select 2147483648, 9223372036854775808, 1e400, :x::bigint
-- by hand
select 2147483648, 9223372036854775808, 1e400, $1::bigint

--- signs between numbers and parameters
select 1+:x::int, :x+1, 1-:x, :x-1, 2*:x, :x*2, 4/:x, 5%:x, -1-:x, :x- -1
-- by hand
select 1+$1::int, $1+1, 1-$1, $1-1, 2*$1, $1*2, 4/$1, 5%$1, -1-$1, $1- -1

--- a point before or behind
select .5*:x::numeric, :x*.5, 5.*:x, :x/5., 1.-:x, :x+.5e1
-- by hand
select .5*$1::numeric, $1*.5, 5.*$1, $1/5., 1.-$1, $1+.5e1

--- comparisons without space
select 1<:x::int, 1=:x, 2>=:x, 1<>:x, :x!=1, :x between 1 and 2
-- by hand
select 1<$1::int, 1=$1, 2>=$1, 1<>$1, $1!=1, $1 between 1 and 2

--- numbers in lists
select 1 in (1,:x,3), array[1,:x,3], (1,:y::int,3), 1,:y,3
-- by hand
select 1 in (1,$1,3), array[1,$1,3], (1,$2::int,3), 1,$2,3

--- arguments that are numbers
select round(:x::numeric,2), power(2,:y), generate_series(1,:z), mod(:z,3)
-- by hand
select round($1::numeric,2), power(2,$2), generate_series(1,$3), mod($3,3)

--- numbers that take no more than they are
select 1 as a,1.5 as b,:x::int as c,.5 as d
-- by hand
select 1 as a,1.5 as b,$1::int as c,.5 as d

--- names that begin like numbers end
select e1, e5 + :x, x1f, _1 from (select 1 as e1, 2 as e5, 3 as x1f, 4 as _1) as t
-- by hand
select e1, e5 + $1, x1f, _1 from (select 1 as e1, 2 as e5, 3 as x1f, 4 as _1) as t

--- since 16: digits in groups
select 1_000 + :x::int, 1_0.5_0, 1_0e1_0, :x-1_0
-- by hand
select 1_000 + $1::int, 1_0.5_0, 1_0e1_0, $1-1_0

--- since 16: numbers in other bases
select 0x1F + :x::int, 0o17, 0b1_1, 0XFF-:x, 0x_f
-- by hand
select 0x1F + $1::int, 0o17, 0b1_1, 0XFF-$1, 0x_f
