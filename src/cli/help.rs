//! The text of `--help`.

use std::fmt::Write;

use super::options::{COMMANDS, GROUPS, OPTIONS};

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "A REST API out of a folder of SQL files on PostgreSQL.

Usage: peppercorn COMMAND [OPTIONS] [OPERAND]

Commands:
",
    );
    for verb in COMMANDS {
        let typed = format!("{} {}", verb.name, verb.operand);
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {typed:<18}{}", verb.help);
    }
    for (title, commands) in GROUPS {
        let _ = writeln!(text, "\nOptions of {title}:");
        for option in OPTIONS.iter().filter(|option| option.commands == *commands) {
            let short = option
                .short
                .map_or("    ".to_owned(), |letter| format!("-{letter}, "));
            let flag = format!("{short}--{} {}", option.name, option.value);
            let flag = flag.trim_end();
            let default = match option.default {
                "" => String::new(),
                default => format!(" [default: {default}]"),
            };
            let _ = writeln!(text, "  {flag:<32}{}{default}", option.help);
        }
    }
    text.push_str(
        "
Each option is read from PEPPERCORN_<OPTION> when it is not given: PEPPERCORN_MAX_BODY=8MiB; what is
repeatable is a list there: PEPPERCORN_BIND=127.0.0.1:8080,unix:/run/api.sock.
Times take ms, s, m or h; sizes take KiB, MiB or GiB.

The database:
  DATABASE_URL, or PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, … as libpq reads them, or the
  file database-url in $CREDENTIALS_DIRECTORY; PEPPERCORN_READ_DATABASE_URL, or the file
  read-database-url, for GETs, if those go to a standby. With none of them a private PostgreSQL is started;
  it keeps its data in --state-dir, else $STATE_DIRECTORY, else a directory of its own for each
  DIR below $XDG_STATE_HOME/peppercorn, ~/.local/state/peppercorn, or, as root, /var/lib/peppercorn.

The key of tokens may also be the file jwt-key in $CREDENTIALS_DIRECTORY.

Exit status:
  0 done, 1 the document differs, 64 usage, 65 an SQL file is wrong, 66 no such file, 69 no database, 70 internal,
  71 the system refuses something, 73 cannot listen, 78 a setting is wrong, 130 a bench was interrupted
",
    );
    text
}
