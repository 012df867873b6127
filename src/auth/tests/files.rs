//! Files of keys: what is taken, and what is said of the others.

use super::super::Keys;
use super::signing::*;

/// Object identifiers, without tag and length.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];

fn rsa_spki() -> Vec<u8> {
    spki(RSA, &[5, 0], &rsa_public())
}

fn ec_spki() -> Vec<u8> {
    spki(EC, &der(6, &[P256]), &ec_public())
}

/// The algorithms that a file's keys are for.
#[track_caller]
fn read(file: impl AsRef<[u8]>) -> String {
    format!("{:?}", Keys::read(file.as_ref()).unwrap())
}

#[test]
fn formats_are_told_apart() {
    let rsa = pem("PUBLIC KEY", &rsa_spki());
    let pkcs1 = pem("RSA PUBLIC KEY", &rsa_public());
    let ec = pem("PUBLIC KEY", &ec_spki());
    let windows = rsa.replace('\n', "\r\n");
    let set = format!(r#" {{"keys": [{}, {}], "more": 1}}"#, rsa_jwk(), ec_jwk());
    for (file, expected) in [
        (rsa.clone(), "[Rs256]"),
        (windows, "[Rs256]"),
        (pkcs1.clone(), "[Rs256]"),
        (ec.clone(), "[Es256]"),
        (
            format!("issuer A\n{rsa}and B\n{ec}{pkcs1}"),
            "[Rs256, Es256, Rs256]",
        ),
        (oct_jwk(), "[Hs256, Hs384, Hs512]"),
        (rsa_jwk(), "[Rs256]"),
        (ec_jwk(), "[Es256]"),
        (set, "[Rs256, Es256]"),
        ("x".repeat(32), "[Hs256]"),
        ("x".repeat(48), "[Hs256, Hs384]"),
        ("x".repeat(64), "[Hs256, Hs384, Hs512]"),
    ] {
        assert_eq!(read(&file), expected, "{file}");
    }
    assert_eq!(read([b'\xf7'; 33]), "[Hs256]");
    assert!(!Keys::read(rsa.as_bytes()).unwrap().hold_a_secret());
    assert!(Keys::read(oct_jwk().as_bytes()).unwrap().hold_a_secret());
}

/// `echo`, and Windows, leave a line end behind a secret; it is not part of it.
#[test]
fn one_line_end_is_no_part_of_a_secret() {
    let secret = "0123456789abcdef0123456789abcdef";
    let token = signed(
        r#"{"alg":"HS256"}"#,
        "{}",
        hmac(ring::hmac::HMAC_SHA256, secret.as_bytes()),
    );
    for (file, good) in [
        (secret.to_owned(), true),
        (format!("{secret}\n"), true),
        (format!("{secret}\r\n"), true),
        (format!("{secret}\n\n"), false),
        (format!(" {secret}"), false),
    ] {
        let verified = verifier(file.as_bytes()).verify(&token, now());
        assert_eq!(verified.is_ok(), good, "{file:?}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_skipped() {
    let with = |jwk: String, members: &str| jwk.replacen('{', &format!("{{{members},"), 1);
    let unfit = [
        with(rsa_jwk(), r#""use":"enc""#),
        with(rsa_jwk(), r#""key_ops":["encrypt"]"#),
        with(rsa_jwk(), r#""alg":"RS512""#),
        with(rsa_jwk(), r#""alg":"ES256""#),
        with(oct_jwk(), r#""alg":"RS256""#),
        with(oct_jwk(), r#""alg":"A256GCM""#),
        with(rsa_jwk(), r#""kid":7"#),
        rsa_jwk().replace("RSA", "OKP"),
        rsa_jwk().replace("\"n\"", "\"m\""),
        rsa_jwk().replace(N, &N[..200]),
        rsa_jwk().replace("AQAB", "AQ"),
        ec_jwk().replace("P-256", "secp256k1"),
        ec_jwk().replace(X, Y),
        ec_jwk().replace(X, &X[..40]),
        ec_jwk().replace(X, &format!("{X}=")),
        r#"{"kty":"oct","k":"c2hvcnQ"}"#.to_owned(),
        r#"{"kty":1}"#.to_owned(),
        "{}".to_owned(),
        "7".to_owned(),
    ];
    for jwk in &unfit {
        let alone = format!(r#"{{"keys":[{jwk}]}}"#);
        let error = Keys::read(alone.as_bytes()).unwrap_err().to_string();
        let expected = "has no key in it that can be used: key 1: ";
        assert!(
            error.starts_with(expected) && error.len() > expected.len(),
            "{jwk}: {error}"
        );
    }
    let good = with(
        with(ec_jwk(), r#""key_ops":["sign","verify"]"#),
        r#""use":"sig","alg":"ES256","kid":"a""#,
    );
    let set = format!(r#"{{"keys":[{},{good}]}}"#, unfit.join(","));
    assert_eq!(read(set), "[Es256]");
}

#[test]
fn what_is_no_key_is_refused_with_advice() {
    let rsa = pem("PUBLIC KEY", &rsa_spki());
    let long = "x".repeat(64);
    let p384 = spki(EC, &der(6, &[P384]), &[4; 97]);
    let ed25519 = spki(&[0x2b, 0x65, 0x70], &[], &[7; 32]);
    let off_curve = spki(EC, &der(6, &[P256]), &[&[4], &[7u8; 64][..]].concat());
    let compressed = spki(EC, &der(6, &[P256]), &[&[2], &ec_public()[1..33]].concat());
    let trailing = [rsa_spki(), vec![0]].concat();
    let small = der(0x30, &[&der(2, &[&[0x7f; 128]]), &der(2, &[&[1, 0, 1]])]);
    let even = der(
        0x30,
        &[&der(2, &[&[0, 0x80], &[0u8; 255]]), &der(2, &[&[1, 0, 1]])],
    );
    let bare = |pem: &str| {
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
    };
    let unpadded = bare(&pem("PUBLIC KEY", &ec_spki())).replace('=', "");
    let utf16: Vec<u8> = rsa_jwk()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (file, expected) in [
        (Vec::new(), "has 32 bytes or more, not 0; `openssl rand"),
        (b"hunter2\n".to_vec(), "has 32 bytes or more, not 7"),
        (
            pem("PRIVATE KEY", &[7; 40]).into(),
            "openssl pkey -in FILE -pubout",
        ),
        (pem("RSA PRIVATE KEY", &[7; 40]).into(), "has a private key"),
        (
            pem("ENCRYPTED PRIVATE KEY", &[7; 40]).into(),
            "has a private key",
        ),
        (
            format!("{rsa}{}", pem("EC PRIVATE KEY", &[7; 40])).into(),
            "has a private key",
        ),
        (
            pem("CERTIFICATE", &[7; 40]).into(),
            "openssl x509 -in FILE -noout -pubkey",
        ),
        (
            pem("PGP PUBLIC KEY", &[7; 40]).into(),
            "PEM other than PUBLIC KEY",
        ),
        (
            pem("PUBLIC KEY", b"xx").into(),
            "key 1: it is no public key",
        ),
        (
            pem("PUBLIC KEY", &trailing).into(),
            "key 1: it is no public key",
        ),
        (pem("PUBLIC KEY", &p384).into(), "its curve is not P-256"),
        (
            pem("PUBLIC KEY", &ed25519).into(),
            "it is neither RSA nor EC",
        ),
        (
            pem("PUBLIC KEY", &off_curve).into(),
            "no point of the curve",
        ),
        (
            pem("PUBLIC KEY", &compressed).into(),
            "no point of the curve",
        ),
        (
            pem("RSA PUBLIC KEY", &small).into(),
            "2048 to 8192 bits, not 1023",
        ),
        (
            pem("RSA PUBLIC KEY", &even).into(),
            "not those of an RSA key",
        ),
        (
            pem("RSA PUBLIC KEY", &rsa_spki()).into(),
            "it is no RSA key",
        ),
        (rsa[..200].into(), "key 1 has no end"),
        (
            format!("{rsa}-----BEGIN PUBLIC KEY").into(),
            "key 2 has no end",
        ),
        (rsa.replace("MII", "M!I").into(), "key 1 is not base64"),
        (
            format!("---- BEGIN SSH2 PUBLIC KEY ----\n{long}").into(),
            "no public key in PEM",
        ),
        // What would be a fine secret, were it one.
        (
            format!("ssh-rsa {long} jane@host").into(),
            "ssh-keygen -e -m PKCS8",
        ),
        (
            format!("ecdsa-sha2-nistp256 {long}").into(),
            "ssh-keygen -e -m PKCS8",
        ),
        (rsa_spki(), "-inform DER"),
        (ec_spki(), "-inform DER"),
        (unpadded.into(), "put it between the lines"),
        (
            bare(&rsa).into(),
            "put it between the lines -----BEGIN PUBLIC KEY-----",
        ),
        (format!("\u{feff}{}", rsa_jwk()).into(), "byte order mark"),
        ([&b"\xff\xfe"[..], &utf16].concat(), "byte order mark"),
        (format!("{{{long}").into(), "neither a JWK nor"),
        (format!("[{}]", rsa_jwk()).into(), "neither a JWK nor"),
        (
            format!("{{\"kty\":\"oct\",{}", &rsa_jwk()[1..]).into(),
            "two members of one name",
        ),
        (br#"{"keys":{}}"#.to_vec(), "keys is not a list"),
        (br#"{"keys":[]}"#.to_vec(), "has no key in it"),
        (
            rsa_jwk().replacen('{', "{\"d\":\"AA\",", 1).into(),
            "has its private part, d",
        ),
        (
            format!(
                r#"{{"keys":[{},{}]}}"#,
                rsa_jwk(),
                ec_jwk().replacen('{', "{\"d\":1,", 1)
            )
            .into(),
            "key 2 has its private part",
        ),
    ] {
        let shown = file.escape_ascii().to_string();
        let error = format!("{:#}", Keys::read(&file).expect_err(&shown));
        assert!(error.contains(expected), "{shown}: {error}");
        assert!(
            !error.contains("hunter2") && !error.contains(&long),
            "{error}"
        );
    }
}
