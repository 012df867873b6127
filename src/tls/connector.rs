//! Makes connections.

use std::io;
use std::sync::Arc;

use anyhow::{Context, bail};
use futures_lite::{AsyncRead, AsyncWrite};
use futures_rustls::TlsConnector;
use futures_rustls::pki_types::pem::PemObject;
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use futures_rustls::rustls::ClientConfig;
use futures_rustls::rustls::crypto::ring;

use super::verify::{Names, Verifier};
use super::{Identity, Roots, Trust};

/// A connection.
pub type TlsStream<S> = futures_rustls::client::TlsStream<S>;

/// Makes TLS connections. Cheap to clone.
#[derive(Clone)]
pub struct Connector(TlsConnector);

impl Connector {
    /// Reads the certificates. To be made once, not for each connection: the system has more than a hundred.
    ///
    /// # Errors
    /// A file that cannot be read or holds something else; it is named.
    pub fn new(trust: &Trust, identity: Option<&Identity>) -> anyhow::Result<Connector> {
        let provider = Arc::new(ring::default_provider());
        let verifier = match trust {
            Trust::Any => Verifier::of_nothing(provider.clone()),
            Trust::Chain(roots) => Verifier::new(provider.clone(), read(roots)?, Names::Any)?,
            Trust::Full(roots) => Verifier::new(provider.clone(), read(roots)?, Names::Checked)?,
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = load(identity)?;
                let place = || format!("{} cannot be used", identity.certificate.display());
                builder
                    .with_client_auth_cert(chain, key)
                    .with_context(place)?
            }
        };
        Ok(Connector(TlsConnector::from(Arc::new(config))))
    }

    /// Speaks TLS on `stream` from here on, with the server of this name or address.
    ///
    /// The handshake computes for about a millisecond, on the thread that polls it.
    ///
    /// # Errors
    /// The server's certificate is not trusted, or something else is wrong; the text says what.
    pub async fn connect<S>(&self, host: &str, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}

fn read(roots: &Roots) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    match roots {
        Roots::File(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .with_context(|| format!("cannot read certificates from {}", path.display()))?;
            if certificates.is_empty() {
                bail!("there is no certificate in {}", path.display());
            }
            Ok(certificates)
        }
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            match (found.certs.is_empty(), found.errors.first()) {
                (false, _) => Ok(found.certs),
                (true, Some(error)) => bail!("the system's certificates cannot be read: {error}"),
                (true, None) => {
                    bail!("the system trusts nobody: install ca-certificates, or set SSL_CERT_FILE")
                }
            }
        }
    }
}

fn load(
    identity: &Identity,
) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let Identity { certificate, key } = identity;
    let chain = read(&Roots::File(certificate.clone()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read a private key from {}", key.display()))?;
    Ok((chain, key))
}
