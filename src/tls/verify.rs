//! Which servers are trusted.

use std::sync::Arc;

use anyhow::bail;
use futures_rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use futures_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use futures_rustls::rustls::client::{
    verify_server_cert_signed_by_trust_anchor, verify_server_name,
};
use futures_rustls::rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
};
use futures_rustls::rustls::server::ParsedCertificate;
use futures_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Whether a certificate must be for the host that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Any,
    Checked,
}

/// Checks a server's certificate as far as it is asked to, as libpq does.
#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    /// None: any certificate will do.
    roots: Option<Roots>,
}

#[derive(Debug)]
struct Roots {
    store: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
    names: Names,
}

impl Verifier {
    pub(super) fn of_nothing(provider: Arc<CryptoProvider>) -> Verifier {
        Verifier {
            provider,
            roots: None,
        }
    }

    pub(super) fn new(
        provider: Arc<CryptoProvider>,
        certificates: Vec<CertificateDer<'static>>,
        names: Names,
    ) -> anyhow::Result<Verifier> {
        let mut store = RootCertStore::empty();
        // Some of the system's are of a kind that nobody can use.
        let (usable, _) = store.add_parsable_certificates(certificates.iter().cloned());
        if usable == 0 {
            bail!("none of the trusted certificates can be used");
        }
        Ok(Verifier {
            provider,
            roots: Some(Roots {
                store,
                certificates,
                names,
            }),
        })
    }
}

impl Roots {
    fn check(
        &self,
        provider: &CryptoProvider,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(own)?;
        let algorithms = provider.signature_verification_algorithms.all;
        match verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.store,
            between,
            now,
            algorithms,
        ) {
            // PostgreSQL's documentation has a server certify itself with a certificate that may sign others, and has
            // clients trust just that one.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.has(own) => {}
            checked => checked?,
        }
        match self.names {
            Names::Any => Ok(()),
            Names::Checked => verify_server_name(&parsed, name),
        }
    }

    fn has(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates
            .iter()
            .any(|trusted| trusted == certificate)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            roots.check(&self.provider, own, between, name, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
