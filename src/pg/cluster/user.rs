//! The user that PostgreSQL runs as when we are root.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};

/// Debian's package makes this user.
const NAME: &str = "postgres";

/// A user of this machine.
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// The user to become, if we are root; none if PostgreSQL can run as who we are.
    pub(super) fn for_postgres() -> anyhow::Result<Option<User>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        match find(&passwd, NAME) {
            Some(user) => Ok(Some(user)),
            None => bail!(
                "PostgreSQL does not run as root, and there is no user {NAME} on this machine to run it as; add it \
                 (useradd --system {NAME}), or start peppercorn as another user"
            ),
        }
    }

    /// Refuses a directory that this user cannot reach, naming the one in the way.
    pub(super) fn check_access(&self, directory: &Path) -> anyhow::Result<()> {
        for ancestor in directory.ancestors().skip(1) {
            let meta = std::fs::metadata(ancestor)?;
            let mode = meta.permissions().mode();
            let may_pass = match (meta.uid() == self.uid, meta.gid() == self.gid) {
                (true, _) => mode & 0o100 != 0,
                (_, true) => mode & 0o010 != 0,
                _ => mode & 0o001 != 0,
            };
            if !may_pass {
                bail!(
                    "as root PostgreSQL runs as the user {NAME}, who may not pass {} on the way to the state \
                     directory {}; choose another place with --state-dir, such as /var/lib/peppercorn",
                    ancestor.display(),
                    directory.display()
                );
            }
        }
        Ok(())
    }
}

/// `name:password:uid:gid:…`, passwd(5).
fn find(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:7::/:\npostgres:x:105:113:,,,:/var:/bin/bash\n";
        let user = find(passwd, "postgres").unwrap();
        assert_eq!((user.uid, user.gid), (105, 113));
        assert!(find(passwd, "nobody").is_none());
    }
}
