//! Tokens that are not taken: each a way in that some reader of tokens has left open.

use ring::hmac as ring_hmac;

use super::super::{Part, Refused};
use super::signing::*;
use crate::json::object::Flaw;

const HEADER: &str = r#"{"alg":"HS256"}"#;

/// All three keys, so that there is one for whatever a token says.
fn all_keys() -> String {
    format!(r#"{{"keys":[{},{},{}]}}"#, oct_jwk(), rsa_jwk(), ec_jwk())
}

#[track_caller]
fn refused(token: &str) -> Refused {
    let verified = verifier(all_keys().as_bytes()).verify(token, now());
    verified.expect_err(token)
}

#[test]
fn what_is_no_token() {
    use Part::{Header, Payload, Signature};
    let good = signed(HEADER, "{}", hs256);
    assert!(verifier(all_keys().as_bytes()).verify(&good, now()).is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("{good}");
    };
    let whole = |parts: [&str; 3]| parts.join(".");
    for (token, expected) in [
        (String::new(), Refused::NoToken),
        (".".into(), Refused::NoToken),
        ("..".into(), Refused::Content(Header, Flaw::NotAnObject)),
        (format!("{header}.{payload}"), Refused::NoToken),
        (format!("{good}."), Refused::NoToken),
        (format!("{good}.."), Refused::Encrypted),
        (format!("{header}.a.b.c.d"), Refused::Encrypted),
        (format!("{good}.a.b.c"), Refused::NoToken),
        (format!("{header}.{payload}."), Refused::Signature),
        // One way to write it.
        (
            whole([&format!("{header}="), payload, signature]),
            Refused::Encoding(Header),
        ),
        (
            whole([header, payload, &format!("{signature}=")]),
            Refused::Encoding(Signature),
        ),
        (
            whole([header, payload, &format!("{signature}==")]),
            Refused::Encoding(Signature),
        ),
        (format!(" {good}"), Refused::Encoding(Header)),
        (format!("{good} "), Refused::Encoding(Signature)),
        (format!("{good}\n"), Refused::Encoding(Signature)),
        (
            whole([header, payload, &format!("+{}", &signature[1..])]),
            Refused::Encoding(Signature),
        ),
        (
            whole([header, payload, &format!("{signature}\0")]),
            Refused::Encoding(Signature),
        ),
        (
            whole([header, payload, &format!("{signature}é")]),
            Refused::Encoding(Signature),
        ),
        (whole([header, payload, "A"]), Refused::Encoding(Signature)),
        // Cut off.
        (good[..good.len() - 4].into(), Refused::Signature),
        (whole([header, payload, "AAAA"]), Refused::Signature),
        // Too long to be looked at.
        ("a".repeat(8193), Refused::TooLong),
        (
            signed(HEADER, &format!(r#"{{"a":"{}"}}"#, "x".repeat(6200)), hs256),
            Refused::TooLong,
        ),
        // A payload that is none, signed all the same.
        (
            signed(HEADER, "", hs256),
            Refused::Content(Payload, Flaw::NotAnObject),
        ),
        (
            signed(HEADER, "[]", hs256),
            Refused::Content(Payload, Flaw::NotAnObject),
        ),
        (
            signed(HEADER, "\"{}\"", hs256),
            Refused::Content(Payload, Flaw::NotAnObject),
        ),
        (
            signed(HEADER, &good, hs256),
            Refused::Content(Payload, Flaw::NotAnObject),
        ),
        (
            signed(HEADER, "{} {}", hs256),
            Refused::Content(Payload, Flaw::NotAnObject),
        ),
        (
            signed_bytes(HEADER.as_bytes(), b"{\"a\":\"\xff\"}", hs256),
            Refused::Encoding(Payload),
        ),
    ] {
        assert_eq!(refused(&token), expected, "{token}");
    }
}

/// The last character has bits that decode to nothing: of four ways to write it only one is taken.
#[test]
fn bits_that_mean_nothing_are_zero() {
    let good = signed(HEADER, "{}", hs256);
    let (rest, last) = good.split_at(good.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    assert_eq!(at % 4, 0);
    for other in 1..4 {
        let token = format!("{rest}{}", &alphabet[at + other..at + other + 1]);
        assert_eq!(refused(&token), Refused::Encoding(Part::Signature));
    }
}

#[test]
fn headers_that_are_a_way_in() {
    use Part::Header;
    let with = |header: &str| signed(header, "{}", hs256);
    let of_secret = |header: &str| {
        let key = format!(r#"{{"kty":"oct","k":"{}"}}"#, base64url([9u8; 32]));
        let header = header.replace("KEY", &key);
        signed(&header, "{}", hmac(ring_hmac::HMAC_SHA256, &[9; 32]))
    };
    for (token, expected) in [
        // Not signed, or not said how.
        (
            format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url("{}")),
            Refused::Algorithm,
        ),
        (with(r#"{"alg":"none"}"#), Refused::Algorithm),
        (with(r#"{"alg":"None"}"#), Refused::Algorithm),
        (with(r#"{"alg":"NONE"}"#), Refused::Algorithm),
        (with(r#"{"alg":"hs256"}"#), Refused::Algorithm),
        (with(r#"{"alg":"HS256 "}"#), Refused::Algorithm),
        (with(r#"{"alg":""}"#), Refused::Algorithm),
        (with(r#"{"alg":"HS1"}"#), Refused::Algorithm),
        (with(r#"{"alg":"PS256"}"#), Refused::Algorithm),
        (with(r#"{"alg":"ES384"}"#), Refused::Algorithm),
        (with(r#"{"alg":"EdDSA"}"#), Refused::Algorithm),
        (with("{}"), Refused::Algorithm),
        (with(r#"{"alg":null}"#), Refused::Type("alg")),
        (with(r#"{"alg":["HS256"]}"#), Refused::Type("alg")),
        (with(r#"{"alg":256}"#), Refused::Type("alg")),
        // Read in two ways.
        (
            with(r#"{"alg":"none","alg":"HS256"}"#),
            Refused::Content(Header, Flaw::Twice),
        ),
        (
            with(r#"{"alg":"HS256","\u0061lg":"none"}"#),
            Refused::Content(Header, Flaw::Twice),
        ),
        (
            with(r#"{"alg":"HS256","x":{"a":1,"a":2}}"#),
            Refused::Content(Header, Flaw::Twice),
        ),
        // Extensions, known to none here.
        (
            with(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#),
            Refused::Critical,
        ),
        (with(r#"{"alg":"HS256","crit":[]}"#), Refused::Critical),
        (
            with(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#),
            Refused::Critical,
        ),
        // No path, no query, no key.
        (
            with(r#"{"alg":"HS256","kid":"\u0000"}"#),
            Refused::Content(Header, Flaw::Nul),
        ),
        (with(r#"{"alg":"HS256","kid":1}"#), Refused::Type("kid")),
        (with(r#"{"alg":"HS256","kid":null}"#), Refused::Type("kid")),
        (
            of_secret(r#"{"alg":"HS256","kid":"../../../../dev/null"}"#),
            Refused::Signature,
        ),
        (
            of_secret(r#"{"alg":"HS256","kid":"' union select 'key"}"#),
            Refused::Signature,
        ),
        // A key that the token brings along.
        (
            of_secret(r#"{"alg":"HS256","jwk":KEY}"#),
            Refused::Signature,
        ),
        (
            of_secret(r#"{"alg":"HS256","jku":"http://attacker.example/keys"}"#),
            Refused::Signature,
        ),
        (
            of_secret(r#"{"alg":"HS256","x5u":"http://attacker.example/cert"}"#),
            Refused::Signature,
        ),
        // No JSON.
        (
            with("alg: HS256"),
            Refused::Content(Header, Flaw::NotAnObject),
        ),
        (
            with(r#"["alg","HS256"]"#),
            Refused::Content(Header, Flaw::NotAnObject),
        ),
        (
            with("{\"alg\":\"HS256\"}\0"),
            Refused::Content(Header, Flaw::NotAnObject),
        ),
    ] {
        assert_eq!(refused(&token), expected, "{token}");
    }
}

/// What is public is no secret: RFC 8725 section 2.1.
#[test]
fn a_public_key_is_never_a_shared_secret() {
    let der = rsa_public();
    let text = pem("RSA PUBLIC KEY", &der);
    let jwk = rsa_jwk();
    let modulus = super::super::token::bytes(N).unwrap();
    for file in [text.as_bytes(), jwk.as_bytes()] {
        let verifier = verifier(file);
        for secret in [
            text.as_bytes(),
            text.trim().as_bytes(),
            &der,
            jwk.as_bytes(),
            &modulus,
            b"",
        ] {
            for (name, algorithm) in [
                ("HS256", ring_hmac::HMAC_SHA256),
                ("HS384", ring_hmac::HMAC_SHA384),
                ("HS512", ring_hmac::HMAC_SHA512),
            ] {
                let header = format!(r#"{{"alg":"{name}"}}"#);
                let token = signed(&header, "{}", hmac(algorithm, secret));
                assert_eq!(verifier.verify(&token, now()), Err(Refused::Key), "{name}");
            }
        }
    }
    // Nor is a key of one kind used as one of another, or one's signature as another's.
    for (file, header, sign) in [
        (
            rsa_jwk(),
            r#"{"alg":"ES256"}"#,
            es256 as fn(&[u8]) -> Vec<u8>,
        ),
        (ec_jwk(), r#"{"alg":"RS256"}"#, rs256),
        (oct_jwk(), r#"{"alg":"RS256"}"#, rs256),
    ] {
        let token = signed(header, "{}", sign);
        assert_eq!(
            verifier(file.as_bytes()).verify(&token, now()),
            Err(Refused::Key)
        );
    }
    for (header, sign) in [
        (r#"{"alg":"ES256"}"#, rs256 as fn(&[u8]) -> Vec<u8>),
        (r#"{"alg":"RS256"}"#, es256),
        (r#"{"alg":"ES256"}"#, hs256),
        (r#"{"alg":"HS512"}"#, hs256),
    ] {
        assert_eq!(
            refused(&signed(header, "{}", sign)),
            Refused::Signature,
            "{header}"
        );
    }
}

#[test]
fn signatures_of_other_forms() {
    let header = r#"{"alg":"ES256"}"#;
    assert!(
        verifier(all_keys().as_bytes())
            .verify(&signed(header, "{}", es256), now())
            .is_ok()
    );
    let der = signed(header, "{}", es256_der);
    assert_eq!(refused(&der), Refused::Signature);
    let cut = |to: usize| move |input: &[u8]| es256(input)[..to].to_vec();
    let longer = |input: &[u8]| [es256(input), vec![0]].concat();
    let zeros = |_: &[u8]| vec![0; 64];
    for token in [
        signed(header, "{}", cut(63)),
        signed(header, "{}", cut(32)),
        signed(header, "{}", cut(0)),
        signed(header, "{}", longer),
        // CVE-2022-21449: zeros are a signature of everything, to who does not look.
        signed(header, "{}", zeros),
    ] {
        assert_eq!(refused(&token), Refused::Signature);
    }
    let header = r#"{"alg":"RS256"}"#;
    let longer = |input: &[u8]| [vec![0], rs256(input)].concat();
    let zeros = |_: &[u8]| vec![0; 256];
    for token in [signed(header, "{}", longer), signed(header, "{}", zeros)] {
        assert_eq!(refused(&token), Refused::Signature);
    }
}

#[test]
fn claims_of_the_wrong_kind() {
    use Part::Payload;
    for (payload, expected) in [
        (r#"{"exp":"soon"}"#, Refused::Type("exp")),
        (r#"{"exp":"1900000000"}"#, Refused::Type("exp")),
        (r#"{"exp":null}"#, Refused::Type("exp")),
        (r#"{"exp":[1900000000]}"#, Refused::Type("exp")),
        (
            r#"{"exp":1e999}"#,
            Refused::Content(Payload, Flaw::NotAnObject),
        ),
        (r#"{"nbf":true}"#, Refused::Type("nbf")),
        (r#"{"iat":{}}"#, Refused::Type("iat")),
        (r#"{"iss":1}"#, Refused::Type("iss")),
        (r#"{"iss":["a"]}"#, Refused::Type("iss")),
        (r#"{"sub":null}"#, Refused::Type("sub")),
        (r#"{"sub":7}"#, Refused::Type("sub")),
        (r#"{"jti":{}}"#, Refused::Type("jti")),
        (r#"{"aud":1}"#, Refused::Type("aud")),
        (r#"{"aud":null}"#, Refused::Type("aud")),
        (r#"{"aud":["a",1]}"#, Refused::Type("aud")),
        (
            r#"{"sub":"a","sub":"root"}"#,
            Refused::Content(Payload, Flaw::Twice),
        ),
        (
            r#"{"sub":"a","s\u0075b":"root"}"#,
            Refused::Content(Payload, Flaw::Twice),
        ),
        (
            r#"{"a":{"role":"x","role":"y"}}"#,
            Refused::Content(Payload, Flaw::Twice),
        ),
        (
            r#"{"sub":"root\u0000x"}"#,
            Refused::Content(Payload, Flaw::Nul),
        ),
        (
            r#"{"a":[{"\u0000":1}]}"#,
            Refused::Content(Payload, Flaw::Nul),
        ),
        (
            r#"{"sub":"\ud800"}"#,
            Refused::Content(Payload, Flaw::NotAnObject),
        ),
    ] {
        assert_eq!(
            refused(&signed(HEADER, payload, hs256)),
            expected,
            "{payload}"
        );
    }
}

/// Each bit of three tokens, one at a time.
#[test]
fn no_bit_can_be_changed() {
    let verifier = verifier(all_keys().as_bytes());
    let payload = format!(
        r#"{{"sub":"auth0|5f7c8ec7c33c6c004bbafe82","scope":"read:orders","exp":{},"app_metadata":{{"tenant":42}},"email":"jane.doe@example.com","name":"Jane Doe of the Example Company"}}"#,
        NOW + 3600
    );
    let mut flips = 0;
    for (algorithm, sign) in [
        ("HS256", hs256 as fn(&[u8]) -> Vec<u8>),
        ("RS256", rs256),
        ("ES256", es256),
    ] {
        let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
        let token = signed(&header, &payload, sign);
        assert!(verifier.verify(&token, now()).is_ok());
        for at in 0..token.len() {
            for bit in 0..8 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let changed = String::from_utf8_lossy(&bytes);
                assert!(verifier.verify(&changed, now()).is_err(), "{changed}");
                flips += 1;
            }
        }
    }
    assert!(flips >= 10_000, "{flips}");
}
