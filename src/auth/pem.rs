//! Public keys in PEM (RFC 7468).

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::keys::Key;
use crate::der::{Der, INTEGER, OBJECT};

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// Object identifiers, without tag and length.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

/// Whether a file is meant to be PEM: what is almost PEM, such as a key of SSH's, is no shared secret either.
pub(super) fn is_pem(file: &[u8]) -> bool {
    memchr::memmem::find(file, BEGIN.as_bytes()).is_some() || file.starts_with(b"----")
}

/// Every key in a file. Text around them is left alone.
pub(super) fn keys(file: &[u8]) -> anyhow::Result<Vec<Key>> {
    let text = str::from_utf8(file).context("is PEM, but not UTF-8")?;
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some((_, block)) = rest.split_once(BEGIN) {
        let number = keys.len() + 1;
        let (label, block) = block.split_once(DASHES).unwrap_or((block, ""));
        let read: fn(&[u8]) -> Result<Key, String> = match label {
            "PUBLIC KEY" => public_key,
            "RSA PUBLIC KEY" => rsa,
            // OpenSSL writes the parameters of a private key of EC before it.
            _ if label.ends_with("PRIVATE KEY") || label == "EC PARAMETERS" => bail!(
                "has a private key, and tokens are checked with the public one; \
                 `openssl pkey -in FILE -pubout` writes that"
            ),
            _ if label.ends_with("CERTIFICATE") => bail!(
                "has a certificate, whose dates nobody would check; \
                 `openssl x509 -in FILE -noout -pubkey` writes its public key"
            ),
            _ => bail!("has PEM other than PUBLIC KEY and RSA PUBLIC KEY"),
        };
        let Some((body, after)) = block.split_once(&format!("-----END {label}-----")) else {
            bail!("key {number} has no end");
        };
        let body: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(body);
        let der = der.with_context(|| format!("key {number} is not base64"))?;
        let key = read(&der).map_err(|reason| anyhow::anyhow!("key {number}: {reason}"))?;
        keys.push(key);
        rest = after;
    }
    if keys.is_empty() {
        bail!("has no public key in PEM");
    }
    Ok(keys)
}

/// SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): the algorithm, then the key as bits.
fn public_key(der: &[u8]) -> Result<Key, String> {
    let parse = || {
        let mut outer = Der(der);
        let mut info = outer.sequence()?;
        let mut algorithm = info.sequence()?;
        let id = algorithm.take(OBJECT)?.content;
        let bits = info.bits()?;
        (outer.0.is_empty() && info.0.is_empty()).then_some((id, algorithm, bits))
    };
    let (id, mut parameters, bits) = parse().ok_or("it is no public key")?;
    match id {
        RSA => rsa(bits),
        EC => match parameters.take(OBJECT).map(|curve| curve.content) {
            Some(P256) => Key::ec(None, bits.to_vec()),
            _ => Err("its curve is not P-256".into()),
        },
        _ => Err("it is neither RSA nor EC".into()),
    }
}

/// RSAPublicKey (RFC 8017 appendix A.1.1): modulus and exponent.
fn rsa(der: &[u8]) -> Result<Key, String> {
    let parse = || {
        let mut outer = Der(der);
        let mut numbers = outer.sequence()?;
        let n = numbers.take(INTEGER)?.content;
        let e = numbers.take(INTEGER)?.content;
        (outer.0.is_empty() && numbers.0.is_empty()).then_some((n, e))
    };
    let (n, e) = parse().ok_or("it is no RSA key")?;
    Key::rsa(None, n, e)
}
