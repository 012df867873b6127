//! A token's three parts, and its header (RFC 7515, the compact serialization).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::Algorithm;
use super::{Part, Refused};
use crate::json::object::{Object, string};

/// A token that has been taken apart. Nothing about it is verified.
pub(super) struct Token<'a> {
    /// What is signed: header and payload as they are written.
    pub(super) signed: &'a str,
    /// The payload as it is written.
    payload: &'a str,
    /// The signature's bytes.
    pub(super) signature: Vec<u8>,
    pub(super) algorithm: Algorithm,
    /// Which key it was signed with, if it says so.
    pub(super) key: Option<String>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Token<'a>, Refused> {
        let (signed, signature) = match token.bytes().filter(|byte| *byte == b'.').count() {
            2 => token.rsplit_once('.').ok_or(Refused::NoToken)?,
            4 => return Err(Refused::Encrypted),
            _ => return Err(Refused::NoToken),
        };
        let (header, payload) = signed.split_once('.').ok_or(Refused::NoToken)?;
        let (algorithm, key) = read_header(&text(header, Part::Header)?)?;
        Ok(Token {
            signed,
            payload,
            signature: bytes(signature).ok_or(Refused::Encoding(Part::Signature))?,
            algorithm,
            key,
        })
    }

    /// The payload. It is somebody's word only when the signature has been verified.
    pub(super) fn payload(&self) -> Result<String, Refused> {
        text(self.payload, Part::Payload)
    }
}

/// The algorithm, and the key's name if there is one. All else, such as a key that the token brings along, is nothing to
/// go by.
fn read_header(header: &str) -> Result<(Algorithm, Option<String>), Refused> {
    let header = Object::checked(header).map_err(|flaw| Refused::Content(Part::Header, flaw))?;
    if header.get("crit").is_some() {
        return Err(Refused::Critical);
    }
    let word = |name| match header.get(name).map(string) {
        Some(None) => Err(Refused::Type(name)),
        word => Ok(word.flatten()),
    };
    let algorithm = word("alg")?.and_then(|name| Algorithm::named(&name));
    let key = word("kid")?.map(Cow::into_owned);
    Ok((algorithm.ok_or(Refused::Algorithm)?, key))
}

fn text(part: &str, which: Part) -> Result<String, Refused> {
    let bytes = bytes(part).ok_or(Refused::Encoding(which))?;
    String::from_utf8(bytes).map_err(|_| Refused::Encoding(which))
}

/// The bytes of base64url without padding. What is left over of the last character must be zero: one token, one way to
/// write it.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
