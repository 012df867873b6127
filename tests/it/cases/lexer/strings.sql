--- a colon in a string is text
select ':y' as a, :x::int
-- by hand
select ':y' as a, $1::int

--- a doubled quote stays inside
select 'it''s :y', :x::text, '''', ''':y'''
-- by hand
select 'it''s :y', $1::text, '''', ''':y'''

--- nothing between quotes
select '', :x::int, ''
-- by hand
select '', $1::int, ''

--- a backslash is a character like others
select '\', :x::text, '\' || :y
-- by hand
select '\', $1::text, '\' || $2

--- a backslash before a doubled quote
select '\'' :y', :x::text
-- by hand
select '\'' :y', $1::text

--- what begins other things begins nothing in a string
select '--', '/*', '$$', '"', ';', :x::text, '*/', '$$'
-- by hand
select '--', '/*', '$$', '"', ';', $1::text, '*/', '$$'

--- a string over lines
select 'one
:y -- two
', :x::int
-- by hand
select 'one
:y -- two
', $1::int

--- an escaped quote in E
select E'\':y', :x::text
-- by hand
select E'\':y', $1::text

--- doubled and escaped quotes in e
select e'''\\\':y''', :x::text
-- by hand
select e'''\\\':y''', $1::text

--- every escape of E
select E'\b\f\n\r\t\v\1\12\101\x4\x41\u00e9\U0001F600\q\"\'\\ :y', :x::text
-- by hand
select E'\b\f\n\r\t\v\1\12\101\x4\x41\u00e9\U0001F600\q\"\'\\ :y', $1::text

--- a pair of surrogates
select E'\uD83D\uDE00:y' || :x
-- by hand
select E'\uD83D\uDE00:y' || $1

--- E that ends in a backslash
select E'\\' || :x || E':y\\'
-- by hand
select E'\\' || $1 || E':y\\'

--- a letter of several bytes behind a backslash
select E'\é\'\日\':y' || :x
-- by hand
select E'\é\'\日\':y' || $1

--- a line end behind a backslash
select E'a\
\':y' || :x
-- by hand
select E'a\
\':y' || $1

--- a word that ends in e begins no E
select name'\', :x::text, name'\'
-- by hand
select name'\', $1::text, name'\'

--- national strings
select N':y' = :x::bpchar, n'it''s', N'\'
-- by hand
select N':y' = $1::bpchar, n'it''s', N'\'

--- bits
select :x::bit(4) & B'0101', b'1' || :y::bit
-- by hand
select $1::bit(4) & B'0101', b'1' || $2::bit

--- bits in hexadecimal
select X'1F' = :x::bit(8), x'ff' || :y::bit
-- by hand
select X'1F' = $1::bit(8), x'ff' || $2::bit

--- characters by number
select U&'d\0061t\+000061 :y' || :x, u&'it''s \\'
-- by hand
select U&'d\0061t\+000061 :y' || $1, u&'it''s \\'

--- characters by number, with an escape of one's own
select U&'d!0061t\' uescape '!' || :x
-- by hand
select U&'d!0061t\' uescape '!' || $1

--- a colon that escapes
select U&':0061:+000061' UESCAPE ':' || :x
-- by hand
select U&':0061:+000061' UESCAPE ':' || $1

--- an escape with a comment and a line before it
select U&'\0061*0061' /* :y */
  uescape -- :y
  '*' || :x
-- by hand
select U&'\0061*0061' /* :y */
  uescape -- :y
  '*' || $1

--- a backslash twice by number
select U&'\\:y' || :x, U&'\0027:y'
-- by hand
select U&'\\:y' || $1, U&'\0027:y'

--- u, an ampersand and something else
select u&1, u &'1'::int, u& "v", :x::int from (select 1 as u, 2 as v) as t
-- by hand
select u&1, u &'1'::int, u& "v", $1::int from (select 1 as u, 2 as v) as t

--- a string goes on below
select 'a'
':y\' || :x
-- by hand
select 'a'
':y\' || $1

--- it goes on behind comments
select 'a' -- ':y
  -- :y'

  ' :y' || :x
-- by hand
select 'a' -- ':y
  -- :y'

  ' :y' || $1

--- it goes on behind white space of every kind
select 'a' ␌	␍ ␌	':y' || :x
-- by hand
select 'a' ␌	␍ ␌	':y' || $1

--- E goes on below as E
select E'a'
'\':y' -- '
  '\'' || :x
-- by hand
select E'a'
'\':y' -- '
  '\'' || $1

--- no E begins in what goes on
select 'a'
'\' || E'\'' || :x || 'a'
  '\'
-- by hand
select 'a'
'\' || E'\'' || $1 || 'a'
  '\'

--- bits go on below
select B'01'
'10' & :x, X'1'
  'f' = :y
-- by hand
select B'01'
'10' & $1, X'1'
  'f' = $2

--- national strings go on below
select N'a'
':y' = :x
-- by hand
select N'a'
':y' = $1

--- a character by number, half of it below
select U&'d\00'
'61:y' || :x
-- by hand
select U&'d\00'
'61:y' || $1

--- strings with types before them
select date'2020-01-02' + :x::int, time'04:05:06' + :y::interval, interval'1:02:03' * :z
-- by hand
select date'2020-01-02' + $1::int, time'04:05:06' + $2::interval, interval'1:02:03' * $3

--- types of several words before strings
select timestamp with time zone'2020-01-02 03:04:05+06:07' - :x, jsonb'{"a": ":y"}' -> :y::text
-- by hand
select timestamp with time zone'2020-01-02 03:04:05+06:07' - $1, jsonb'{"a": ":y"}' -> $2::text

--- words touch strings
select'a:y'as b,:x::int as"c:y"from(select'd:y')as e
-- by hand
select'a:y'as b,$1::int as"c:y"from(select'd:y')as e

--- lists and rows as strings
select '{":y", b}'::text[] || :x::text[], '(1,":y")'::text = :z
-- by hand
select '{":y", b}'::text[] || $1::text[], '(1,":y")'::text = $2

--- a backslash as an escape of like
select title like :x escape '\' from book where title not like '%\:y%' escape '' and id = :id
-- by hand
select title like $1 escape '\' from book where title not like '%\:y%' escape '' and id = $2
