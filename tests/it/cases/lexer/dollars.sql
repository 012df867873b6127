--- dollars instead of quotes
select $$:y$$, :x::int
-- by hand
select $$:y$$, $1::int

--- a tag, and dollars without it
select $body$ :y $$ ' $x$ :y $body$, :x::int
-- by hand
select $body$ :y $$ ' $x$ :y $body$, $1::int

--- tags in tags
select $a$ $b$ :y $c$ :y $c$ $b$ $a$ || :x
-- by hand
select $a$ $b$ :y $c$ :y $c$ $b$ $a$ || $1

--- letters of several bytes in tags
select $größe$ :y $große$ $größe$, $日本$:y$日本$, :x::int
-- by hand
select $größe$ :y $große$ $größe$, $日本$:y$日本$, $1::int

--- tags differ by case
select $a$ $A$ :y $a$, $A$ $a$ :y $A$, :x::int
-- by hand
select $a$ $A$ :y $a$, $A$ $a$ :y $A$, $1::int

--- digits in tags, and digits that are none
select $_1$ :y $1$ $1 $_1$, $a1$ $1a$ :y $a1$, :x::int
-- by hand
select $_1$ :y $1$ $1 $_1$, $a1$ $1a$ :y $a1$, $1::int

--- nothing between dollars
select $$$$, $a$$a$, :x::int
-- by hand
select $$$$, $a$$a$, $1::int

--- dollars before the end
select $$:y$ $$, $a$:y$$a$, $a$$$:y$ $a$, :x::int
-- by hand
select $$:y$ $$, $a$:y$$a$, $a$$$:y$ $a$, $1::int

--- what is almost the end
select $a$ $ab$ $a :y a$ $ a$ $aa$ $b$a$, :x::int
-- by hand
select $a$ $ab$ $a :y a$ $ a$ $aa$ $b$a$, $1::int

--- an end within another tag
select $a$ :y $b$a$, :x::int, $b$ :y $a$b$
-- by hand
select $a$ :y $b$a$, $1::int, $b$ :y $a$b$

--- what begins other things begins nothing between dollars
select $$ it's "so" -- /* ; E'\$$, :x::int, $$*/$$
-- by hand
select $$ it's "so" -- /* ; E'\$$, $1::int, $$*/$$

--- a backslash before the end
select $$\$$ || :x || $a$\$a$
-- by hand
select $$\$$ || $1 || $a$\$a$

--- dollars touch signs
select $$:y$$||:x||$a$:y$a$||(:x)||$$:y$$
-- by hand
select $$:y$$||$1||$a$:y$a$||($1)||$$:y$$

--- dollars touch words behind them
select $$:y$$as a,:x::text as b
-- by hand
select $$:y$$as a,$1::text as b

--- lines and white space between dollars
select $$
:y ␌	␍
-- :y
$$, :x::int
-- by hand
select $$
:y ␌	␍
-- :y
$$, $1::int

--- a dollar inside of a name
select t.a$b + :x, t.a$b, book$.a$b from book as t, book as book$
-- by hand
select t.a$b + $1, t.a$b, book$.a$b from book as t, book as book$

--- dollars at the end of a name quote nothing
select :x::int as a$$, :y::text as b$$ , $$ :z $$
-- by hand
select $1::int as a$$, $2::text as b$$ , $$ :z $$

--- a tag at the end of a name quotes nothing
select :x::int as a$b$, :y::text as c$b$
-- by hand
select $1::int as a$b$, $2::text as c$b$

--- a number at the end of a name is no parameter
select a$1, :x::int, é$2 from (select 1 as a$1, 2 as é$2) as t
-- by hand
select a$1, $1::int, é$2 from (select 1 as a$1, 2 as é$2) as t

--- dollars behind a number are a string
select 1 in (2,3)and :x in ($$a$$,'b')and 1=1 and $$c$$=:y
-- by hand
select 1 in (2,3)and $1 in ($$a$$,'b')and 1=1 and $$c$$=$2

--- paths with dollars
select doc @? '$.a[*] ? (@ > 1)', doc @@ '$.b == ":y"' from book where id = :id
-- by hand
select doc @? '$.a[*] ? (@ > 1)', doc @@ '$.b == ":y"' from book where id = $1

--- paths with variables
select jsonb_path_query(:doc, '$.a ? (@.b > $min && @.c like_regex ":y")', :vars)
-- by hand
select jsonb_path_query($1, '$.a ? (@.b > $min && @.c like_regex ":y")', $2)
