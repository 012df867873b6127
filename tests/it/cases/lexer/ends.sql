--- no semicolon
select :x::int
-- by hand
select $1::int

--- a parameter at the end
select 1 where 1 = :x
-- by hand
select 1 where 1 = $1

--- a quoted parameter at the end
select 1 where 'a' = :'x'
-- by hand
select 1 where 'a' = $1

--- a semicolon
select :x::int;
-- by hand
select $1::int;

--- white space before and behind a semicolon
␠	␌
  select :x::int ␌
  ; ␠␌	
-- by hand
␠	␌
  select $1::int ␌
  ; ␠␌	

--- a semicolon in everything
select ';', $$;$$, $a$ ; $a$, /* ; */ -- ;
  :x::int as ";"
-- by hand
select ';', $$;$$, $a$ ; $a$, /* ; */ -- ;
  $1::int as ";"

--- a semicolon that touches
select (:x::int);
-- by hand
select ($1::int);

--- a comment instead of a semicolon
select :x::int/* :y */
-- by hand
select $1::int/* :y */

--- lines as Windows ends them
select␍
  ':y␍
', :x::int -- :y␍
  , /* :y␍
  */ 1␍
;␍
-- by hand
select␍
  ':y␍
', $1::int -- :y␍
  , /* :y␍
  */ 1␍
;␍

--- lines as old Macs ended them
select␍':y␍', :x::int -- :y '␍, 1;␍
-- by hand
select␍':y␍', $1::int -- :y '␍, 1;␍

--- form feeds and tabs are white space
select␌:x::int␌,	:y::text␌
-- by hand
select␌$1::int␌,	$2::text␌

--- since 16: so are vertical tabs
select␋:x::int␋,␋'a'␋␠
␋':y'␋
-- by hand
select␋$1::int␋,␋'a'␋␠
␋':y'␋

--- as little space as possible
select(:x)::int,:y||'a:y'||"a:b",'b'from book where(id)=:z
-- by hand
select($1)::int,$2||'a:y'||"a:b",'b'from book where(id)=$3

--- as much as one likes
select
  ( :x )
  ::
  int
  ,
  :y
  ||
  'a'
-- by hand
select
  ( $1 )
  ::
  int
  ,
  $2
  ||
  'a'

--- capital letters
SELECT :X::INT AS A, :x::Text FROM Book WHERE ID = :ID
-- by hand
SELECT $1::INT AS A, $2::Text FROM Book WHERE ID = $3

--- nothing but a parameter and its parentheses
((select :x::int))
-- by hand
((select $1::int))
