//! Where the database is: a URL, and what libpq's environment variables fill in.
//!
//! Precedence as in libpq: what the URL says, else `PG*`, else the password file, else a default.
//! Source: PostgreSQL, "Environment Variables" and "The Password File" of libpq's manual.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio_postgres::config::{ChannelBinding, Host, LoadBalanceHosts, SslNegotiation};

use super::config::Config;
use super::connect::DEFAULT_SOCKET_DIR;
use super::options::{self, Taken};
use super::secure;
use super::target::Target;
use crate::environment::Variables;

/// Of an address with a mistake in it.
pub(super) const NOT_VALID: &str =
    "the database URL is not valid; expected postgres://user@host:port/database";

/// Whether the environment names a database without a URL.
pub fn in_environment(variables: Variables<'_>) -> bool {
    ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER"]
        .iter()
        .any(|name| variables(name).is_some())
}

/// The settings from a URL or `key=value` string, completed from the environment. The files of certificates that they
/// lead to are read.
///
/// # Errors
/// What is wrong with the URL, a variable or a file; never with the password in the text.
pub fn read(url: Option<&str>, variables: Variables<'_>) -> anyhow::Result<Config> {
    let (mut config, taken) = match url {
        Some(url) => parse(url)?,
        None => Default::default(),
    };
    complete(&mut config, variables)?;
    if config.get_password().is_none()
        && let Some(password) = password_file(&config, variables)
    {
        config.password(password);
    }
    let unix = |host: &Host| matches!(host, Host::Unix(_));
    let local = config.get_hosts().iter().all(unix);
    let local = local && (config.get_hostaddrs().is_empty() || !config.get_hosts().is_empty());
    let negotiation = config.get_ssl_negotiation();
    let secure = secure::read(&taken, variables, negotiation, !local)?;
    let target = target(&taken, variables)?;
    Ok(Config::with(config, target, secure))
}

fn target(taken: &Taken, variables: Variables<'_>) -> anyhow::Result<Target> {
    let said = taken.get("target_session_attrs").map(str::to_owned);
    let (name, word) = match (said, variables("PGTARGETSESSIONATTRS")) {
        (Some(word), _) => ("target_session_attrs", word),
        (None, Some(word)) => ("PGTARGETSESSIONATTRS", word),
        (None, None) => return Ok(Target::Any),
    };
    Target::read(&word).map_err(|error| anyhow::anyhow!("{name}: {error}"))
}

fn parse(url: &str) -> anyhow::Result<(tokio_postgres::Config, Taken)> {
    // What is not a URL is read as `key=value`: then a key is all that stands before the first `=`, and the parser's
    // error would show it, with the password of a URL whose scheme is misspelt.
    let is_url = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    let (url, taken) = match is_url {
        true => options::of_url(url),
        false => options::of_pairs(url),
    };
    let parsed = match url.contains("://") && !is_url {
        true => Err(anyhow::anyhow!(
            "it begins neither postgres:// nor postgresql://"
        )),
        // The parser's errors name the option, not its value: safe to show.
        false => url.parse::<tokio_postgres::Config>().map_err(|error| {
            match std::error::Error::source(&error) {
                Some(cause) => anyhow::anyhow!("{cause}"),
                None => anyhow::anyhow!("{error}"),
            }
        }),
    };
    let has_sign = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
    parsed
        .and_then(|config| match config.get_hosts().iter().any(has_sign) {
            // The rest of the password would be shown wherever the host is.
            true => bail!("an @ in the user's name or the password is written %40"),
            false => Ok((config, taken)),
        })
        .context(NOT_VALID)
}

fn complete(config: &mut tokio_postgres::Config, variables: Variables<'_>) -> anyhow::Result<()> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        for host in list(variables("PGHOST")) {
            // As libpq: a host that is a path is a UNIX socket's directory.
            match host.starts_with('/') {
                true => config.host_path(host),
                false => config.host(host),
            };
        }
        for address in list(variables("PGHOSTADDR")) {
            config.hostaddr(
                address
                    .parse()
                    .with_context(|| format!("PGHOSTADDR {address:?}"))?,
            );
        }
    }
    if config.get_ports().is_empty() {
        for port in list(variables("PGPORT")) {
            config.port(
                port.parse()
                    .with_context(|| format!("PGPORT {port:?} is not a port"))?,
            );
        }
    }
    if let (None, Some(user)) = (config.get_user(), variables("PGUSER")) {
        config.user(user);
    }
    if let (None, Some(password)) = (config.get_password(), variables("PGPASSWORD")) {
        config.password(password);
    }
    if let (None, Some(database)) = (config.get_dbname(), variables("PGDATABASE")) {
        config.dbname(database);
    }
    if let (None, Some(options)) = (config.get_options(), variables("PGOPTIONS")) {
        config.options(options);
    }
    if config.get_application_name().is_none() {
        config.application_name(variables("PGAPPNAME").unwrap_or_else(|| "peppercorn".into()));
    }
    if let (None, Some(seconds)) = (config.get_connect_timeout(), variables("PGCONNECT_TIMEOUT")) {
        let seconds = seconds
            .parse()
            .with_context(|| format!("PGCONNECT_TIMEOUT {seconds:?} is not a number of seconds"))?;
        config.connect_timeout(Duration::from_secs(seconds));
    }
    // These have a value from the start: a variable only replaces the default.
    if let (SslNegotiation::Postgres, Some(way)) =
        (config.get_ssl_negotiation(), variables("PGSSLNEGOTIATION"))
    {
        config.ssl_negotiation(match way.as_str() {
            "postgres" => SslNegotiation::Postgres,
            "direct" => SslNegotiation::Direct,
            _ => bail!("PGSSLNEGOTIATION {way:?} is neither postgres nor direct"),
        });
    }
    if let (ChannelBinding::Prefer, Some(wanted)) =
        (config.get_channel_binding(), variables("PGCHANNELBINDING"))
    {
        config.channel_binding(match wanted.as_str() {
            "disable" => ChannelBinding::Disable,
            "prefer" => ChannelBinding::Prefer,
            "require" => ChannelBinding::Require,
            _ => bail!("PGCHANNELBINDING {wanted:?} is not one of disable, prefer, require"),
        });
    }
    if let (LoadBalanceHosts::Disable, Some(way)) = (
        config.get_load_balance_hosts(),
        variables("PGLOADBALANCEHOSTS"),
    ) {
        config.load_balance_hosts(match way.as_str() {
            "disable" => LoadBalanceHosts::Disable,
            "random" => LoadBalanceHosts::Random,
            _ => bail!("PGLOADBALANCEHOSTS {way:?} is neither disable nor random"),
        });
    }
    Ok(())
}

/// A comma-separated list; an absent or empty variable is an empty one.
fn list(value: Option<String>) -> Vec<String> {
    let value = value.unwrap_or_default();
    value
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The password for the first host from `PGPASSFILE` or `~/.pgpass`. As libpq: a file that others may read is
/// not used.
fn password_file(config: &tokio_postgres::Config, variables: Variables<'_>) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let path = match variables("PGPASSFILE") {
        Some(path) => path.into(),
        None => Path::new(&variables("HOME")?).join(".pgpass"),
    };
    let file = std::fs::metadata(&path).ok()?;
    if !file.is_file() || file.permissions().mode() & 0o077 != 0 {
        return None;
    }
    let address = config.get_hostaddrs().first().map(ToString::to_string);
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.as_str(),
        // The usual place of the socket is this machine; another one has the name of its directory.
        Some(Host::Unix(directory)) if directory != Path::new(DEFAULT_SOCKET_DIR) => {
            directory.to_str()?
        }
        Some(Host::Unix(_)) => "localhost",
        None => address.as_deref().unwrap_or("localhost"),
    };
    let port = config
        .get_ports()
        .first()
        .copied()
        .unwrap_or(5432)
        .to_string();
    let user = config.get_user().unwrap_or("");
    let database = config.get_dbname().unwrap_or(user);
    let wanted = [host, &port, database, user];
    std::fs::read_to_string(path)
        .ok()?
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| match fields(line).as_slice() {
            [place @ .., password] if place.len() == 4 => {
                let fits = place
                    .iter()
                    .zip(wanted)
                    .all(|(have, want)| have == "*" || have == want);
                fits.then(|| password.clone())
            }
            _ => None,
        })
        .next()
}

/// The colon-separated fields of a line; a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, fields.last_mut()) {
            (':', _) => fields.push(String::new()),
            ('\\', Some(field)) => field.extend(characters.next()),
            (other, Some(field)) => field.push(other),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::only;

    fn config(url: Option<&str>, variables: &[(&str, &str)]) -> Config {
        read(url, &only(variables)).unwrap()
    }

    #[test]
    fn the_url_comes_before_the_environment() {
        let variables = [
            ("PGHOST", "env"),
            ("PGPORT", "1"),
            ("PGUSER", "env"),
            ("PGDATABASE", "env"),
        ];
        let config = config(Some("postgres://ann:s%40c@db:5433/shop"), &variables);
        assert_eq!(config.get_hosts(), [Host::Tcp("db".into())]);
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_user(), Some("ann"));
        assert_eq!(config.get_password(), Some(&b"s@c"[..]));
        assert_eq!(config.get_dbname(), Some("shop"));
    }

    #[test]
    fn the_environment_fills_what_the_url_leaves_out() {
        let variables = [
            ("PGHOST", "/run/postgresql,db2"),
            ("PGPORT", "5433,5434"),
            ("PGUSER", "ann"),
            ("PGAPPNAME", "shop"),
            ("PGTARGETSESSIONATTRS", "primary"),
        ];
        let config = config(Some("postgres:///shop"), &variables);
        let hosts = [
            Host::Unix("/run/postgresql".into()),
            Host::Tcp("db2".into()),
        ];
        assert_eq!(config.get_hosts(), hosts);
        assert_eq!(config.get_ports(), [5433, 5434]);
        assert_eq!(config.get_application_name(), Some("shop"));
        assert_eq!(config.target(), Target::Primary);
    }

    #[test]
    fn of_several_hosts_the_url_says_which_is_meant() {
        let variables = [
            ("PGTARGETSESSIONATTRS", "standby"),
            ("PGLOADBALANCEHOSTS", "random"),
        ];
        let config = config(
            Some("postgres://a,b/shop?target_session_attrs=prefer-standby"),
            &variables,
        );
        assert_eq!(config.target(), Target::PreferStandby);
        assert_eq!(config.get_load_balance_hosts(), LoadBalanceHosts::Random);
        let wrong = read(Some("host=a target_session_attrs=master"), &|_| None);
        let error = format!("{:#}", wrong.unwrap_err());
        assert!(
            error.contains("target_session_attrs: \"master\""),
            "{error}"
        );
    }

    #[test]
    fn errors_do_not_show_the_password() {
        for url in [
            "postgres://ann:secret@db:port/x",
            "host=db password=secret bogus=1",
            "secret",
        ] {
            let error = format!("{:#}", read(Some(url), &|_| None).unwrap_err());
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn password_file_lines_are_split_at_bare_colons() {
        assert_eq!(fields(r"a\:b:c\\:d"), ["a:b", r"c\", "d"]);
    }
}
