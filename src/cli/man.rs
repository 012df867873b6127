//! The manual page peppercorn(1), in the language of mdoc(7): the tables of commands and options, and what else who has no
//! README needs to know.

use std::fmt::Write;

use super::options::{COMMANDS, GROUPS, OPTIONS};
use super::{Opt, Verb};

/// When what it says was last gone through.
const DATE: &str = "November 29, 2026";

/// Of its lines of text, in characters.
const WIDTH: usize = 80;

const DESCRIPTION: &str = r"The SQL files below
.Ar DIR
are the endpoints of an HTTP API.
Each statement has a header of comments: a name, a route,
the types of its parameters.
The statements are prepared in PostgreSQL before the first request is taken,
and answers are JSON.
.Bd -literal -offset indent
-- name: list-trades
-- http: GET /contracts/{contract_id}/trades
-- :contract_id int
-- :limit int default 20 check 1..100
select id, price, quantity from trades
where contract_id = :contract_id order by id desc limit :limit;
.Ed
.Pp
The commands are:
";

const AFTER_OPTIONS: &str = r"Each option is read from a variable when it is not given,
.Ev PEPPERCORN_MAX_BODY
for
.Fl -max-body ;
what is repeatable is a list there, with commas.
Times take ms, s, m or h; sizes take KiB, MiB or GiB.
.Sh SIGNALS
.Bl -tag -width Ds
.It Dv SIGTERM
Finish the requests in flight, for
.Fl -graceful-timeout
at most, and exit with 0.
.It Dv SIGINT , SIGQUIT , No a second Dv SIGTERM
Stop at once.
.It Dv SIGHUP
Read the SQL files, the keys of tokens and the credentials again.
If anything is wrong the log says what, and what served goes on.
A supervisor starts new workers for that,
of the program that is on the disk by then.
.It Dv SIGTTIN , SIGTTOU
One worker more, one less; of a supervisor.
.El
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev PEPPERCORN_ Ns Ar OPTION
An option that is not given.
.It Ev DATABASE_URL
The database, as a URL.
.It Ev PEPPERCORN_READ_DATABASE_URL
Where GETs go, such as a standby, if that is elsewhere.
.It Ev PGHOST , PGHOSTADDR , PGPORT , PGUSER , PGPASSWORD , PGDATABASE , PGOPTIONS , PGAPPNAME , PGCONNECT_TIMEOUT , PGTARGETSESSIONATTRS , PGPASSFILE , PGSSLMODE , PGSSLROOTCERT , PGSSLCERT , PGSSLKEY , PGSSLNEGOTIATION , PGCHANNELBINDING
The database, as for libpq.
.It Ev STATE_DIRECTORY , XDG_STATE_HOME
Where the private PostgreSQL lives without
.Fl -state-dir .
.It Ev CREDENTIALS_DIRECTORY
The directory of systemd's credentials, see
.Sx FILES .
.It Ev PORT , WEB_CONCURRENCY , FORWARDED_ALLOW_IPS
Defaults of
.Fl -bind , -workers
and
.Fl -forwarded-allow-ips .
.It Ev SENTRY_DSN
Where failures are reported.
.Ev SENTRY_ENVIRONMENT , SENTRY_RELEASE , SENTRY_SERVER_NAME , SENTRY_SAMPLE_RATE , SENTRY_TRACES_SAMPLE_RATE
and
.Ev SENTRY_SEND_DEFAULT_PII
say what is told.
.It Ev HTTPS_PROXY , HTTP_PROXY , ALL_PROXY , NO_PROXY
The way to Sentry.
.It Ev LISTEN_FDS , NOTIFY_SOCKET , WATCHDOG_USEC , JOURNAL_STREAM
What systemd passes to a service.
.It Ev RUST_BACKTRACE
With 1, panics are in the log with their stack.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa DIR/**/*.sql
The endpoints.
.It Pa DIR/schema.sql
What a new private PostgreSQL is filled with.
.It Pa DIR/peppercorn.lock
What the database said, by
.Ic check -lock :
with it a server starts while its database is away.
.It Pa $CREDENTIALS_DIRECTORY/database-url
The database, where no variable says it.
.It Pa $CREDENTIALS_DIRECTORY/read-database-url , $CREDENTIALS_DIRECTORY/sentry-dsn , $CREDENTIALS_DIRECTORY/jwt-key
Likewise where GETs go, Sentry's DSN and the keys of tokens.
.It Pa /etc/peppercorn/peppercorn.env
Settings of the service
.Pa peppercorn.service ,
which serves
.Pa /etc/peppercorn/sql
and takes the credentials from
.Pa /etc/peppercorn/database-url , /etc/peppercorn/sentry-dsn
and
.Pa /etc/peppercorn/jwt-key .
.It Pa ~/.local/state/peppercorn , /var/lib/peppercorn
The private PostgreSQL, of users and of root.
.It Pa ~/.pgpass , ~/.postgresql/
Passwords, roots, certificates and keys, as for libpq.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds -compact
.It 0
Done.
.It 1
The API is not what the document says, of
.Ic openapi -against .
.It 64
The command line is wrong.
.It 65
An SQL file is wrong.
.It 66
There is no such file or directory.
.It 69
There is no database, or no answer.
.It 70
Something went wrong inside.
.It 71
The system refuses something.
.It 73
The address cannot be listened on.
.It 78
A setting is wrong.
.It 130
A bench was interrupted.
.El
.Sh EXAMPLES
Serve a folder from a PostgreSQL that is started for it:
.Pp
.Dl $ peppercorn serve examples/exchange
.Pp
Serve it from another database, with two workers:
.Pp
.Dl $ DATABASE_URL=postgres://shop@db.example/shop peppercorn serve api -w 2
.Pp
Annotate the pull request that has a wrong file:
.Pp
.Dl $ peppercorn check api --format github
.Pp
Take new SQL files without a gap:
.Pp
.Dl # systemctl reload peppercorn
.Pp
Complete options in bash:
.Pp
.Dl $ source <(peppercorn completions bash)
.Sh SEE ALSO
.Xr psql 1 ,
.Xr systemd.exec 5
";

/// The whole page.
pub(super) fn page() -> String {
    let mut out = format!(
        ".\\\" Printed by `peppercorn man`.
.Dd {DATE}
.Dt PEPPERCORN 1
.Os
.Sh NAME
.Nm peppercorn
.Nd a REST API out of a folder of SQL files on PostgreSQL
.Sh SYNOPSIS
"
    );
    for verb in COMMANDS {
        // Writing to a String does not fail.
        let _ = writeln!(out, ".Nm\n.Cm {}", verb.name);
        if verb.command.is_some() {
            out.push_str(".Op Ar option ...\n");
        }
        if !verb.operand.is_empty() {
            let _ = writeln!(out, ".{}", operand(verb));
        }
    }
    out.push_str(".Sh DESCRIPTION\n");
    out.push_str(DESCRIPTION);
    out.push_str(".Bl -tag -width Ds\n");
    for verb in COMMANDS {
        let typed = format!(".It Cm {} {}", verb.name, operand(verb));
        let _ = writeln!(out, "{}", typed.trim_end());
        sentence(verb.help, &mut out);
    }
    out.push_str(".El\n");
    for (title, commands) in GROUPS {
        let _ = writeln!(out, ".Ss Options of {title}\n.Bl -tag -width Ds");
        for option in OPTIONS.iter().filter(|option| option.commands == *commands) {
            item(option, &mut out);
        }
        out.push_str(".El\n");
    }
    out.push_str(".Ss Variables and units\n");
    out.push_str(AFTER_OPTIONS);
    out
}

/// `Op Ar DIR`, or `Ar SHELL` where it cannot be left out.
fn operand(verb: &Verb) -> String {
    let name = verb.operand.trim_matches(['[', ']']);
    match (verb.operand.is_empty(), verb.operand.starts_with('[')) {
        (true, _) => String::new(),
        (_, true) => format!("Op Ar {name}"),
        (_, false) => format!("Ar {name}"),
    }
}

/// An option, what it does and what it is when nobody says.
fn item(option: &Opt, out: &mut String) {
    let short = option.short.map(|letter| format!("Fl {letter} , "));
    let value = match option.value {
        "" => String::new(),
        value => format!(" Ar {}", escaped(value)),
    };
    let short = short.unwrap_or_default();
    // Writing to a String does not fail.
    let _ = writeln!(out, ".It {short}Fl -{}{value}", option.name);
    match option.default {
        "" => sentence(option.help, out),
        default => sentence(&format!("{} [default: {default}]", option.help), out),
    }
}

/// A line of help as text: what is the default there is a sentence here.
fn sentence(help: &str, out: &mut String) {
    let (what, default) = match help.split_once(" [default: ") {
        Some((what, default)) => (what, Some(default.trim_end_matches(']'))),
        None => (help, None),
    };
    let mut letters = what.chars();
    let first = letters.next().unwrap_or_default().to_uppercase();
    fill(&format!("{first}{}.", letters.as_str()), out);
    if let Some(default) = default {
        fill(&format!("Default: {default}."), out);
    }
}

/// Text as lines of at most 80 characters.
fn fill(text: &str, out: &mut String) {
    let mut column = 0;
    for word in escaped(text).split(' ') {
        if column > 0 && column + 1 + word.len() > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        } else if word.starts_with(['.', '\'']) {
            // At the start of a line these begin a request.
            out.push_str("\\&");
        }
        out.push_str(word);
        column += word.len();
    }
    out.push('\n');
}

/// Without a meaning to the formatter: `\\` begins its escapes, and a `-` is else a hyphen, which nobody can copy.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\e").replace('-', r"\-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_option_is_there() {
        let page = page();
        for verb in COMMANDS {
            assert!(page.contains(&format!(".It Cm {}", verb.name)), "{verb:?}");
        }
        for option in OPTIONS {
            assert!(page.contains(&format!("Fl -{}", option.name)), "{option:?}");
        }
    }

    #[test]
    fn no_text_is_taken_for_a_request() {
        for line in page().lines().filter(|line| line.starts_with(['.', '\''])) {
            let name = line[1..].split(' ').next().unwrap();
            let known = "\\\" Ar Bd Bl Cm Dd Dl Dt Ed El Ev Fl Ic It Nd Nm Op Os Pa Pp Sh Ss Sx Xr";
            assert!(known.split(' ').any(|one| one == name), "{line}");
        }
    }
}
