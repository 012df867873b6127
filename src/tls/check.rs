//! What is asked of a server's certificate, and why one is refused, in words.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures_rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use futures_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use futures_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use futures_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use futures_rustls::rustls::server::ParsedCertificate;
use futures_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::certificate::{Certificate, Name};

/// Checks what a server shows of itself.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    /// `None` if any certificate will do.
    pub(super) anchors: Option<Anchors>,
    /// Whether it must be for the host.
    pub(super) named: bool,
}

/// The roots, in two forms.
#[derive(Debug)]
pub(super) struct Anchors {
    pub(super) store: RootCertStore,
    /// Those of a file, as they are in it. What is there was put there for this server: see [`super::Roots::File`].
    pub(super) file: Vec<CertificateDer<'static>>,
}

impl Check {
    fn chain(
        &self,
        anchors: &Anchors,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = Certificate::parse(leaf).ok_or(CertificateError::BadEncoding)?;
        // webpki takes neither of these two: none of the first kind, and nobody's of the second who may sign others.
        let old = parsed.version < 3;
        let own = anchors.file.iter().any(|root| root == leaf);
        if !old {
            let leaf = ParsedCertificate::try_from(leaf)?;
            let (store, all) = (&anchors.store, self.algorithms.all);
            let judged = verify_server_cert_signed_by_trust_anchor(&leaf, store, between, now, all);
            if judged.is_ok() || !own {
                return judged;
            }
        }
        let roots = anchors
            .file
            .iter()
            .filter_map(|root| Certificate::parse(root));
        let mut roots = roots.filter(|root| !root.has_name_constraints());
        let signed = |root: Certificate<'_>| parsed.is_signed_by(&root, self.algorithms.all);
        match parsed.valid {
            (not_before, _) if now.as_secs() < not_before => {
                let not_before = UnixTime::since_unix_epoch(seconds(not_before));
                let time = now;
                Err(CertificateError::NotValidYetContext { time, not_before }.into())
            }
            (_, not_after) if now.as_secs() > not_after => {
                let not_after = UnixTime::since_unix_epoch(seconds(not_after));
                let time = now;
                Err(CertificateError::ExpiredContext { time, not_after }.into())
            }
            _ if roots.any(signed) => Ok(()),
            _ if old => Err(refusal(
                "is of X.509's version 1, and no root in the file has signed it; \
                 make it anew with a subjectAltName",
            )),
            _ => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    /// Whether the certificate is for the host, as libpq asks it: an alternative name of the host's kind, else if there
    /// is none of that kind the common name.
    fn name(
        anchors: &Anchors,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &str,
    ) -> Result<(), Error> {
        let parsed = Certificate::parse(leaf).ok_or(CertificateError::BadEncoding)?;
        let address: Option<IpAddr> = host.parse().ok();
        let names = parsed.alternative_names();
        let fits = |name: &Name<'_>| match (name, address) {
            (Name::Dns(name), _) => matches(name, host),
            (Name::Ip(name), Some(address)) => *name == address,
            (Name::Ip(_), None) => false,
        };
        if names.iter().any(fits) {
            return Ok(());
        }
        let of_kind = |name: &Name<'_>| matches!(name, Name::Ip(_)) == address.is_some();
        // Constraints on names are not kept by common names: nobody who is bound by any is believed one.
        let bound = between
            .iter()
            .any(|one| Certificate::parse(one).is_none_or(|one| one.has_name_constraints()))
            || anchors
                .store
                .roots
                .iter()
                .any(|root| root.name_constraints.is_some());
        let counts = !anchors.file.is_empty() && !bound && !names.iter().any(of_kind);
        match parsed.common_name() {
            Some(name) if counts && matches(name, host) => Ok(()),
            Some(name) if names.is_empty() => Err(not_for(host, &[name.to_owned()])),
            _ => {
                let names: Vec<_> = names.iter().map(ToString::to_string).collect();
                Err(not_for(host, &names))
            }
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Dns(name) => to.write_str(name),
            Name::Ip(address) => write!(to, "{address}"),
        }
    }
}

fn not_for(host: &str, names: &[String]) -> Error {
    refusal(match names {
        [] => format!("is for no host, and not for {host:?}"),
        names => format!("is for {:?}, not for {host:?}", names.join(", ")),
    })
}

fn seconds(seconds: u64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds)
}

/// A name matches itself in any case; `*.` at its beginning stands for one label.
fn matches(name: &str, host: &str) -> bool {
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    let rest = (name.strip_prefix('*')).filter(|rest| rest.len() > 1 && rest.starts_with('.'));
    match (rest, host.find('.')) {
        (Some(rest), Some(dot)) if dot > 0 && host.parse::<IpAddr>().is_err() => {
            rest.eq_ignore_ascii_case(&host[dot..])
        }
        _ => false,
    }
}

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(anchors) = &self.anchors {
            self.chain(anchors, leaf, between, now)?;
            if self.named {
                Check::name(anchors, leaf, between, &host.to_str())?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match Certificate::parse(leaf) {
            // webpki does not look at such a certificate, only at its key.
            Some(parsed) if parsed.version < 3 => verify_tls13_signature_with_raw_key(
                message,
                &SubjectPublicKeyInfoDer::from(parsed.key),
                signature,
                &self.algorithms,
            ),
            _ => verify_tls13_signature(message, leaf, signature, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Says of "the server's certificate" what is wrong with it.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

fn refusal(words: impl Into<String>) -> Error {
    let refusal = Arc::new(Refusal(words.into()));
    CertificateError::Other(OtherError(refusal)).into()
}

/// Why there is no TLS with a server.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => format!("the server's certificate {}", wrong(error)),
        Error::AlertReceived(alert) => format!("the server has broken off TLS: {alert:?}"),
        Error::PeerIncompatible(error) => format!("the server's TLS is not ours: {error:?}"),
        other => format!("TLS: {other}"),
    }
}

fn wrong(error: &CertificateError) -> String {
    let days = |time: &UnixTime, other: &UnixTime| {
        let hours = time.as_secs().abs_diff(other.as_secs()) / 3600;
        match hours / 24 {
            0 => format!("{hours} hours"),
            days => format!("{days} days"),
        }
    };
    match error {
        CertificateError::UnknownIssuer => {
            "is not signed by any of the roots that are trusted".into()
        }
        CertificateError::ExpiredContext { time, not_after } => {
            format!("expired {} ago", days(time, not_after))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("is not valid yet, but in {}", days(not_before, time))
        }
        CertificateError::Other(OtherError(other)) if other.is::<Refusal>() => other.to_string(),
        other => format!("is not valid: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_one_label() {
        for (name, host, expected) in [
            ("db.example.com", "DB.example.com", true),
            ("db.example.com", "example.com", false),
            ("*.example.com", "db.EXAMPLE.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*", "localhost", false),
            ("*.", "localhost.", false),
            ("d*.example.com", "db.example.com", false),
            ("*.0.0.1", "127.0.0.1", false),
        ] {
            assert_eq!(matches(name, host), expected, "{name} {host}");
        }
    }
}
