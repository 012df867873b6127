//! What is read of an X.509 certificate (RFC 5280) that rustls does not tell.

use std::net::IpAddr;

use futures_rustls::pki_types::SignatureVerificationAlgorithm;
use ring::digest;

use crate::der::{Der, INTEGER, OBJECT, OCTET_STRING, SEQUENCE, SET, Value};

/// Object identifiers, without tag and length.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];

/// A certificate, taken apart. Nothing about it is verified.
pub(super) struct Certificate<'a> {
    /// What the issuer has signed.
    signed: &'a [u8],
    /// 1 has no extensions. Only 3 is in use, but for what `openssl x509 -req` made before OpenSSL 3.2.
    pub(super) version: u8,
    issuer: &'a [u8],
    subject: &'a [u8],
    /// The first and the last second at which it is valid, since 1970.
    pub(super) valid: (u64, u64),
    /// The public key, with its algorithm.
    pub(super) key: &'a [u8],
    extensions: Der<'a>,
    /// The algorithm of the signature, with its parameters.
    algorithm: &'a [u8],
    signature: &'a [u8],
}

/// A name of the alternative ones.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    Dns(&'a str),
    Ip(IpAddr),
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Option<Certificate<'a>> {
        let mut outer = Der(der).sequence()?;
        let signed = outer.take(SEQUENCE)?;
        let algorithm = outer.take(SEQUENCE)?.content;
        let signature = outer.bits()?;
        let mut inner = Der(signed.content);
        let version = match inner.take(0xa0) {
            Some(version) => match Der(version.content).take(INTEGER)?.content {
                [version @ 1..=2] => version + 1,
                _ => return None,
            },
            None => 1,
        };
        let _serial = inner.take(INTEGER)?;
        let _algorithm = inner.take(SEQUENCE)?;
        let issuer = inner.take(SEQUENCE)?.content;
        let mut validity = inner.sequence()?;
        let valid = (validity.time()?, validity.time()?);
        let subject = inner.take(SEQUENCE)?.content;
        let key = inner.take(SEQUENCE)?.whole;
        // Behind two identifiers that nobody uses.
        let _issuer_id = inner.take(0x81);
        let _subject_id = inner.take(0x82);
        let extensions = match inner.take(0xa3) {
            Some(extensions) => Der(extensions.content).sequence()?,
            None => Der(&[]),
        };
        Some(Certificate {
            signed: signed.whole,
            version,
            issuer,
            subject,
            valid,
            key,
            extensions,
            algorithm,
            signature,
        })
    }

    /// Whether `issuer` is the one it names, and has signed it.
    pub(super) fn is_signed_by(
        &self,
        issuer: &Certificate<'_>,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        let mut key = Der(issuer.key).sequence();
        let key = key
            .as_mut()
            .and_then(|key| Some((key.sequence()?, key.bits()?)));
        let Some((Der(key_algorithm), key)) = key else {
            return false;
        };
        self.issuer == issuer.subject
            && algorithms.iter().any(|algorithm| {
                *algorithm.signature_alg_id() == *self.algorithm
                    && *algorithm.public_key_alg_id() == *key_algorithm
                    && (algorithm.verify_signature(key, self.signed, self.signature)).is_ok()
            })
    }

    /// What an extension holds.
    fn extension(&self, wanted: &[u8]) -> Option<&'a [u8]> {
        let mut extensions = self.extensions;
        while let Some(mut extension) = extensions.sequence() {
            let id = extension.take(OBJECT)?.content;
            extension.skip_boolean();
            let value = extension.take(OCTET_STRING)?.content;
            if id == wanted {
                return Some(value);
            }
        }
        None
    }

    /// Whether it says for which names those may vouch to whom it was given.
    pub(super) fn has_name_constraints(&self) -> bool {
        self.extension(NAME_CONSTRAINTS).is_some()
    }

    /// The hosts it is for.
    pub(super) fn alternative_names(&self) -> Vec<Name<'a>> {
        let mut names = self
            .extension(ALTERNATIVE_NAMES)
            .and_then(|names| Der(names).sequence());
        let name = |value: Value<'a>| match value.tag {
            0x82 => std::str::from_utf8(value.content).ok().map(Name::Dns),
            0x87 => {
                let four = <[u8; 4]>::try_from(value.content).map(IpAddr::from);
                let sixteen = <[u8; 16]>::try_from(value.content).map(IpAddr::from);
                four.or(sixteen).ok().map(Name::Ip)
            }
            _ => None,
        };
        std::iter::from_fn(|| names.as_mut()?.next())
            .filter_map(name)
            .collect()
    }

    /// The common name of its subject; the first one if there are several.
    pub(super) fn common_name(&self) -> Option<&'a str> {
        let mut parts = Der(self.subject);
        while let Some(part) = parts.take(SET) {
            let mut attribute = Der(part.content).sequence()?;
            if attribute.take(OBJECT)?.content == COMMON_NAME {
                return std::str::from_utf8(attribute.next()?.content).ok();
            }
        }
        None
    }

    /// The hash that stands for the certificate in channel bindings: the one that its signature is made with, but
    /// SHA-256 for weaker ones (RFC 5929, section 4.1). `None` for signatures that do not name one.
    pub(super) fn end_point(&self, der: &[u8]) -> Option<Vec<u8>> {
        let id = Der(self.algorithm).take(OBJECT)?.content;
        let algorithm = match id {
            // sha512WithRSAEncryption, ecdsa-with-SHA512
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => &digest::SHA512,
            // sha384WithRSAEncryption, ecdsa-with-SHA384
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => &digest::SHA384,
            // md5, sha1 and sha256WithRSAEncryption; ecdsa-with-SHA1 and -SHA256
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4 | 5 | 11]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => &digest::SHA256,
            _ => return None,
        };
        Some(digest::digest(algorithm, der).as_ref().to_vec())
    }
}
