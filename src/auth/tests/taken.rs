//! Tokens that are taken: RFC 7515's own, those of each algorithm and key, and when.

use std::time::{Duration, UNIX_EPOCH};

use ring::hmac as ring_hmac;

use super::super::{Expected, Keys, Refused, Verifier};
use super::signing::*;

fn jwks(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[test]
fn the_examples_of_rfc_7515() {
    let set = jwks(&[oct_jwk(), rsa_jwk(), ec_jwk()]);
    let good = UNIX_EPOCH + Duration::from_secs(1_300_819_379);
    for ([header, signature], jwk) in [(A1, oct_jwk()), (A2, rsa_jwk()), (A3, ec_jwk())] {
        let token = format!("{header}.{PAYLOAD}.{signature}");
        for keys in [&jwk, &set] {
            let verifier = verifier(keys.as_bytes());
            let claims = verifier.verify(&token, good).unwrap();
            assert_eq!(
                claims.json(),
                "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
            );
            assert_eq!(
                claims.text("http://example.com/is_root").as_deref(),
                Some("true")
            );
            // The second time it is known, and its times count all the same.
            assert_eq!(verifier.verify(&token, good), Ok(claims));
            let late = good + Duration::from_secs(31);
            assert_eq!(verifier.verify(&token, late), Err(Refused::Expired));
            assert!(verifier.verify(&token, good).is_ok());
        }
    }
}

#[test]
fn each_algorithm_with_a_shared_secret_as_long_as_its_hash() {
    let secret = [7u8; 64];
    for (name, algorithm, bytes) in [
        ("HS256", ring_hmac::HMAC_SHA256, 32),
        ("HS384", ring_hmac::HMAC_SHA384, 48),
        ("HS512", ring_hmac::HMAC_SHA512, 64),
    ] {
        let secret = &secret[..bytes];
        let header = format!(r#"{{"alg":"{name}"}}"#);
        let token = signed(&header, "{}", hmac(algorithm, secret));
        let jwk = format!(
            r#"{{"kty":"oct","alg":"{name}","k":"{}"}}"#,
            base64url(secret)
        );
        for file in [secret, jwk.as_bytes()] {
            assert!(verifier(file).verify(&token, now()).is_ok(), "{name}");
        }
        // A shorter one is for the shorter hashes alone, and too short for all in the end.
        match Keys::read(&secret[1..]) {
            Ok(keys) => {
                let verifier = Verifier::new(keys, Expected::default());
                let token = signed(&header, "{}", hmac(algorithm, &secret[1..]));
                assert_eq!(verifier.verify(&token, now()), Err(Refused::Key), "{name}");
            }
            Err(error) => assert_eq!(bytes, 32, "{error}"),
        }
        // One that is named for an algorithm is for no other.
        if name != "HS256" {
            let token = signed(
                r#"{"alg":"HS256"}"#,
                "{}",
                hmac(ring_hmac::HMAC_SHA256, secret),
            );
            assert_eq!(
                verifier(jwk.as_bytes()).verify(&token, now()),
                Err(Refused::Key)
            );
        }
    }
}

#[test]
fn a_kid_picks_among_the_keys() {
    let oct = |id: &str, byte: u8| {
        format!(
            r#"{{"kty":"oct","kid":"{id}","k":"{}"}}"#,
            base64url([byte; 32])
        )
    };
    let set = jwks(&[oct("a", 1), oct("b", 2), oct("", 3)]);
    let unnamed = jwks(&[
        oct("a", 1),
        format!(r#"{{"kty":"oct","k":"{}"}}"#, base64url([2u8; 32])),
    ]);
    let token =
        |header: &str, byte: u8| signed(header, "{}", hmac(ring_hmac::HMAC_SHA256, &[byte; 32]));
    for (keys, header, byte, expected) in [
        (&set, r#"{"alg":"HS256","kid":"a"}"#, 1, None),
        (&set, r#"{"alg":"HS256","kid":"b"}"#, 2, None),
        (&set, r#"{"alg":"HS256","kid":""}"#, 3, None),
        (
            &set,
            r#"{"alg":"HS256","kid":"a"}"#,
            2,
            Some(Refused::Signature),
        ),
        (&set, r#"{"alg":"HS256","kid":"c"}"#, 1, Some(Refused::Key)),
        (&set, r#"{"alg":"HS256","kid":"A"}"#, 1, Some(Refused::Key)),
        // Who does not say which is read with each.
        (&set, r#"{"alg":"HS256"}"#, 2, None),
        (&set, r#"{"alg":"HS256"}"#, 4, Some(Refused::Signature)),
        // A key without a name may be the one that is meant.
        (&unnamed, r#"{"alg":"HS256","kid":"x"}"#, 2, None),
        (
            &unnamed,
            r#"{"alg":"HS256","kid":"x"}"#,
            1,
            Some(Refused::Signature),
        ),
    ] {
        let verified = verifier(keys.as_bytes()).verify(&token(header, byte), now());
        assert_eq!(verified.err(), expected, "{header} {byte}");
    }
}

#[test]
fn times_count_give_or_take_30_s() {
    let verifier = verifier(oct_jwk().as_bytes());
    for (payload, expected) in [
        (format!(r#"{{"exp":{}}}"#, NOW - 29), None),
        (format!(r#"{{"exp":{}}}"#, NOW - 30), Some(Refused::Expired)),
        (format!(r#"{{"exp":{}.5}}"#, NOW - 30), None),
        (r#"{"exp":-1}"#.into(), Some(Refused::Expired)),
        (r#"{"exp":1e300}"#.into(), None),
        (format!(r#"{{"nbf":{}}}"#, NOW + 30), None),
        (format!(r#"{{"nbf":{}}}"#, NOW + 31), Some(Refused::Early)),
        (format!(r#"{{"iat":{}}}"#, NOW + 30), None),
        (format!(r#"{{"iat":{}}}"#, NOW + 31), Some(Refused::Unborn)),
        (r#"{"iat":1e300}"#.into(), Some(Refused::Unborn)),
        (r#"{"nbf":0,"iat":0}"#.into(), None),
        ("{}".into(), None),
    ] {
        let token = signed(r#"{"alg":"HS256"}"#, &payload, hs256);
        assert_eq!(verifier.verify(&token, now()).err(), expected, "{payload}");
    }
    // A clock that was never set.
    let token = signed(r#"{"alg":"HS256"}"#, r#"{"nbf":0}"#, hs256);
    let before = UNIX_EPOCH - Duration::from_secs(31);
    assert_eq!(verifier.verify(&token, before), Err(Refused::Early));
}

#[test]
fn audience_and_issuer_are_as_expected() {
    let expected = |audiences: &[&str], issuer: Option<&str>| Expected {
        audiences: audiences.iter().map(|name| (*name).to_owned()).collect(),
        issuer: issuer.map(str::to_owned),
    };
    for (wanted, payload, refused) in [
        (expected(&["a", "b"], None), r#"{"aud":"b"}"#, None),
        (
            expected(&["a", "b"], None),
            r#"{"aud":["c","\u0061"]}"#,
            None,
        ),
        (
            expected(&["a"], None),
            r#"{"aud":["c"]}"#,
            Some(Refused::Audience),
        ),
        (
            expected(&["a"], None),
            r#"{"aud":"ab"}"#,
            Some(Refused::Audience),
        ),
        (
            expected(&["a"], None),
            r#"{"aud":[]}"#,
            Some(Refused::Audience),
        ),
        (expected(&["a"], None), "{}", Some(Refused::Audience)),
        (expected(&[], Some("i")), r#"{"iss":"i","aud":"z"}"#, None),
        (
            expected(&[], Some("i")),
            r#"{"iss":"I"}"#,
            Some(Refused::Issuer),
        ),
        (expected(&[], Some("i")), "{}", Some(Refused::Issuer)),
        (
            expected(&["a"], Some("i")),
            r#"{"iss":"i","aud":"a"}"#,
            None,
        ),
        (expected(&[], None), r#"{"iss":"i","aud":"a"}"#, None),
    ] {
        let keys = Keys::read(oct_jwk().as_bytes()).unwrap();
        let verifier = Verifier::new(keys, wanted.clone());
        let token = signed(r#"{"alg":"HS256"}"#, payload, hs256);
        assert_eq!(
            verifier.verify(&token, now()).err(),
            refused,
            "{wanted:?} {payload}"
        );
    }
}
