//! Every supported type, value by value, against what PostgreSQL itself makes of it.
//!
//! Each value is selected twice in one row: itself, in binary, through [`Encoder`], and the text
//! PostgreSQL writes for it (`to_json`, for all but a few). The two must agree byte for byte. Every
//! value is then cut short at each byte, which must be an error or a shorter value, never a panic.

use crate::harness;
use peppercorn::pg::values::{Encoder, Raw};
use tokio_postgres::Client;

/// What the cases are about, besides the types PostgreSQL brings along.
const TYPES: &str = r#"
    create extension citext;
    create type mood as enum ('sad', 'ok', 'very "happy"', 'back\slash', 'naïve 😀');
    create domain positive as int check (value > 0);
    create domain more_positive as positive check (value > 1);
    create domain matrix as int[] check (array_ndims(value) = 2);
    create domain label as varchar(20);
    create domain amount as numeric(12, 2);
    create type pair as (x int, y text);
    create type odd as ("a ""quoted"" name" int, "back\slash" mood, "tab	and
newline" more_positive, "ключ" matrix);
    create type outermost as (id bigint, inner_pair pair, pairs pair[], made timestamptz, price amount,
        tags text[], doc jsonb, raw json, span int4range, picture bytea, nothing text);
    create domain checked_pair as pair check ((value).x > 0);
    create type empty_composite as ();
    create table shrunk (a int, b text, c date);
    alter table shrunk drop column b;
    create type float8range_ as range (subtype = float8);
    create type textrange as range (subtype = text);
    create type inetrange as range (subtype = inet);
    create type timerange as range (subtype = time);
    create type timetzrange as range (subtype = timetz);
    create type intervalrange as range (subtype = interval);
    create type boolrange as range (subtype = bool);
    create type byteacharrange as range (subtype = bytea);
    create type moodrange as range (subtype = mood);
    create type uuidrange as range (subtype = uuid);
    create type rangerange as range (subtype = int4range);
    create type jsonbrange as range (subtype = jsonb);
    create type domainrange as range (subtype = amount);
    create type charrange as range (subtype = "char");
    create type float4range as range (subtype = float4);
"#;

/// `type => value ¦ value …`, the values as they stand in an `E'…'` literal; `∅` is the empty one.
const CASES: &str = r#"
bool => true ¦ false
int2 => 0 ¦ 1 ¦ -1 ¦ 32767 ¦ -32768
int4 => 0 ¦ -1 ¦ 2147483647 ¦ -2147483648 ¦ 1000000
int8 => 0 ¦ 9007199254740993 ¦ 9223372036854775807 ¦ -9223372036854775808
oid => 0 ¦ 1 ¦ 4294967295
float8 => 0 ¦ -0 ¦ 1 ¦ -1 ¦ 0.1 ¦ NaN ¦ Infinity ¦ -Infinity ¦ 100 ¦ 1e14 ¦ 999999999999999
float8 => 1e15 ¦ 1000000000000001 ¦ 123456789012345 ¦ 1234567890123456 ¦ 123456789012345.6
float8 => 999999999999999.9 ¦ 1e16 ¦ 1e20 ¦ 1.5e300 ¦ 0.001 ¦ 0.0001 ¦ 0.00012345 ¦ 0.00001
float8 => 0.000099999 ¦ 0.00009999999999999999 ¦ 5e-324 ¦ -5e-324 ¦ 1e-323
float8 => 2.2250738585072014e-308 ¦ 2.225073858507201e-308 ¦ 1.7976931348623157e308
float8 => 9007199254740991 ¦ 9007199254740992 ¦ 9007199254740993 ¦ 9007199254740994
float8 => 5.960464477539063e-08 ¦ 1.152921504606847e18 ¦ 2.98023223876953125e-8 ¦ 1e22 ¦ 1e23
float8 => 4.35 ¦ 0.3 ¦ 2.675 ¦ 299792458 ¦ 6.02214076e23 ¦ 9.5367431640625e-07 ¦ 123456.789
float4 => 0 ¦ -0 ¦ 1 ¦ -1.5 ¦ 0.1 ¦ NaN ¦ Infinity ¦ -Infinity ¦ 99999 ¦ 100000 ¦ 999999 ¦ 1e6
float4 => 1000001 ¦ 123456.7 ¦ 1234567 ¦ 16777216 ¦ 16777217 ¦ 0.0001 ¦ 0.00001 ¦ 0.000012345
float4 => 1e-45 ¦ -1e-45 ¦ 3e-45 ¦ 1.17549435e-38 ¦ 1.1754942e-38 ¦ 3.4028235e38 ¦ 8388608
float4 => 33554432 ¦ 5.9604645e-08 ¦ 3.355445e7 ¦ 8.589973e9 ¦ 0.3 ¦ 9.8e-45
numeric => 0 ¦ 0.0 ¦ 0.00000 ¦ 1 ¦ -1 ¦ 1.10 ¦ 1.000000 ¦ 10 ¦ 100 ¦ 1000 ¦ 10000 ¦ 100000
numeric => 100000000 ¦ 9999 ¦ 9999.9999 ¦ 10000.0001 ¦ 0.1 ¦ 0.01 ¦ 0.001 ¦ 0.0001 ¦ 0.00001
numeric => 0.00010000 ¦ -0.00000000000000000000000000001 ¦ 12345678901234567890.123456789 ¦ NaN
numeric => Infinity ¦ -Infinity ¦ 1e100 ¦ 1e-100 ¦ 123e-7 ¦ 1.5e131000 ¦ -9.9e-16000
numeric => 99999999999999999999999999999999999999 ¦ 100000000.00000001 ¦ 0.99999999 ¦ 5000000000
numeric => 20000000000000000000000000.2 ¦ -123.4500
numeric(12,2) => 0 ¦ 1.1 ¦ -1234567.891 ¦ 9999999999.99 ¦ 0.005
numeric(3,-2) => 12345 ¦ 49 ¦ -99900
numeric(3,5) => 0.00999 ¦ -0.00001
text => ∅ ¦ a ¦ plain text of some length, without anything to escape in it ¦ " ¦ \\ ¦ \\\\""
text => exactly8 ¦ exactly8" ¦ seven77"
text => \x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\x0d\x0e\x0f
text => \x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ¦ \x7f\u0080\u009f\u00a0
text => naïve café ¦ 日本語テキスト ¦ 😀👩\u200d👩\u200d👧\u200d👦 ¦ \u2028\u2029 ¦ \ufeffbom ¦ </script><!--
text => /slash/ ¦ C:\\path\\to ¦ tab\tin the middle of it ¦ \U0010ffff\uffff
text => a"b\\c\nd\x0de\tf\x08g\x0ch ¦ ends with a quote, sixteen+" ¦ é"é\\é\né
text => {"json": "inside"} ¦ null ¦   spaces   ¦ !!!!!!!\x1f ¦ \x1f!!!!!!! ¦ !!!!!!!!!!!!!!!!\\
text => [[[[[[[[]]]]]]]]
varchar(5) => abc ¦ äöüßé ¦ ∅
char(6) => abc ¦ ∅ ¦ 123456
name => pg_catalog ¦ we"ird ¦ ∅
"char" => ∅ ¦ a ¦ " ¦ \\ ¦ \\001 ¦ \\177 ¦ \\200 ¦ \\377 ¦ \n
xml => <a b="c">d &amp; e</a> ¦ text only ¦ <?xml version="1.0" encoding="UTF-8"?><é/>
xml => <?xml version="1.1" standalone="yes"?><a/> ¦ <a>\n</a>
citext => MiXed ¦ quote" ¦ ∅
uuid => 00000000-0000-0000-0000-000000000000 ¦ A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11
uuid => ffffffff-ffff-ffff-ffff-ffffffffffff
bytea => ∅ ¦ \\x00 ¦ \\x0001 ¦ \\x000102 ¦ \\xfffefdfc ¦ \\xfbefbe ¦ a ¦ ab ¦ abc ¦ abcd
bytea => a long one, which encode() would break after seventy-six characters of base64, as MIME wants it to be
json => {} ¦  { "a" : 1.10 ,\n "a":2 }  ¦ null ¦ "\\u00e9\\ud83d\\ude00" ¦ [1,[2,[3]]] ¦ 1e5
jsonb => {} ¦ {"b":1.10,"a":[null,true],"b":2} ¦ null ¦ "\\u00e9\\n\\"" ¦ [] ¦ 1e5 ¦ -0.0
bit(1) => 0 ¦ 1
bit(11) => 10110011101
varbit => ∅ ¦ 1 ¦ 01 ¦ 10000000 ¦ 100000001 ¦ 1111111100000000
pg_lsn => 0/0 ¦ 16/B374D848 ¦ FFFFFFFF/FFFFFFFF ¦ 1/A
mood => sad ¦ very "happy" ¦ back\\slash ¦ naïve 😀
positive => 1 ¦ 2147483647
more_positive => 2
label => twenty "characters"
amount => 12.5
inet => 0.0.0.0 ¦ 192.168.0.1 ¦ 192.168.0.1/24 ¦ 255.255.255.255/0 ¦ 10.1.2.3/32 ¦ :: ¦ ::1 ¦ ::2
inet => ::/0 ¦ ::1/128 ¦ ::1.2.3.4 ¦ ::0.1.0.0 ¦ ::ffff:1.2.3.4 ¦ ::ffff:0:0 ¦ ::fffe:1.2.3.4
inet => ::ffff:1.2.3.4/96 ¦ 2001:db8::1 ¦ 2001:db8:0:0:1:0:0:1 ¦ 1:0:0:2:0:0:0:3
inet => 1:2:3:4:5:6:7:8 ¦ 1:2:3:4:5:6:7:0 ¦ 0:2:3:4:5:6:7:8 ¦ 1:2:3:4:5:6:: ¦ fe80::1/64
inet => 1:0:2:0:3:0:4:0 ¦ 64:ff9b::1.2.3.4 ¦ ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
inet => 0:0:0:0:0:1:: ¦ abcd:ef:0123::
cidr => 0.0.0.0/0 ¦ 10.0.0.0/8 ¦ 10.1.2.3/32 ¦ 10.1.2.3 ¦ ::/0 ¦ 2001:db8::/32 ¦ ::1
cidr => ::ffff:1.2.3.0/120
macaddr => 00:00:00:00:00:00 ¦ 08:00:2B:01:02:03 ¦ ff:ff:ff:ff:ff:ff
macaddr8 => 08:00:2b:01:02:03:04:05 ¦ 08:00:2b:01:02:03 ¦ 00:00:00:00:00:00:00:00
date => 2000-01-01 ¦ 1999-12-31 ¦ 2000-02-29 ¦ 1900-02-28 ¦ 1900-03-01 ¦ 2100-03-01 ¦ 1970-01-01
date => 0001-01-01 ¦ 0001-12-31 BC ¦ 0001-01-01 BC ¦ 0004-02-29 ¦ 0005-02-28 BC ¦ 0005-02-29 BC
date => 0044-03-15 BC ¦ 4714-11-24 BC ¦ 4713-01-01 BC ¦ 9999-12-31 ¦ 10000-01-01 ¦ 294276-12-31
date => 5874897-12-31 ¦ infinity ¦ -infinity ¦ 0999-06-15 ¦ 1582-10-10
time => 00:00 ¦ 23:59:59.999999 ¦ 24:00 ¦ 12:34:56.7 ¦ 12:34:56.000001 ¦ 01:02:03.120
time => 12:00:00.1234567
time(0) => 23:59:59.5
timetz => 00:00+00 ¦ 24:00-15:59 ¦ 12:34:56.789+02 ¦ 12:34:56-05:30 ¦ 12:34:56+05:30:15
timetz => 23:59:59.999999+15:59:59 ¦ 01:00:00+00:00:01 ¦ 01:00:00-00:30 ¦ 12:00-15:59:59
timestamp => 2018-07-23 12:34:56.789 ¦ 2000-01-01 00:00:00 ¦ 1999-12-31 23:59:59.999999
timestamp => 2000-01-01 00:00:00.000001 ¦ 4714-11-24 00:00:00 BC ¦ 4713-01-01 00:00:00.000001 BC
timestamp => 0001-01-01 00:00 BC ¦ 0001-12-31 23:59:59.999999 BC ¦ 294276-12-31 23:59:59.999999
timestamp => 10000-01-01 ¦ infinity ¦ -infinity ¦ 1969-12-31 23:59:59.5 ¦ 2016-12-31 23:59:60
timestamp => 2020-02-29 24:00
timestamptz => 2018-07-23 12:34:56.789+02 ¦ 2000-01-01 00:00:00+00
timestamptz => 1999-12-31 23:59:59.999999+00 ¦ 1883-11-18 12:00 America/New_York
timestamptz => 4714-11-24 00:00:00+00 BC ¦ 0044-03-15 12:00:00.5+00 BC ¦ 0001-01-01 00:00+14
timestamptz => 294276-12-31 23:59:59.999999+00 ¦ 10000-01-01 00:00+00 ¦ infinity ¦ -infinity
timestamptz => 2100-02-28 23:59:59.1-01
timestamptz(3) => 2018-07-23 12:34:56.78951+00
interval => 0 ¦ 1 year ¦ -1 year ¦ 1 month ¦ 13 months ¦ -13 months ¦ 1 day ¦ -1 day ¦ 1 hour
interval => 25 hours ¦ 1 minute ¦ 1 second ¦ 0.5 second ¦ -0.5 second ¦ -1.5 seconds ¦ 0.000001 s
interval => -0.000001 s ¦ 59.999999 s ¦ -61.000001 s
interval => 1 year 2 months 3 days 4 hours 5 minutes 6.789 seconds
interval => -1 year -2 months -3 days -4 hours -5 minutes -6.789 seconds
interval => 1 month -2 days 3 hours ¦ -1 month 2 days -3 hours ¦ 1 day -00:00:01
interval => 2562047788:00:54.775807 ¦ -2562047788:00:54.775807 ¦ 178956970 years 7 months
interval => -178956970 years -8 months ¦ 2147483647 days ¦ -2147483648 days
interval => 178956970 years 7 months 2147483647 days 2562047788:00:54.775806 ¦ 1 year -1 month
interval => 100 hours 0.1 s ¦ 1 week ¦ 00:10:00 ¦ 00:00:10
int4[] => {} ¦ {1} ¦ {1,2,3} ¦ {NULL} ¦ {1,NULL,3} ¦ {{1,2},{3,4}} ¦ {{1},{NULL}}
int4[] => {{{1,2},{3,4}},{{5,6},{7,8}}} ¦ {{{{{{1,2}}}}}} ¦ [5:7]={1,2,3}
int4[] => [0:1][-2:-1]={{1,2},{3,4}} ¦ {2147483647,-2147483648}
bool[] => {t,f,NULL}
int2vector => ∅ ¦ 1 2 3
oidvector => 1 4294967295
int8[] => {9223372036854775807,NULL}
float8[] => {1.5,NaN,Infinity,-Infinity,NULL,1e15,-0}
float4[] => {1.5,NaN,-Infinity,1e6}
numeric[] => {1.10,NaN,Infinity,NULL} ¦ {{0.00},{1e20}}
text[] => {} ¦ {"",NULL,"NULL"} ¦ {"a\\"b","c\\\\d","e,f","{g}"} ¦ {{a,b},{c,NULL}}
text[] => {"\x01\u2028😀"}
varchar[] => {a,b}
name[] => {a,b}
uuid[] => {a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}
date[] => {2018-07-23,infinity,0044-03-15 BC,NULL}
timestamp[] => {2018-07-23 12:34:56.5,-infinity,0044-03-15 12:00 BC}
timestamptz[] => {2018-07-23 12:34:56.5+02,infinity}
interval[] => {1 day,-00:00:01,NULL}
json[] => {"{\\"a\\": 1}",null,"[ 1 ]"}
jsonb[] => {"{\\"a\\": [1,2]}",NULL,"null"}
bytea[] => {} ¦ {"\\\\x00ff","",NULL}
inet[] => {10.0.0.1,::1/64}
mood[] => {sad,NULL,"very \\"happy\\""} ¦ {{sad},{ok}}
positive[] => {1,2} ¦ {{1},{2}}
more_positive[] => {2,NULL}
amount[] => {1,2.345}
matrix => {{1,2},{3,4}}
matrix[] => {"{{1,2},{3,4}}",NULL,"{{5}}"} ¦ {{"{{1}}"},{"{{2}}"}}
pair => (1,one) ¦ (,) ¦ (1,"") ¦ (-5,"quote "" and \\\\ ")
checked_pair => (1,one)
checked_pair[] => {"(1,one)",NULL}
pair[] => {} ¦ {"(1,one)",NULL,"(,)"} ¦ {{"(1,a)"},{"(2,b)"}}
odd => (1,sad,2,"{{1,2},{3,4}}") ¦ (,,,) ¦ (1,"back\\\\slash",,)
empty_composite => ()
shrunk => (1,2018-07-23) ¦ (,)
shrunk[] => {"(1,2018-07-23)"}
outermost => (,,,,,,,,,,)
outermost => (9007199254740993,"(1,\\"x \\\\"\\"y\\\\"\\"\\")","{\\"(1,a)\\",NULL}",2018-07-23 12:34:56.5+02,9.5,"{a,NULL}","{\\"k\\":[1]}","{ }","[1,5)",,)
outermost[] => {"(1,,,,,,,,,,)",NULL}
int4range => empty ¦ [1,10) ¦ [1,10] ¦ (,) ¦ (,5) ¦ [5,) ¦ [-5,-1]
int8range => [9007199254740993,) ¦ (,)
numrange => [1.10,2.50] ¦ (1.1,) ¦ [-Infinity,NaN] ¦ (,Infinity) ¦ [0,1e20)
daterange => [2018-07-23,2018-07-30] ¦ [-infinity,infinity) ¦ [0044-03-15 BC,2000-01-01) ¦ empty
tsrange => [2018-07-23 12:00,2018-07-23 13:00:00.5) ¦ (,2018-01-01] ¦ [-infinity,infinity]
tsrange => [0044-03-15 BC,)
tstzrange => [2018-07-23 12:00+02,2018-07-23 13:00+00) ¦ (,) ¦ [0044-03-15 12:00+00 BC,infinity)
float8range_ => [0.1,1e15) ¦ (-Infinity,NaN)
float4range => [0.1,1e6)
textrange => [a,b] ¦ ["","a b"] ¦ ["(","q\\"q\\\\"] ¦ ["a,b","c\x0bd") ¦ (,"\x01ü\u00a0")
textrange => ["]","{}")
inetrange => [10.0.0.1/8,10.0.0.9/8] ¦ [::1,::2/128)
timerange => [01:00,02:00:00.5)
timetzrange => [01:00+02,02:00+02)
intervalrange => [1 day,2 months 3 hours)
boolrange => [f,t]
byteacharrange => ["","\\\\\\\\xff"]
moodrange => [sad,"very \\"happy\\""]
uuidrange => [00000000-0000-0000-0000-000000000000,)
rangerange => ["[1,2)","[3,\\"4\\")") ¦ [empty,)
jsonbrange => ["[1]","{\\"a\\": 1}"]
domainrange => [1,2.5)
charrange => [a,z] ¦ [""," "]
int4range[] => {"[1,5)",NULL,empty}
textrange[] => {"[\\"a b\\",c)"}
int4multirange => {} ¦ {[1,3)} ¦ {[1,3),[5,7)} ¦ {(,)}
int8multirange => {[1,3),[5,)}
nummultirange => {[1.10,2.2],(3,4)}
datemultirange => {[2018-07-23,2018-07-30),[2019-01-01,)}
tsmultirange => {[2018-07-23 12:00,2018-07-23 13:00)} ¦ {}
tstzmultirange => {[2018-07-23 12:00+02,2018-07-23 13:00+02)}
datemultirange[] => {"{[2018-07-23,2018-07-30)}"}
"#;

const TO_JSON: &str = "to_json(v)::text";
const BASE64: &str = r"to_json(translate(encode(v, 'base64'), E'\n', ''))::text";
const BASE64_ARRAY: &str =
    r"to_json(array(select translate(encode(b, 'base64'), E'\n', '') from unnest(v) b))::text";

/// What PostgreSQL is asked for to compare a type's values with.
fn reference(ty: &str) -> &'static str {
    match ty {
        "bytea" => BASE64,
        "bytea[]" => BASE64_ARRAY,
        "outermost with abc in it" => r#"replace(to_json(v)::text, '"\\x616263"', '"YWJj"')"#,
        "json" | "jsonb" => "v::text",
        "void" => "'null'",
        _ => TO_JSON,
    }
}

/// Values that are computed, not typed: `expression => type`, the type where it is not compared with
/// `to_json`.
const EXPRESSIONS: &str = r#"
pg_sleep(0) => void
array[pg_sleep(0)::text]
null::int4
null::text[]
null::pair
'an unknown literal'
repeat('9', 5000)::numeric
(repeat('9', 131072) || '.' || repeat('8', 16383))::numeric
('0.' || repeat('0', 16382) || '1')::numeric
1e131071::numeric
1e-16383::numeric
1::numeric / 3
10000::numeric ^ 100
2::numeric ^ 1000
2::numeric ^ -1000
sqrt(2::numeric(1000, 500))
(select string_agg(chr(c), '' order by c) from generate_series(1, 55295) c)
(select string_agg(chr(c), '' order by c) from generate_series(57344, 1114111, 17) c)
(select array_agg(chr(c) order by c) from generate_series(1, 300) c)
(select array_agg(repeat('a', n) || '"' || repeat('b', n)) from generate_series(0, 40) n)
(select array_agg(convert_to(repeat('x', n), 'UTF8')) from generate_series(0, 60) n) => bytea[]
decode(md5('a') || md5('b') || md5('c'), 'hex') => bytea
(select array_agg(n) from generate_series(-1000, 1000) n)
(select array_agg(repeat('1', n)::varbit) from generate_series(0, 20) n)
array[array[1.5, null], array[null, 'NaN'::numeric]]
row(1, 'x')::pair
row(1, null, array[row(2, 'y')::pair], null, 1, null, null, null, null, null, null)::outermost
row(1, null, null, null, null, null, null, null, null, 'abc'::bytea, null)::outermost => outermost with abc in it
current_database()
now()
current_date - 1
(select relname from pg_class order by 1 limit 1)
version()
gen_random_uuid()::text
"#;

#[derive(Default)]
struct Comparison {
    values: usize,
    different: Vec<String>,
}

impl Comparison {
    /// Compares the first column, through the encoder, with the second, which is text.
    async fn run(&mut self, client: &Client, sql: &str, values: &[String]) {
        let prepared = client.prepare(sql).await;
        let statement = prepared.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let encoder = Encoder::of(statement.columns()[0].type_())
            .unwrap_or_else(|unsupported| panic!("{sql}: {unsupported}"));
        let rows = match statement.params() {
            [] => client.query(&statement, &[]).await,
            _ => client.query(&statement, &[&values]).await,
        };
        for row in rows.unwrap_or_else(|error| panic!("{sql}: {error:?}")) {
            let raw = row.get::<_, Option<Raw<'_>>>(0).map(|Raw(raw)| raw);
            let wanted = row.get::<_, Option<&str>>(1).unwrap_or("null");
            let mut out = b"before,".to_vec();
            let written = encoder.write_nullable(raw, &mut out);
            let got = String::from_utf8(out).expect("JSON is UTF-8");
            if written.is_err() || got.strip_prefix("before,") != Some(wanted) {
                self.different.push(format!(
                    "{sql}: {written:?}\n  got    {got:.300}\n  wanted        {wanted:.300}"
                ));
            }
            self.values += 1;
            cut(&encoder, raw.unwrap_or_default());
        }
    }

    fn finish(self, at_least: usize) {
        let Comparison { values, different } = self;
        println!("{values} values compared, {} different", different.len());
        assert!(
            different.is_empty(),
            "{} of {values} differ:\n{}",
            different.len(),
            different.join("\n")
        );
        assert!(values >= at_least, "only {values} values compared");
    }
}

/// A value that ends early is malformed or a shorter value; the former leaves nothing behind.
fn cut(encoder: &Encoder, raw: &[u8]) {
    for end in 0..raw.len().min(300) {
        let mut out = b"before".to_vec();
        if encoder.write(&raw[..end], &mut out).is_err() {
            assert_eq!(out, b"before", "{encoder:?} left something behind");
        }
    }
}

async fn prepare_session(client: &Client) {
    client
        .batch_execute("set timezone = 'UTC'; set intervalstyle = iso_8601")
        .await
        .unwrap();
}

#[test]
fn every_type_reads_as_postgresql_prints_it() {
    let db = harness::database("values");
    let client = db.client();
    harness::block_on(async {
        prepare_session(client).await;
        client.batch_execute(TYPES).await.unwrap();
        let mut comparison = Comparison::default();
        for (ty, values) in CASES.lines().filter_map(|line| line.split_once(" => ")) {
            for value in values.split(" ¦ ") {
                let value = if value == "∅" { "" } else { value };
                let reference = reference(ty);
                let sql = format!("select v, {reference} from (select E'{value}'::{ty} as v) s");
                comparison.run(client, &sql, &[]).await;
            }
        }
        for line in EXPRESSIONS.lines().filter(|line| !line.is_empty()) {
            let (expression, ty) = line.split_once(" => ").unwrap_or((line, ""));
            let reference = reference(ty);
            let sql = format!("select v, {reference} from (select {expression} as v) s");
            comparison.run(client, &sql, &[]).await;
        }
        comparison.finish(550);
    });
}

/// A fixed sequence: a failure comes back on the next run (SplitMix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Mantissa and power of two of floats where algorithms for the shortest digits differ: few bits,
/// powers of two, exact midpoints, multiples of powers of five.
fn awkward(mantissa_bits: u32, random: &mut Random) -> Vec<(u64, i32)> {
    let mut list = Vec::new();
    for power in -1074..1024 {
        list.push((1, power));
        list.push((random.next() >> (64 - mantissa_bits), power));
    }
    for power in -80..140 {
        for _ in 0..10 {
            let bits = 1 + random.below(u64::from(mantissa_bits)) as u32;
            list.push((random.next() >> (64 - bits), power));
        }
        for five in (0..24).map(|exponent| 5u64.pow(exponent)) {
            let limit = 1 << (mantissa_bits + 1);
            let odd = (1 + random.below(limit) / five.min(limit)) | 1;
            let multiple = five.saturating_mul(odd);
            // The multiple itself, and the two floats it is the midpoint of.
            list.extend([multiple, multiple / 2, multiple / 2 + 1].map(|m| (m, power)));
        }
    }
    list.retain(|&(mantissa, _)| mantissa != 0 && mantissa >> mantissa_bits == 0);
    list
}

#[test]
fn floats_have_postgresqls_digits() {
    let db = harness::database("values_floats");
    let client = db.client();
    harness::block_on(async {
        let mut random = Random(2018);
        let mut doubles: Vec<f64> = (0..5000).map(|_| f64::from_bits(random.next())).collect();
        let mut singles: Vec<f32> = (0..5000)
            .map(|_| f32::from_bits(random.next() as u32))
            .collect();
        for (mantissa, power) in awkward(53, &mut random) {
            // In two steps: 2^-1074 alone has no reciprocal.
            let half = power / 2;
            doubles.push(mantissa as f64 * 2f64.powi(half) * 2f64.powi(power - half));
        }
        for (mantissa, power) in awkward(24, &mut random) {
            singles.push((mantissa as f64 * 2f64.powi(power.clamp(-200, 200))) as f32);
        }
        for power in -330..310 {
            let ten: f64 = format!("1e{power}").parse().unwrap();
            doubles.extend([
                ten.next_down(),
                ten,
                ten.next_up(),
                random.below(1000) as f64 * ten,
            ]);
            let ten = ten as f32;
            singles.extend([
                ten.next_down(),
                ten,
                ten.next_up(),
                random.below(100) as f32 * ten,
            ]);
        }
        for decimals in 0..8 {
            let scale = 10f64.powi(decimals);
            for _ in 0..2000 {
                let value = (random.next() >> (11 + random.below(50))) as f64 / scale;
                doubles.extend([value, -value, value.next_up()]);
                singles.push(value as f32);
            }
        }
        let mut comparison = Comparison::default();
        let texts: Vec<_> = doubles.iter().map(|value| format!("{value:e}")).collect();
        let sql = "select x::float8, to_json(x::float8)::text from unnest($1::text[]) x";
        comparison.run(client, sql, &texts).await;
        let texts: Vec<_> = singles.iter().map(|value| format!("{value:e}")).collect();
        let sql = "select x::float4, to_json(x::float4)::text from unnest($1::text[]) x";
        comparison.run(client, sql, &texts).await;
        comparison.finish(20_000);
    });
}

#[test]
fn random_values_read_as_postgresql_prints_them() {
    const COUNT: usize = 2000;
    let db = harness::database("values_random");
    let client = db.client();
    harness::block_on(async {
        prepare_session(client).await;
        let mut random = Random(2026);
        let mut comparison = Comparison::default();
        let mut compare = async |expression: &str, value: &mut dyn FnMut() -> String| {
            let values: Vec<_> = (0..COUNT).map(|_| value()).collect();
            let sql = format!(
                "select v, to_json(v)::text from (select {expression} as v from unnest($1::text[]) x) s"
            );
            comparison.run(client, &sql, &values).await;
        };
        let days = 2_145_031_948 + 2_451_545; // from 4714-11-24 BC to 5874897-12-31
        compare("date '2000-01-01' + x::int", &mut || {
            (random.below(days) as i64 - 2_451_545).to_string()
        })
        .await;
        let seconds = 9_223_371_331_200 + 211_813_488_000; // from 4714-11-24 BC to 294276-12-31
        for ty in ["timestamp", "timestamptz"] {
            let expression = format!("{ty} '2000-01-01' + x::interval");
            compare(&expression, &mut || {
                let second = random.below(seconds) as i64 - 211_813_488_000;
                let micros = random.below(1_000_000) / 10u64.pow(random.below(6) as u32);
                format!("{second} seconds {micros} microseconds")
            })
            .await;
        }
        compare("x::interval", &mut || {
            let [mut months, mut days, mut micros] = [0, 1, 2].map(|_| random.next() as i64);
            (months, days) = (
                months >> (32 + random.below(32)),
                days >> (32 + random.below(32)),
            );
            micros >>= 1 + random.below(60);
            format!("{months} months {days} days {micros} microseconds")
        })
        .await;
        compare("x::numeric", &mut || {
            let digits = 1 + random.below(60);
            let mut text: String = (0..digits)
                .map(|_| char::from(b"0001234567899"[random.below(13) as usize]))
                .collect();
            text.insert(random.below(digits + 1) as usize, '.');
            if random.below(2) == 0 {
                format!("-{text}")
            } else {
                text
            }
        })
        .await;
        compare("x::inet", &mut || {
            let groups = [0; 8].map(|_| match random.below(5) {
                0 => random.next() as u16,
                1 => 0xffff,
                _ => 0,
            });
            format!("{}/{}", std::net::Ipv6Addr::from(groups), random.below(129))
        })
        .await;
        compare("x", &mut || {
            let pool: Vec<char> = "\"\\\n\t\u{1}\u{1f}\u{7f}aaaaaaaa bé日😀\u{2028}"
                .chars()
                .collect();
            (0..random.below(40))
                .map(|_| pool[random.below(pool.len() as u64) as usize])
                .collect()
        })
        .await;
        compare("array[x::uuid::text, md5(x)]", &mut || {
            format!("{:016x}{:016x}", random.next(), random.next())
        })
        .await;
        comparison.finish(7 * COUNT);
    });
}

#[test]
fn other_types_are_refused_at_preparation() {
    let db = harness::database("values_refused");
    let client = db.client();
    harness::block_on(async {
        client
            .batch_execute(
                "create extension hstore; create type place as (name text, spot point);
                 create type arrayrange as range (subtype = int[]);
                 create type pairs as (a int, b int); create type pairrange as range (subtype = pairs)",
            )
            .await
            .unwrap();
        for (expression, message) in [
            (
                "'1'::money",
                "type money has no JSON form here: cast it, as in `column::text`",
            ),
            (
                "array['1'::money]",
                "type money (inside _money) has no JSON form here: cast it, as in `column::text`",
            ),
            ("'a'::tsvector", "type tsvector has"),
            ("'a'::tsquery", "type tsquery has"),
            ("'pg_class'::regclass", "type regclass has"),
            ("row(1, 2)", "type record has"),
            ("array[row(1, 2)]", "type _record has"),
            ("'a=>1'::hstore", "type hstore has"),
            ("point(1, 2)", "type point has"),
            ("'((0,0),(1,1))'::box", "type box has"),
            ("'$.a'::jsonpath", "type jsonpath has"),
            ("'1:1:'::txid_snapshot", "type txid_snapshot has"),
            (
                "row('x', point(1, 2))::place",
                "type point (inside place) has",
            ),
            ("array[null::place]", "type point (inside _place) has"),
            (
                "null::arrayrange",
                "type _int4 (inside arrayrange) has no text form here",
            ),
            // tokio-postgres does not know these for what they are, unless they are PostgreSQL's own.
            (
                "null::arraymultirange",
                "type arraymultirange has no JSON form here",
            ),
            (
                "null::pairrange",
                "type pairs (inside pairrange) has no text form here",
            ),
        ] {
            let statement = client
                .prepare(&format!("select {expression}"))
                .await
                .unwrap();
            let refused = Encoder::of(statement.columns()[0].type_())
                .unwrap_err()
                .to_string();
            assert!(refused.starts_with(message), "{refused} for {expression}");
            assert!(
                refused.ends_with(": cast it, as in `column::text`"),
                "{refused}"
            );
        }
    });
}

#[test]
fn a_composite_altered_after_preparation_is_an_error() {
    let db = harness::database("values_altered");
    let client = db.client();
    harness::block_on(async {
        for (name, alteration) in [
            ("grown", "add attribute c int"),
            ("shrunk", "drop attribute b"),
            ("changed", "alter attribute b type text"),
        ] {
            let create = format!("create type {name} as (a int, b int)");
            client.batch_execute(&create).await.unwrap();
            let sql = format!("select $1::text::{name}");
            let statement = client.prepare(&sql).await.unwrap();
            let encoder = Encoder::of(statement.columns()[0].type_()).unwrap();
            let mut out = Vec::new();
            let row = client.query_one(&statement, &[&"(1,2)"]).await.unwrap();
            encoder.write(row.get::<_, Raw<'_>>(0).0, &mut out).unwrap();
            assert_eq!(out, br#"{"a":1,"b":2}"#);

            client
                .batch_execute(&format!("alter type {name} {alteration}"))
                .await
                .unwrap();
            let value = match name {
                "grown" => "(1,2,3)",
                "shrunk" => "(1)",
                _ => "(1,two)",
            };
            let row = client.query_one(&statement, &[&value]).await.unwrap();
            let error = encoder
                .write(row.get::<_, Raw<'_>>(0).0, &mut out)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("altered since the statement was prepared"),
                "{error}"
            );
            assert_eq!(out, br#"{"a":1,"b":2}"#);
        }
    });
}
