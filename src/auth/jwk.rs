//! Keys as JSON: a JWK or a set of them (RFC 7517, RFC 7518 section 6).
//!
//! As section 5 advises, keys of a set that cannot be used here are skipped, as long as there is one that can.

use std::borrow::Cow;

use anyhow::bail;

use super::keys::{Algorithm, Key};
use super::token::bytes;
use crate::json::object::{Object, elements, string, strings};

/// Why a key is not among those that are used.
enum Unfit {
    /// There may be others.
    Skipped(String),
    /// It is a secret, and should not be here.
    Private,
}

impl From<String> for Unfit {
    fn from(reason: String) -> Unfit {
        Unfit::Skipped(reason)
    }
}

impl From<&str> for Unfit {
    fn from(reason: &str) -> Unfit {
        Unfit::Skipped(reason.into())
    }
}

/// The keys in a file that is JSON.
pub(super) fn keys(text: &str) -> anyhow::Result<Vec<Key>> {
    let object = match Object::checked(text) {
        Ok(object) => object,
        Err(flaw) => bail!("{flaw}: neither a JWK nor {{\"keys\": [JWK, …]}}"),
    };
    let entries = match object.get("keys") {
        None => vec![text],
        Some(list) => match elements(list) {
            Some(entries) => entries,
            None => bail!("keys is not a list; a set is {{\"keys\": [JWK, …]}}"),
        },
    };
    let mut keys = Vec::new();
    let mut skipped = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let number = index + 1;
        match read(entry) {
            Ok(found) => keys.extend(found),
            Err(Unfit::Skipped(reason)) => skipped.push(format!("key {number}: {reason}")),
            Err(Unfit::Private) => bail!(
                "key {number} has its private part, d, and tokens are checked with the public one; leave d, p, q, dp, dq \
                 and qi out"
            ),
        }
    }
    match skipped.is_empty() {
        _ if !keys.is_empty() => Ok(keys),
        true => bail!("has no key in it"),
        false => bail!("has no key in it that can be used: {}", skipped.join("; ")),
    }
}

/// One key; a shared secret counts once for each algorithm that it is good for.
fn read(text: &str) -> Result<Vec<Key>, Unfit> {
    let jwk = Jwk(Object::read(text).ok_or("it is not a JSON object")?);
    let kind = jwk.text("kty")?.ok_or("it has no kty")?;
    if kind != "oct" && jwk.0.get("d").is_some() {
        return Err(Unfit::Private);
    }
    if jwk.text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err("its use is not sig".into());
    }
    if let Some(operations) = jwk.0.get("key_ops") {
        let operations = strings(operations).ok_or("its key_ops is not a list of strings")?;
        if !operations.iter().any(|operation| operation == "verify") {
            return Err("its key_ops have no verify".into());
        }
    }
    let id = jwk.text("kid")?.map(Cow::into_owned);
    let algorithm = match jwk.text("alg")? {
        Some(name) => Some(Algorithm::named(&name).ok_or("its alg is not known here")?),
        None => None,
    };
    let only = |own: Algorithm| match algorithm.is_none_or(|algorithm| algorithm == own) {
        true => Ok(()),
        false => Err("its alg is not for its kty"),
    };
    match &*kind {
        "oct" => {
            let secret = jwk.bytes("k")?;
            match algorithm {
                Some(algorithm) => Ok(vec![Key::secret(id, algorithm, &secret)?]),
                None => Ok(Key::secrets(id, &secret)?),
            }
        }
        "RSA" => {
            only(Algorithm::Rs256)?;
            Ok(vec![Key::rsa(id, &jwk.bytes("n")?, &jwk.bytes("e")?)?])
        }
        "EC" => {
            only(Algorithm::Es256)?;
            if jwk.text("crv")?.as_deref() != Some("P-256") {
                return Err("its crv is not P-256".into());
            }
            let (x, y) = (jwk.bytes("x")?, jwk.bytes("y")?);
            if x.len() != 32 || y.len() != 32 {
                return Err("its x and y have 32 bytes each".into());
            }
            Ok(vec![Key::ec(id, [&[4][..], &x, &y].concat())?])
        }
        _ => Err("its kty is none of oct, RSA and EC".into()),
    }
}

struct Jwk<'a>(Object<'a>);

impl<'a> Jwk<'a> {
    fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, String> {
        match self.0.get(name).map(string) {
            Some(None) => Err(format!("its {name} is not a string")),
            text => Ok(text.flatten()),
        }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let text = self.text(name)?.ok_or(format!("it has no {name}"))?;
        bytes(&text).ok_or_else(|| format!("its {name} is not base64url without padding"))
    }
}
