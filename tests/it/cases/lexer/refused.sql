--- a string
-- found 1:8: the string that begins here has no end
select 'abc

--- a string behind others, on another line
-- found 2:8: the string that begins here has no end
select 'é日😀', :x::int,
  'ü', 'it''s

--- a string that ends in a doubled quote
-- found 1:8: the string that begins here has no end
select 'it''

--- an escaped string
-- found 1:8: the string that begins here has no end
select E'abc\'

--- an escaped string that ends in a backslash
-- found 1:8: the string that begins here has no end
select e'\

--- national characters
-- found 1:9: the string that begins here has no end
select N'abc

--- bits
-- found 1:8: the string that begins here has no end
select B'01

--- bits in hexadecimal
-- found 1:8: the string that begins here has no end
select x'1f

--- bits with a doubled quote
-- found 1:13: the string that begins here has no end
select X'1f''

--- characters by number
-- found 1:8: the string that begins here has no end
select U&'\0061

--- a string that goes on below
-- found 2:3: the string that begins here has no end
select 1,
  'a' -- c
  'b

--- a name
-- found 1:13: the quoted name that begins here has no end
select 1 as "a"":

--- a name by numbers
-- found 1:8: the quoted name that begins here has no end
select U&"a

--- a name as psql pastes it
-- found 1:17: the quoted name that begins here has no end
select id from :"books

--- a parameter as psql quotes it
-- found 1:9: the string that begins here has no end
select :'x

--- dollars
-- found 1:8: the dollar-quoted string that begins here has no end
select $$ $a$ $b$

--- dollars with a tag
-- found 3:8: the dollar-quoted string that begins here has no end
select $a$ $b$ $a$,

       $a$ $A$ $a $ab$

--- a block
-- found 1:10: the comment that begins here has no end
select 1 /* /* */

--- a block that is almost closed
-- found 1:8: the comment that begins here has no end
select /*/ :y

--- a block behind an operator
-- found 1:10: the comment that begins here has no end
select 1+/* *

--- a second statement
-- found 2:8: the string that begins here has no end
select :x::int;
select '

--- behind lines as Windows ends them
-- found 3:3: the string that begins here has no end
select 1,␍
  2,␍
  'a␍

--- a NUL
-- found 1:10: a NUL character, of which PostgreSQL takes none
select 'a␀'

--- a parameter that touches a number
-- found 1:9: :x touches the word beside it
select 1:x

--- a slice that touches
-- found 1:15: :n touches the word beside it
select pages[1:n] from book

--- a parameter that touches a word
-- found 1:26: :n touches the word beside it
select id from book limit:n

--- a word that touches a parameter
-- found 1:8: :x touches the word beside it
select :x$, 1

--- letters that are not ASCII touch
-- found 1:8: :gr touches the word beside it
select :größe

--- parameters that touch
-- found 1:10: :b touches the word beside it
select :a:b

--- a parameter that touches the dollars of a string
-- found 1:8: :a touches the word beside it
select :a$$b$$

--- a parameter that touches a name with dollars
-- found 1:11: :y touches the word beside it
select e$$:y$$

--- a number instead of a name
-- found 1:8: $1: parameters have names here
select $1::int

--- a name instead of a value
-- found 1:16: :"books" would be a name of a table or column
select id from :"books"

--- nothing between semicolons
-- found 1:16: nothing before this ;
select :x::int;;

--- strings beside each other
-- found 1:12: syntax error at or near "'b'"
select 'a' 'b'

--- strings of two kinds
-- found 2:1: syntax error at or near "E'b'"
select 'a'
E'b'

--- a name without a letter
-- found 1:8: zero-length delimited identifier at or near """"
select ""

--- half a number
-- found 1:10: invalid Unicode escape
select E'\u12', :x::int

--- half a pair
-- found 1:16: invalid Unicode surrogate pair at or near "'"
select E'\uD83D'

--- no character
-- found 1:12: invalid Unicode escape
select U&'a\00zz'

--- an escape that is none
-- found 1:26: invalid Unicode escape character at or near "'+'"
select U&'\0061' uescape '+'

--- no bit
-- found 1:8: "2" is not a valid binary digit
select B'012'

--- no digit
-- found 1:8: "g" is not a valid hexadecimal digit
select X'1g'

--- since 15: a letter behind a number
-- found 1:8: trailing junk after numeric literal at or near "1x"
select 1x

--- a backslash
-- found 1:8: syntax error at or near "\"
select \:x

--- a colon and a number
-- found 1:8: syntax error at or near ":"
select :1

--- a colon and a letter that is not ASCII
-- found 1:8: syntax error at or near ":"
select :é

--- a colon alone
-- found 1:10: syntax error at or near ":"
select 1 : 2

--- a cast of nothing
-- found 1:8: syntax error at or near "::"
select ::int

--- what psql would ask of a variable
-- found 1:8: syntax error at or near ":"
select :{?x}

--- a quoted parameter that is none
-- found 1:8: syntax error at or near ":"
select :'a b'

--- a tag that is none
-- found 1:8: syntax error at or near "$"
select $a b$ c $a b$

--- an end of a block without a beginning
-- found 1:12: syntax error at end of input
select 1 */

--- a semicolon in parentheses
-- found 1:16: syntax error at or near ";"
select (:x::int; select 1)

--- a type before a parameter
-- found 1:13: syntax error at or near "$1"
select date :x

--- an interval before a parameter
-- found 2:12: syntax error at or near "$2"
select :a_long_name::int,
  interval :b

--- an unknown column behind parameters
-- found 2:24: column "nosuch" does not exist
select 'é日😀', :a_long_name::text, :b::text,
  'ü', :'b'::text, id, nosuch from book

--- an unknown column behind comments and strings
-- found 4:3: column é.nosuch does not exist
select /* é :y */ :a_long_name::text -- 日 :y
  , $é$ :y
$é$, U&'\0061:y', :'b'::text,␍
  é.nosuch from book as é
