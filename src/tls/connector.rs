//! The files that TLS needs, the handshake, and the stream that it makes.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::{Context as _, bail};
use futures_lite::{AsyncRead, AsyncWrite};
use futures_rustls::TlsConnector;
use futures_rustls::pki_types::pem::{self, PemObject};
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use futures_rustls::rustls::client::Resumption;
use futures_rustls::rustls::crypto::{CryptoProvider, ring};
use futures_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use futures_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::certificate::Certificate;
use super::check::{Anchors, Check, words};
use super::{Identity, Roots, Trust};

/// Servers whose keys are remembered to shorten the next handshake. One connector has one or two.
const REMEMBERED: usize = 4;

/// Makes streams into TLS ones. Cheap to clone.
#[derive(Clone)]
pub struct Connector(Arc<ClientConfig>);

impl std::fmt::Debug for Connector {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Connector")
    }
}

impl Connector {
    /// Reads the files, once for all connections. It blocks as reading files does.
    ///
    /// # Errors
    /// What is wrong with a file, naming it; no roots at all.
    pub fn new(trust: &Trust, identity: Option<&Identity>) -> anyhow::Result<Connector> {
        let provider = Arc::new(ring::default_provider());
        let anchors = match trust {
            Trust::Any => None,
            Trust::Chain(roots) | Trust::Full(roots) => Some(anchors(roots)?),
        };
        let check = Check {
            algorithms: provider.signature_verification_algorithms,
            anchors,
            named: matches!(trust, Trust::Full(_)),
        };
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(check));
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let key = certified(identity, &provider)?;
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
            }
        };
        config.resumption = Resumption::in_memory_sessions(REMEMBERED);
        Ok(Connector(Arc::new(config)))
    }

    /// Offers the server an application protocol (RFC 7301).
    #[must_use]
    pub fn speaking(mut self, protocol: &[u8]) -> Connector {
        let config = Arc::make_mut(&mut self.0);
        config.alpn_protocols = vec![protocol.to_vec()];
        self
    }

    /// Shakes hands with the server at the other end of `stream`. It takes as long as the server does: give it a
    /// deadline.
    ///
    /// # Errors
    /// Those of the stream; a server that is not trusted, or does not speak TLS, in words.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            let message = format!("{host:?} is not a name that a certificate can be for");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        let connector = TlsConnector::from(self.0.clone());
        match connector.connect(name, stream).await {
            Ok(stream) => Ok(TlsStream(stream)),
            Err(error) => Err(told(error)),
        }
    }
}

/// The same error, in words for those who operate this.
fn told(error: io::Error) -> io::Error {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(inner) => io::Error::new(error.kind(), words(inner)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the server hung up during the TLS handshake")
        }
        None => error,
    }
}

fn anchors(roots: &Roots) -> anyhow::Result<Anchors> {
    let mut store = RootCertStore::empty();
    let file = match roots {
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            let (added, _ignored) = store.add_parsable_certificates(found.certs);
            match (added, found.errors.into_iter().next()) {
                (0, Some(error)) => {
                    return Err(error).context("cannot read the system's root certificates");
                }
                (0, None) => bail!(
                    "the system has no root certificates; install the package ca-certificates, \
                     or name a file in SSL_CERT_FILE"
                ),
                _ => Vec::new(),
            }
        }
        Roots::File(path) => {
            let file = certificates(path)?;
            // One that webpki cannot read vouches for nobody; the others do.
            let (added, _ignored) = store.add_parsable_certificates(file.iter().cloned());
            if added == 0 {
                bail!("{}: no root certificate in it can be used", path.display());
            }
            file
        }
    };
    Ok(Anchors { store, file })
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let text = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(none) if none.is_empty() => {
            bail!("{}: there is no certificate in PEM in it", path.display())
        }
        Ok(some) => Ok(some),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn certified(identity: &Identity, provider: &CryptoProvider) -> anyhow::Result<CertifiedKey> {
    let Identity { certificate, key } = identity;
    let chain = certificates(certificate)?;
    let text = read(key)?;
    let shown = key.display();
    let secret = PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let encrypted = text.windows(9).any(|word| word == b"ENCRYPTED");
        match error {
            _ if encrypted => anyhow::anyhow!(
                "{shown}: the key is encrypted, and nobody is there to be asked for its password; \
                 `openssl pkey -in FILE` writes it without one"
            ),
            pem::Error::NoItemsFound => {
                anyhow::anyhow!("{shown}: there is no private key in PEM in it")
            }
            error => anyhow::Error::from(error).context(shown.to_string()),
        }
    })?;
    let key = provider.key_provider.load_private_key(secret);
    let key = key.with_context(|| format!("{shown}: the private key cannot be used"))?;
    let own = chain.first().and_then(|own| Certificate::parse(own));
    let theirs = key.public_key();
    match (own, theirs) {
        (Some(own), Some(theirs)) if *own.key != *theirs => bail!(
            "{shown} is not the private key of the certificate {}",
            certificate.display()
        ),
        (None, _) => bail!("{}: the certificate cannot be read", certificate.display()),
        _ => Ok(CertifiedKey::new(chain, key)),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A stream inside of TLS.
#[derive(Debug)]
pub struct TlsStream<S>(futures_rustls::client::TlsStream<S>);

impl<S> TlsStream<S> {
    /// The hash that stands for the server's certificate in channel bindings: `tls-server-end-point` of RFC 5929.
    /// `None` for a certificate whose signature does not say which hash that is.
    pub fn server_end_point(&self) -> Option<Vec<u8>> {
        let (_, session) = self.0.get_ref();
        let leaf = session.peer_certificates()?.first()?;
        Certificate::parse(leaf)?.end_point(leaf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(context, into).map_err(told)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0)
            .poll_write(context, bytes)
            .map_err(told)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context).map_err(told)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(context)
    }
}
