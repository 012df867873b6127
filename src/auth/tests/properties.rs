//! Tokens and files of keys of every kind: nothing makes their readers panic, and what is taken is what was signed.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::{Keys, Verifier};
use super::signing::*;
use crate::mutate::{Input, config, mutated};

/// One of each algorithm; made once, for no two signatures of ES256 are the same.
static TOKENS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let payload = r#"{"sub":"jane","exp":1900000000,"aud":["a","b"],"scope":"read write"}"#;
    let tokens = [
        signed(r#"{"alg":"HS256"}"#, payload, hs256),
        signed(r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#, payload, es256),
        signed(r#"{"alg":"RS256"}"#, "{}", rs256),
    ];
    tokens.map(String::into_bytes).to_vec()
});

/// Headers and payloads, before they are signed.
fn objects() -> impl Strategy<Value = Vec<u8>> + Clone {
    select(vec![
        br#"{"alg":"HS256","typ":"JWT","kid":"a"}"#.to_vec(),
        br#"{"alg":"HS256"}"#.to_vec(),
        br#"{"sub":"jane","exp":1900000000,"aud":["a","b"],"scope":"read write"}"#.to_vec(),
        br#"{"iss":"\u00e9","nbf":1.5e3,"a":{"b":[null,true,{"c":-0.0}]}}"#.to_vec(),
    ])
}

fn files() -> impl Strategy<Value = Vec<u8>> + Clone {
    let set = format!(r#"{{"keys":[{},{},{}]}}"#, oct_jwk(), rsa_jwk(), ec_jwk());
    let files = [
        pem("RSA PUBLIC KEY", &rsa_public()).into_bytes(),
        rsa_public(),
        set.into_bytes(),
        ec_jwk().into_bytes(),
        b"a shared secret of thirty-two bytes or more\n".to_vec(),
    ];
    select(files.to_vec())
}

fn pieces() -> Vec<Vec<u8>> {
    let pieces = [
        ".",
        "=",
        "-----BEGIN ",
        "-----END ",
        "PUBLIC KEY",
        "-----",
        "\"",
        "\\u0000",
        "\\ud800",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "null",
        "1e999",
        "\"alg\":\"none\"",
        "\"crit\":[]",
        "\"d\":\"\"",
        "\"exp\":0",
        "\u{feff}",
    ];
    pieces.map(|piece| piece.as_bytes().to_vec()).to_vec()
}

fn keys() -> Verifier {
    let set = format!(r#"{{"keys":[{},{},{}]}}"#, oct_jwk(), rsa_jwk(), ec_jwk());
    verifier(set.as_bytes())
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn no_bytes_are_a_token_by_chance(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(keys().verify(&String::from_utf8_lossy(&bytes), now()).is_err());
    }

    #[test]
    fn a_changed_token_is_refused(Input(bytes) in mutated(select(&TOKENS[..]), pieces())) {
        let verified = keys().verify(&String::from_utf8_lossy(&bytes), now());
        prop_assert_eq!(verified.is_ok(), TOKENS.contains(&bytes));
    }

    #[test]
    fn what_is_taken_is_what_was_signed(
        Input(header) in mutated(objects(), pieces()),
        Input(payload) in mutated(objects(), pieces()),
    ) {
        let token = signed_bytes(&header, &payload, hs256);
        if let Ok(claims) = keys().verify(&token, now()) {
            prop_assert_eq!(claims.json().as_bytes(), &payload[..]);
            let value: serde_json::Value = serde_json::from_slice(&payload).unwrap();
            for (name, value) in value.as_object().unwrap() {
                match value {
                    serde_json::Value::Null => prop_assert_eq!(claims.text(name), None),
                    serde_json::Value::String(text) => prop_assert_eq!(claims.text(name).unwrap(), text.as_str()),
                    other => {
                        let text = claims.text(name).unwrap();
                        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                        prop_assert_eq!(&read, other);
                    }
                }
            }
            claims.scopes();
        }
    }

    #[test]
    fn no_file_makes_its_reader_panic(
        Input(bytes) in mutated(files(), pieces()),
        random in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        for file in [bytes, random] {
            if let Err(error) = Keys::read(&file) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
