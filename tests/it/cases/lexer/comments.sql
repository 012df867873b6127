--- a line
select 1 -- :y '
  , :x::int
-- by hand
select 1 -- :y '
  , $1::int

--- a block
select 1 /* :y ' " $$ -- */, :x::int
-- by hand
select 1 /* :y ' " $$ -- */, $1::int

--- a block over lines
select /*
  :y
-- */ :x::int
-- by hand
select /*
  :y
-- */ $1::int

--- blocks in blocks
select /* :y /* :y /* */ :y */ :y */ :x::int
-- by hand
select /* :y /* :y /* */ :y */ :y */ $1::int

--- stars and slashes at the ends of blocks
select /**/ 1, /***/ 2, /****/ 3, /* :y **/ 4, /** :y ***/ 5, :x::int
-- by hand
select /**/ 1, /***/ 2, /****/ 3, /* :y **/ 4, /** :y ***/ 5, $1::int

--- a slash that ends nothing
select /*/ :y */ 1, /* / * / :y */ 2, /* // :y */ :x::int
-- by hand
select /*/ :y */ 1, /* / * / :y */ 2, /* // :y */ $1::int

--- blocks begin and end without space
select /*/**/:y*/1, /*/*/ :y */*/ 2, /* :y /*:y*//*:y*/*/:x::int
-- by hand
select /*/**/:y*/1, /*/*/ :y */*/ 2, /* :y /*:y*//*:y*/*/$1::int

--- a block in a line, a line in a block
select 1 -- /* :y
  , :x::int /* -- */ + 1
-- by hand
select 1 -- /* :y
  , $1::int /* -- */ + 1

--- strings end no block
select /* ' */ 1, /* $$ */ :x::int, /* " */ 2, /* E'\ */ 3
-- by hand
select /* ' */ 1, /* $$ */ $1::int, /* " */ 2, /* E'\ */ 3

--- behind operators
select 1+/* :y */:x::int, 2*/* :y */:x, 4//* :y */:x, 5-/* :y */:x
-- by hand
select 1+/* :y */$1::int, 2*/* :y */$1, 4//* :y */$1, 5-/* :y */$1

--- lines behind operators
select 1+-- :y
:x::int, 2*--:y
:x, 3 #-- :y
:x
-- by hand
select 1+-- :y
$1::int, 2*--:y
$1, 3 #-- :y
$1

--- behind a parameter
select :x--:y
::int, :z/*:y*/::text
-- by hand
select $1--:y
::int, $2/*:y*/::text

--- between a parameter and its cast
select :x/**/::/**/int, :y -- c
  ::
  -- d
  text
-- by hand
select $1/**/::/**/int, $2 -- c
  ::
  -- d
  text

--- before everything
-- :y
/* :y */

-- :y
select :x::int
-- by hand
-- :y
/* :y */

-- :y
select $1::int

--- behind everything
select :x::int -- :y
/* :y */ -- :y
-- by hand
select $1::int -- :y
/* :y */ -- :y

--- behind the end
select :x::int; -- :y '
/* :y $$ */
-- by hand
select $1::int; -- :y '
/* :y $$ */

--- a carriage return ends a line
select 1 -- :y␍, :x::int -- :y␍, 2
-- by hand
select 1 -- :y␍, $1::int -- :y␍, 2

--- no other white space does
select 1 -- :y␌:y␋:y	:y
  , :x::int
-- by hand
select 1 -- :y␌:y␋:y	:y
  , $1::int

--- lines with nothing in them
select --
  1, --␍
  :x::int --
-- by hand
select --
  1, --␍
  $1::int --

--- two signs apart are no line
select 1 - -:x::int, - - :x, +-:x, 1-(-:x)
-- by hand
select 1 - -$1::int, - - $1, +-$1, 1-(-$1)

--- stars and slashes apart are no block
select 2 * 6 / :x::int, 2*6/:x, 12/:x*2, (12)/ :x *(2)
-- by hand
select 2 * 6 / $1::int, 2*6/$1, 12/$1*2, (12)/ $1 *(2)

--- letters of several bytes
select 1 -- é :y 日本 :y 😀
  , /* é :y 日本 :y 😀 */ :x::int
-- by hand
select 1 -- é :y 日本 :y 😀
  , /* é :y 日本 :y 😀 */ $1::int

--- in a list
select 1 in (/* :y */ :x, -- :y
  2 /* :y */)
-- by hand
select 1 in (/* :y */ $1, -- :y
  2 /* :y */)
