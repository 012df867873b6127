//! Files that hold secrets, and who else may read them.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// What is wrong with a file that others can read; `None` if they cannot. As libpq has it for private keys: one of root's
/// may be read by a group.
pub(crate) fn exposed(file: &Metadata) -> Option<String> {
    let others = match file.uid() {
        0 => 0o037,
        _ => 0o077,
    };
    (file.mode() & others != 0).then(|| {
        format!(
            "is open to others ({:04o}); its mode must be 0600 or less, or 0640 or less if it belongs to root",
            file.mode() & 0o7777
        )
    })
}
