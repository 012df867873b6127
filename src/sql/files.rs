//! The texts of a directory's SQL files, read once: whoever is handed them has the same, whatever becomes of the files.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use anyhow::Context;

use super::finding::{Finding, Findings, Source};
use super::folder::SCHEMA;
use super::lockfile;

/// Paths and texts, in order of the paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// What all of them are below.
    pub(super) directory: PathBuf,
    pub(super) texts: Vec<(PathBuf, String)>,
    /// The text of the lock file, if there is one.
    pub(super) lock: Option<String>,
}

impl Files {
    /// Reads every `*.sql` file below `directory`, except hidden ones and `schema.sql` at the top.
    ///
    /// # Errors
    /// No such directory; a file that cannot be read; none at all. [`Findings`] for files that are not UTF-8.
    pub fn read(directory: &Path) -> anyhow::Result<Files> {
        if !directory.is_dir() {
            anyhow::bail!(
                "there is no directory {}; name the one with the SQL files",
                directory.display()
            );
        }
        let mut paths = Vec::new();
        for directory in Files::directories(directory)? {
            let (files, _) = listed(&directory)
                .with_context(|| format!("cannot read {}", directory.display()))?;
            paths.extend(files.into_iter().filter(|path| is_sql(path)));
        }
        paths.retain(|path| path != &directory.join(SCHEMA));
        paths.sort_unstable();
        if paths.is_empty() {
            anyhow::bail!(
                "no SQL file in {}: an endpoint is a file such as markets.sql there",
                directory.display()
            );
        }
        let (mut texts, mut findings) = (Vec::new(), Vec::new());
        for path in paths {
            let bytes = fs::read(&path);
            let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
            match String::from_utf8(bytes) {
                Ok(text) => texts.push((path, text)),
                Err(error) => findings.push(not_utf8(path, &error)),
            }
        }
        if !findings.is_empty() {
            return Err(Findings(findings).into());
        }
        let lock = directory.join(lockfile::NAME);
        Ok(Files {
            directory: directory.to_owned(),
            texts,
            lock: match fs::read_to_string(&lock) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                text => Some(text.with_context(|| format!("cannot read {}", lock.display()))?),
            },
        })
    }

    /// These paths and texts, whatever is on the disk.
    pub(super) fn compiled(texts: Vec<(PathBuf, String)>) -> Files {
        let is_lock = |path: &Path| path.file_name().is_some_and(|name| name == lockfile::NAME);
        let (lock, mut texts) = texts
            .into_iter()
            .partition::<Vec<_>, _>(|(path, _)| is_lock(path));
        texts.sort();
        Files {
            directory: PathBuf::new(),
            texts,
            lock: lock.into_iter().next().map(|(_, text)| text),
        }
    }

    /// Whether a file of this name is read.
    pub fn reads(name: &OsStr) -> bool {
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        !is_hidden && (is_sql(Path::new(name)) || name == lockfile::NAME)
    }

    /// `directory` and every directory below it where files are read. A link that leads back to where it is is not
    /// followed: what is below has been read.
    ///
    /// # Errors
    /// One that cannot be read.
    pub fn directories(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = vec![directory.to_owned()];
        let mut next = 0;
        while let Some(directory) = found.get(next).cloned() {
            let (_, below) = listed(&directory)
                .with_context(|| format!("cannot read {}", directory.display()))?;
            let onwards = |path: &PathBuf| !leads_back(path, &found[0]);
            let below: Vec<_> = below.into_iter().filter(onwards).collect();
            found.extend(below);
            next += 1;
        }
        Ok(found)
    }

    /// As bytes, for [`Files::from_bytes`] of another process: the directory, the lock file, each path and each text behind its length.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let directory = self.directory.as_os_str().as_bytes();
        let lock = self.lock.as_deref().unwrap_or_default();
        let texts = self.texts.iter();
        let pieces = texts.flat_map(|(path, text)| [path.as_os_str().as_bytes(), text.as_bytes()]);
        for piece in [directory, lock.as_bytes()].into_iter().chain(pieces) {
            bytes.extend_from_slice(&(piece.len() as u64).to_le_bytes());
            bytes.extend_from_slice(piece);
        }
        bytes
    }

    /// What [`Files::to_bytes`] made.
    ///
    /// # Errors
    /// Something else made it.
    pub fn from_bytes(mut bytes: &[u8]) -> anyhow::Result<Files> {
        let path = |bytes: &mut &[u8]| {
            let path = piece(bytes).context("the end of a path is missing")?;
            anyhow::Ok(PathBuf::from(OsString::from_vec(path.to_vec())))
        };
        let directory = path(&mut bytes)?;
        let lock = piece(&mut bytes).context("the end of the lock file is missing")?;
        let lock = String::from_utf8(lock.to_vec())?;
        let mut texts = Vec::new();
        while !bytes.is_empty() {
            let path = path(&mut bytes)?;
            let text = piece(&mut bytes).context("the end of a text is missing")?;
            texts.push((path, String::from_utf8(text.to_vec())?));
        }
        Ok(Files {
            directory,
            texts,
            lock: Some(lock).filter(|lock| !lock.is_empty()),
        })
    }
}

/// Takes a piece and its length from the front.
fn piece<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (piece, rest) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(piece)
}

/// Where a file that somebody has saved in another encoding ceases to be UTF-8.
fn not_utf8(path: PathBuf, error: &FromUtf8Error) -> Finding {
    let (bytes, at) = (error.as_bytes(), error.utf8_error().valid_up_to());
    let source = Arc::new(Source::new(path, String::from_utf8_lossy(bytes)));
    let message = format!("the byte 0x{:02x} is not UTF-8", bytes[at]);
    Finding::new(&source, at, message).with_hint("save the file as UTF-8")
}

/// Whether a directory is a link to one of those above it, up to `top`.
fn leads_back(path: &Path, top: &Path) -> bool {
    let Some(leads_to) = fs::canonicalize(path).ok().filter(|_| path.is_symlink()) else {
        return false;
    };
    let above = path.ancestors().skip(1);
    let mut above = above.take_while(|above| above.starts_with(top));
    above.any(|above| fs::canonicalize(above).is_ok_and(|above| above == leads_to))
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

/// The files and the directories in a directory, except hidden ones.
fn listed(directory: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        // Not `file_type`: a link to a directory is followed.
        match path.is_dir() {
            true => directories.push(path),
            false => files.push(path),
        }
    }
    Ok((files, directories))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let files = Files {
            directory: "a".into(),
            texts: vec![
                ("a/b.sql".into(), "select 'é'".into()),
                (OsString::from_vec(vec![b'c', 0xff]).into(), String::new()),
            ],
            lock: Some("{}".into()),
        };
        let bytes = files.to_bytes();
        assert_eq!(Files::from_bytes(&bytes).unwrap(), files);
        for end in 1..bytes.len() {
            let cut = Files::from_bytes(&bytes[..end]);
            assert!(cut.is_err() || cut.unwrap().texts.len() < 2, "{end}");
        }
        assert!(Files::from_bytes(&[0xff; 8]).is_err());
    }
}
