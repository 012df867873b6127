//! What is read of certificates, and what is believed of them.

use std::net::IpAddr;

use futures_rustls::pki_types::pem::PemObject;
use futures_rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use futures_rustls::rustls::client::danger::ServerCertVerifier;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{Error, RootCertStore};
use proptest::prelude::*;

use super::certificate::{Certificate, Name};
use super::check::{Anchors, Check};
use crate::mutate::{config, mutated};

/// Signs itself, may sign others, for the names below `example`. The alternative names are `db.example`,
/// `*.db.example`, 10.0.0.1 and ::1.
const ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIB1jCCAXygAwIBAgIUDRKQ3+kJ3qUUkQMIbLX4KpAL2kQwCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKZGIuZXhhbXBsZTAeFw0y
NjExMjYwMTIyMTFaFw0yNjExMjcwMTIyMTFaMBUxEzARBgNVBAMMCmRiLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAT2uIXM/QZ3jzbXi5wxIJkprwrL2Iko8d6qOXGgz9MjPLZbUhpNFl8OBOlJwlEBhoaUOqZynY+GhP47Q8Rindm0o4GpMIGmMB0G
A1UdDgQWBBTNI29+WkD5kTI0VWMUAuNrMSUghTAfBgNVHSMEGDAWgBTNI29+WkD5kTI0VWMUAuNrMSUghTAPBgNVHRMBAf8EBTAD
AQH/MDsGA1UdEQQ0MDKCCmRiLmV4YW1wbGWCDCouZGIuZXhhbXBsZYcECgAAAYcQAAAAAAAAAAAAAAAAAAAAATAWBgNVHR4EDzAN
oAswCYIHZXhhbXBsZTAKBggqhkjOPQQDAgNIADBFAiBeSILtNvegPMK9NTRVc/Qo8ngLLevdQRfm8cAqnEwQ5AIhAPOZtUec/EL3
elvo0Bzpu3AedJwAfXUgMf2goMy74d31
-----END CERTIFICATE-----
";
/// Of version 1, signed by that one; the subject is `O=Shop, CN=db.example`.
const LEAF: &str = "\
-----BEGIN CERTIFICATE-----
MIIBMzCB2gIUcS0QlPYbv9DD4Nw9m47QBVnwaPgwCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKZGIuZXhhbXBsZTAeFw0yNjExMjYw
MTIyMjhaFw0yNjExMjcwMTIyMjhaMCQxDTALBgNVBAoMBFNob3AxEzARBgNVBAMMCmRiLmV4YW1wbGUwWTATBgcqhkjOPQIBBggq
hkjOPQMBBwNCAAThB395NbcF2WfuUDxFM6cwt69kJbB4IVX5CpuFwwBDbUdEgZl7Sl6Z0Y3rhO/yzTpkEXpAjuC80E4cezTd7/WH
MAoGCCqGSM49BAMCA0gAMEUCIQCBNFOiTw7r05VhsTCm/jB+hcqRja828XsJGQQIFA5aJQIgM9dcaxrwqNMUwLh541PiuXehdd2t
9jLbb23CNJss4B8=
-----END CERTIFICATE-----
";
/// A second at which both are valid.
const NOW: u64 = 1_795_660_000;

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn a_certificate_is_taken_apart() {
    let (root, leaf) = (der(ROOT), der(LEAF));
    let (root, parsed) = (
        Certificate::parse(&root).unwrap(),
        Certificate::parse(&leaf).unwrap(),
    );
    assert_eq!((root.version, parsed.version), (3, 1));
    assert_eq!(root.valid, (1_795_656_131, 1_795_656_131 + 86400));
    let names = root.alternative_names();
    let ip = |text: &str| Name::Ip(text.parse::<IpAddr>().unwrap());
    assert_eq!(
        names,
        [
            Name::Dns("db.example"),
            Name::Dns("*.db.example"),
            ip("10.0.0.1"),
            ip("::1")
        ]
    );
    assert_eq!(parsed.alternative_names(), []);
    assert_eq!(parsed.common_name(), Some("db.example"));
    assert!(root.has_name_constraints() && !parsed.has_name_constraints());
    let algorithms = ring::default_provider()
        .signature_verification_algorithms
        .all;
    assert!(parsed.is_signed_by(&root, algorithms) && root.is_signed_by(&root, algorithms));
    assert!(!root.is_signed_by(&parsed, algorithms) && !parsed.is_signed_by(&parsed, algorithms));
    // What `openssl dgst -sha256` says of it.
    let hash = root.end_point(&der(ROOT)).unwrap();
    assert_eq!(hash[..8], [0x81, 0x47, 0x8a, 0x20, 0x59, 0x61, 0x36, 0x41]);
}

/// Whether `leaf` is believed to be `host`, if `root` is trusted as a file or otherwise.
fn judged(leaf: &str, root: &str, in_file: bool, host: &str, now: u64) -> Result<(), Error> {
    let mut store = RootCertStore::empty();
    store.add(der(root)).unwrap();
    let file = if in_file { vec![der(root)] } else { Vec::new() };
    let check = Check {
        algorithms: ring::default_provider().signature_verification_algorithms,
        anchors: Some(Anchors { store, file }),
        named: true,
    };
    let host = ServerName::try_from(host).unwrap();
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
    check
        .verify_server_cert(&der(leaf), &[], &host, &[], now)
        .map(drop)
}

#[test]
fn a_root_that_binds_others_does_not_vouch_for_itself() {
    // One that says who may be vouched for is a root for others, not for itself.
    assert!(judged(ROOT, ROOT, true, "db.example", NOW).is_err());
    assert!(judged(ROOT, ROOT, false, "db.example", NOW).is_err());
}

#[test]
fn a_name_is_not_believed_of_whom_constraints_bind() {
    // They are not kept by common names, nor in version 1.
    for in_file in [true, false] {
        let error = judged(LEAF, ROOT, in_file, "db.example", NOW).unwrap_err();
        let words = super::check::words(&error);
        assert!(words.contains("is of X.509's version 1"), "{words}");
    }
}

#[test]
fn time_is_looked_at_first() {
    for (now, expected) in [
        (NOW - 86400, "is not valid yet, but in 22 hours"),
        (NOW + 3 * 86400, "expired 2 days ago"),
    ] {
        let words = super::check::words(&judged(LEAF, ROOT, true, "db.example", now).unwrap_err());
        assert!(words.contains(expected), "{words}");
    }
}

proptest! {
    #![proptest_config(config(20_000))]

    /// Whatever a server sends before anything of it is verified.
    #[test]
    fn no_bytes_are_too_much(input in mutated(
        prop::sample::select(vec![der(ROOT).to_vec(), der(LEAF).to_vec()]),
        vec![vec![0x30, 0x80], vec![0x02, 0x01, 0xff], vec![0xa0, 0x03], vec![0x17, 0x0d], vec![0x84, 0xff]],
    )) {
        if let Some(parsed) = Certificate::parse(&input.0) {
            let _names = (parsed.alternative_names(), parsed.common_name(), parsed.end_point(&input.0));
            prop_assert!((1..=3).contains(&parsed.version));
        }
    }
}
