//! What signatures are checked with.

use std::fmt;

use anyhow::bail;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::agreement::{self, EphemeralPrivateKey, agree_ephemeral};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use ring::{hmac, rand};

use super::token::Token;
use super::{Refused, jwk, pem};
use crate::der::Der;

/// Keys that tokens are signed with: shared secrets and public keys, as they are in a file.
///
/// Each is for one algorithm, and is used with no other: what a token says of itself picks a key, but cannot make an RSA
/// key into a secret. Where keys have names, a token's `kid` says which of them it is; one without a name may be any.
///
/// ```
/// use peppercorn::auth::Keys;
///
/// let keys = Keys::read(b"what the shop and its issuer share\n")?;
/// // Nothing of them is shown.
/// assert_eq!(format!("{keys:?}"), "[Hs256]");
/// # anyhow::Ok(())
/// ```
pub struct Keys(Vec<Key>);

/// The ways to sign that are taken (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Es256,
}

const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("HS256", Algorithm::Hs256),
    ("HS384", Algorithm::Hs384),
    ("HS512", Algorithm::Hs512),
    ("RS256", Algorithm::Rs256),
    ("ES256", Algorithm::Es256),
];

impl Algorithm {
    /// Names are case-sensitive (RFC 7515 section 4.1.1).
    pub(super) fn named(name: &str) -> Option<Algorithm> {
        let found = ALGORITHMS.iter().find(|(known, _)| *known == name);
        found.map(|(_, algorithm)| *algorithm)
    }
}

/// One key, for one algorithm.
pub(super) struct Key {
    /// What tokens call it.
    id: Option<String>,
    algorithm: Algorithm,
    material: Material,
}

enum Material {
    Secret(hmac::Key),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// The point, uncompressed.
    Ec(UnparsedPublicKey<Vec<u8>>),
}

impl Keys {
    /// The keys in a file of these bytes: PEM with public keys, a JWK or a set of them (RFC 7517), else a shared secret,
    /// as it stands but for one line end behind it.
    ///
    /// # Errors
    /// No key that can be used, and why; a private key, where a public one is enough; a shared secret that is too short,
    /// or looks like a public key, which anybody may know.
    ///
    /// ```
    /// use peppercorn::auth::Keys;
    ///
    /// let jwks = br#"{"keys": [{
    ///     "kty": "EC", "crv": "P-256", "kid": "2018",
    ///     "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    ///     "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    /// }]}"#;
    /// assert!(!Keys::read(jwks)?.hold_a_secret());
    ///
    /// let error = Keys::read(b"too short").unwrap_err();
    /// assert!(error.to_string().starts_with("a shared secret has 32 bytes or more, not 9"));
    /// # anyhow::Ok(())
    /// ```
    pub fn read(file: &[u8]) -> anyhow::Result<Keys> {
        let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
        if marks.iter().any(|mark| file.starts_with(mark)) {
            bail!("begins with a byte order mark; write it as plain UTF-8");
        }
        if pem::is_pem(file) {
            return Ok(Keys(pem::keys(file)?));
        }
        if let Ok(text) = str::from_utf8(file)
            && text.trim_start().starts_with(['{', '['])
        {
            return Ok(Keys(jwk::keys(text)?));
        }
        if let Some(advice) = public(file) {
            bail!("looks like a public key, which is no secret; {advice}");
        }
        let secret = file.strip_suffix(b"\n").unwrap_or(file);
        let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
        let keys = Key::secrets(None, secret);
        Ok(Keys(keys.map_err(anyhow::Error::msg)?))
    }

    /// Whether there is a shared secret among them: who knows it can make tokens.
    ///
    /// ```
    /// use peppercorn::auth::Keys;
    ///
    /// /// Others must not read a file with a secret.
    /// fn mode(file: &[u8]) -> anyhow::Result<u32> {
    ///     Ok(if Keys::read(file)?.hold_a_secret() { 0o600 } else { 0o644 })
    /// }
    /// assert_eq!(mode(b"what the shop and its issuer share")?, 0o600);
    /// # anyhow::Ok(())
    /// ```
    pub fn hold_a_secret(&self) -> bool {
        let mut keys = self.0.iter();
        keys.any(|key| matches!(key.material, Material::Secret(_)))
    }

    /// Whether a token was signed with one of these.
    pub(super) fn verify(&self, token: &Token<'_>) -> Result<(), Refused> {
        let fits = |key: &&Key| {
            let named = key.id.is_none() || token.key.is_none() || key.id == token.key;
            key.algorithm == token.algorithm && named
        };
        let mut fitting = self.0.iter().filter(fits).peekable();
        if fitting.peek().is_none() {
            return Err(Refused::Key);
        }
        match fitting.any(|key| key.verifies(token)) {
            true => Ok(()),
            false => Err(Refused::Signature),
        }
    }
}

/// How many there are for which algorithm, and nothing of themselves.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms = self.0.iter().map(|key| key.algorithm);
        f.debug_list().entries(algorithms).finish()
    }
}

impl Key {
    /// A shared secret, for this algorithm if it is long enough: as long as the hash (RFC 7518 section 3.2).
    pub(super) fn secret(
        id: Option<String>,
        algorithm: Algorithm,
        secret: &[u8],
    ) -> Result<Key, String> {
        let (hash, bytes) = hash(algorithm).ok_or("its alg is not for a shared secret")?;
        if secret.len() < bytes {
            return Err(too_short(secret, algorithm));
        }
        Ok(Key {
            id,
            algorithm,
            material: Material::Secret(hmac::Key::new(hash, secret)),
        })
    }

    /// A shared secret, for each algorithm that it is long enough for.
    pub(super) fn secrets(id: Option<String>, secret: &[u8]) -> Result<Vec<Key>, String> {
        let keys = ALGORITHMS.iter();
        let keys = keys.map(|(_, algorithm)| Key::secret(id.clone(), *algorithm, secret));
        let keys: Vec<Key> = keys.filter_map(Result::ok).collect();
        match keys.is_empty() {
            true => Err(too_short(secret, Algorithm::Hs256)),
            false => Ok(keys),
        }
    }

    /// An RSA key of 2048 to 8192 bits; both numbers begin with their highest byte.
    pub(super) fn rsa(id: Option<String>, n: &[u8], e: &[u8]) -> Result<Key, String> {
        let [n, e] = [n, e].map(|number| {
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            number[zeros..].to_vec()
        });
        let first = n.first().map_or(8, |byte| byte.leading_zeros() as usize);
        let bits = (n.len() * 8).saturating_sub(first);
        if !(2048..=8192).contains(&bits) {
            return Err(format!("an RSA key has 2048 to 8192 bits, not {bits}"));
        }
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        if !odd(&n) || !odd(&e) || e == [1] || e.len() > 4 {
            return Err("its numbers are not those of an RSA key".into());
        }
        Ok(Key {
            id,
            algorithm: Algorithm::Rs256,
            material: Material::Rsa(RsaPublicKeyComponents { n, e }),
        })
    }

    /// A key of the curve P-256: a point, uncompressed.
    pub(super) fn ec(id: Option<String>, point: Vec<u8>) -> Result<Key, String> {
        // What takes a point says whether it is one of the curve.
        let own = EphemeralPrivateKey::generate(&agreement::ECDH_P256, &rand::SystemRandom::new());
        let own = own.map_err(|_| "the system has no random numbers".to_owned())?;
        let theirs = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, &point);
        if agree_ephemeral(own, &theirs, |_| ()).is_err() {
            return Err("it is no point of the curve P-256 in the uncompressed form".into());
        }
        Ok(Key {
            id,
            algorithm: Algorithm::Es256,
            material: Material::Ec(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)),
        })
    }

    fn verifies(&self, token: &Token<'_>) -> bool {
        let (signed, signature) = (token.signed.as_bytes(), &token.signature[..]);
        match &self.material {
            // In constant time.
            Material::Secret(key) => hmac::verify(key, signed, signature).is_ok(),
            Material::Rsa(key) => key
                .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .is_ok(),
            Material::Ec(key) => key.verify(signed, signature).is_ok(),
        }
    }
}

/// The hash of an algorithm with a shared secret, and how many bytes it has.
fn hash(algorithm: Algorithm) -> Option<(hmac::Algorithm, usize)> {
    match algorithm {
        Algorithm::Hs256 => Some((hmac::HMAC_SHA256, 32)),
        Algorithm::Hs384 => Some((hmac::HMAC_SHA384, 48)),
        Algorithm::Hs512 => Some((hmac::HMAC_SHA512, 64)),
        Algorithm::Rs256 | Algorithm::Es256 => None,
    }
}

fn too_short(secret: &[u8], algorithm: Algorithm) -> String {
    let bytes = hash(algorithm).map_or(0, |(_, bytes)| bytes);
    format!(
        "a shared secret has {bytes} bytes or more, not {}; `openssl rand -base64 {bytes}` makes one",
        secret.len()
    )
}

/// What to do with a file that would be taken for a shared secret and is a public key, so that everybody could make
/// tokens.
fn public(file: &[u8]) -> Option<&'static str> {
    let whole = |bytes: &[u8]| {
        let mut der = Der(bytes);
        der.sequence().is_some() && der.0.is_empty()
    };
    let text = file.trim_ascii();
    if text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-sha2-") {
        return Some("`ssh-keygen -e -m PKCS8 -f FILE` writes it as PEM");
    }
    if whole(file) {
        return Some("`openssl pkey -pubin -inform DER -in FILE` writes it as PEM");
    }
    let digits = text.iter().copied();
    let digits: Vec<u8> = digits
        .filter(|byte| *byte > b' ' && *byte != b'=')
        .collect();
    STANDARD_NO_PAD
        .decode(digits)
        .ok()
        .filter(|der| whole(der))?;
    Some("put it between the lines -----BEGIN PUBLIC KEY----- and -----END PUBLIC KEY-----")
}
