//! Bearer tokens, as whoever issues them makes them.

use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Folder;

/// What tokens of the tests are signed with.
pub const SECRET: &str = "a secret that the tests and the server share";

/// Writes a secret into a file that is closed to others; its path.
pub fn write_key(folder: &Folder, secret: &str) -> String {
    folder.write("jwt.key", secret);
    let path = folder.path().join("jwt.key");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// The value of `Authorization` with a token of this payload.
pub fn bearer(payload: &str) -> String {
    bearer_by(SECRET, payload)
}

/// The same, signed with another secret.
pub fn bearer_by(secret: &str, payload: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let sign = |input: &str| ring::hmac::sign(&key, input.as_bytes()).as_ref().to_vec();
    format!("Bearer {}", signed("HS256", payload, sign))
}

/// A token with this payload.
pub fn signed(algorithm: &str, payload: &str, sign: impl FnOnce(&str) -> Vec<u8>) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    let [header, payload] = [&header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let input = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(sign(&input));
    format!("{input}.{signature}")
}
