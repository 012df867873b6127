//! Where to listen, as it is typed.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::runtime::MOST_PATH_BYTES;

/// What a UNIX socket's address begins with.
const UNIX: &str = "unix:";

/// A place to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `host:port`, with the host as typed; port 0 takes any free one.
    Tcp(String),
    /// `unix:/path`: a socket file. Who may connect is what the umask leaves of everybody, as with any new file.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return match unfit(Path::new(path)) {
                None => Ok(Address::Unix(path.into())),
                Some(why) => Err(format!("{text:?} is not an address: {why}")),
            };
        }
        let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        match port {
            Some(Ok(_)) => Ok(Address::Tcp(text.to_owned())),
            _ => Err(format!(
                "{text:?} is not an address: write host:port, such as 127.0.0.1:8080 or [::1]:8080, or unix:/path"
            )),
        }
    }
}

/// Why a path is none for a socket, if it is not.
pub(super) fn unfit(path: &Path) -> Option<String> {
    let bytes = path.as_os_str().as_bytes();
    // A relative one would be another socket in every directory that the service is started in.
    if !path.is_absolute() {
        return Some(
            "a socket's path begins at the root, such as unix:/run/peppercorn.sock".into(),
        );
    }
    if bytes.len() > MOST_PATH_BYTES {
        let length = bytes.len();
        return Some(format!(
            "a socket's path has {MOST_PATH_BYTES} bytes at most, this one {length}"
        ));
    }
    None
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(text) => f.write_str(text),
            Address::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for text in [
            "127.0.0.1:8080",
            "[::1]:0",
            "localhost:1",
            ":80",
            "unix:/run/a b.sock",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("unix:/a".parse(), Ok(Address::Unix("/a".into())));
    }

    #[test]
    fn what_is_no_address_says_what_is() {
        let long = |length: usize| format!("unix:/{}", "x".repeat(length - 1));
        assert!(long(107).parse::<Address>().is_ok());
        for (text, expected) in [
            ("", "write host:port"),
            ("8080", "write host:port"),
            ("localhost:http", "write host:port"),
            ("unix:", "begins at the root"),
            ("unix:8080", "begins at the root"),
            ("unix:./a.sock", "begins at the root"),
            (&long(108), "107 bytes at most, this one 108"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
