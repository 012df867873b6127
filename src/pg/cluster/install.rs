//! Finding PostgreSQL's programs on this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Debian keeps each version's server programs in a directory of its own, outside of PATH.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The oldest version the server works with.
const OLDEST: u32 = 13;

/// A directory with `initdb` and `postgres`.
pub(super) struct Install {
    bin: PathBuf,
}

impl Install {
    /// The first directory of PATH that has both programs, else the newest version Debian has installed.
    pub(super) fn find() -> anyhow::Result<Install> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let in_path = std::env::split_paths(&path).find(|bin| is_install(bin));
        match in_path.or_else(newest_of_debian) {
            // Links in PATH are resolved: PostgreSQL looks for its other files beside the program.
            Some(bin) => Ok(Install { bin: resolve(bin) }),
            None => bail!(
                "PostgreSQL is not installed: neither PATH nor {DEBIAN} has initdb and postgres; install it \
                 (Debian: apt-get install postgresql), or set DATABASE_URL to use one that runs elsewhere"
            ),
        }
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Refuses a cluster that another major version of PostgreSQL has made, before PostgreSQL does so in its log.
    pub(super) fn check_version(&self, data: &Path) -> anyhow::Result<()> {
        let made_by =
            std::fs::read_to_string(data.join("PG_VERSION")).context("cannot read PG_VERSION")?;
        let made_by: u32 = made_by
            .trim()
            .parse()
            .context("PG_VERSION is not a number")?;
        let ours = self.major_version()?;
        if ours < OLDEST {
            bail!(
                "PostgreSQL {ours} in {} is too old; {OLDEST} or newer is needed",
                self.bin.display()
            );
        }
        if made_by != ours {
            bail!(
                "{} was made by PostgreSQL {made_by}, but {} is version {ours}; install version {made_by}, or move \
                 the data with pg_upgrade or pg_dump",
                data.display(),
                self.bin.display()
            );
        }
        Ok(())
    }

    /// `postgres (PostgreSQL) 15.18 (Debian …)` → 15.
    fn major_version(&self) -> anyhow::Result<u32> {
        let output = std::process::Command::new(self.program("postgres"))
            .arg("--version")
            .output();
        let output = output.context("cannot run postgres --version")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = text
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        number
            .and_then(|number| number.split(|c: char| !c.is_ascii_digit()).next())
            .and_then(|major| major.parse().ok())
            .with_context(|| format!("cannot read the version of PostgreSQL from {text:?}"))
    }
}

fn is_install(bin: &Path) -> bool {
    bin.join("initdb").is_file() && bin.join("postgres").is_file()
}

fn resolve(bin: PathBuf) -> PathBuf {
    let real = std::fs::canonicalize(bin.join("postgres")).ok();
    let real = real
        .as_deref()
        .and_then(Path::parent)
        .filter(|bin| is_install(bin));
    real.map_or(bin, Path::to_path_buf)
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).ok()?;
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| is_install(bin))
        .max()
        .map(|(_, bin)| bin)
}
