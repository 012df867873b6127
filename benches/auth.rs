//! What a token costs: each algorithm, at its first use and at the next ones; and a claim of it.
//!
//! `cargo bench --bench auth [FILTER]`. The keys and tokens are those of RFC 7515, appendices A.1 to A.3.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use divan::{Bencher, black_box};
use peppercorn::auth::{Claims, Expected, Keys, Verifier};

fn main() {
    divan::main();
}

const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// A key as a JWK, and the header and the signature of a token.
const HS256: [&str; 3] = [
    r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#,
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
];
const RS256: [&str; 3] = [
    r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
    "eyJhbGciOiJSUzI1NiJ9",
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
];
const ES256: [&str; 3] = [
    r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    "eyJhbGciOiJFUzI1NiJ9",
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
];

const ALGORITHMS: [&str; 3] = ["HS256", "RS256", "ES256"];

/// The key of an algorithm, a token of it, and a time at which the token is good.
fn vector(algorithm: &str) -> (Keys, String, SystemTime) {
    let [key, header, signature] = match algorithm {
        "HS256" => HS256,
        "RS256" => RS256,
        _ => ES256,
    };
    let keys = Keys::read(key.as_bytes()).expect("a key");
    let token = format!("{header}.{PAYLOAD}.{signature}");
    (keys, token, UNIX_EPOCH + Duration::from_secs(1_300_819_000))
}

/// The first use of a token: its verifier has seen none before.
#[divan::bench(args = ALGORITHMS, sample_size = 10)]
fn first(bencher: Bencher<'_, '_>, algorithm: &str) {
    let (_, token, now) = vector(algorithm);
    let verifier = || Verifier::new(vector(algorithm).0, Expected::default());
    bencher.with_inputs(verifier).bench_local_refs(|verifier| {
        verifier
            .verify(black_box(&token), now)
            .expect("a good token")
    });
}

/// Every other use.
#[divan::bench(args = ALGORITHMS, sample_size = 100)]
fn again(bencher: Bencher<'_, '_>, algorithm: &str) {
    let (keys, token, now) = vector(algorithm);
    let verifier = Verifier::new(keys, Expected::default());
    bencher.bench_local(|| {
        verifier
            .verify(black_box(&token), now)
            .expect("a good token")
    });
}

/// A claim as text, by a way of three names.
#[divan::bench(sample_size = 1000)]
fn claim(bencher: Bencher<'_, '_>) {
    let json = r#"{"iss":"https://login.example.com/","sub":"auth0|5f7c8ec7c33c6c004bbafe82","aud":["https://api.example.com","https://example.com/userinfo"],"iat":1300818000,"exp":1300819380,"scope":"openid profile read:orders","app_metadata":{"tenant":{"id":42}}}"#;
    let claims = Claims::read(json).expect("claims");
    bencher.bench_local(|| {
        claims
            .text(black_box("app_metadata.tenant.id"))
            .map(|id| id.len())
    });
}
