//! What the encoders do with bytes and types that PostgreSQL would not send. That they agree with
//! PostgreSQL is in `tests/it/values.rs`.

use super::{Encoder, Malformed};
use proptest::prelude::*;
use tokio_postgres::types::{Field, Kind, Type};

fn written(ty: &Type, raw: &[u8]) -> Result<String, Malformed> {
    let mut out = Vec::new();
    Encoder::of(ty).unwrap().write(raw, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn null_is_null() {
    let mut out = Vec::new();
    Encoder::Int4.write_nullable(None, &mut out).unwrap();
    assert_eq!(out, b"null");
}

#[test]
fn bytes_of_another_shape_are_malformed() {
    let numeric = |sign: u16, scale: u16, digit: u16| {
        [1, 0, sign, scale, digit].map(u16::to_be_bytes).concat()
    };
    assert_eq!(
        written(&Type::NUMERIC, &numeric(0x4000, 1, 7)).unwrap(),
        "-7.0"
    );
    let array = |lengths: &[i32]| {
        let header = [lengths.len() as i32, 0, 23];
        let lengths = lengths.iter().flat_map(|&length| [length, 1]);
        header
            .into_iter()
            .chain(lengths)
            .flat_map(i32::to_be_bytes)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        written(&Type::INT4_ARRAY, &array(&[i32::MAX, 0])).unwrap(),
        "[]"
    );
    let day = 86_400_000_000i64;
    for (ty, raw) in [
        (Type::INT4, vec![0; 5]),
        (Type::BOOL, vec![]),
        (Type::TEXT, vec![0xff]),
        (Type::JSONB, b"\x02{}".to_vec()),
        (Type::NUMERIC, numeric(1, 0, 7)),
        (Type::NUMERIC, numeric(0, 0x4000, 7)),
        (Type::NUMERIC, numeric(0, 0, 10_000)),
        (Type::TIME, (day + 1).to_be_bytes().to_vec()),
        (Type::TIME, (-1i64).to_be_bytes().to_vec()),
        (
            Type::TIMETZ,
            [&[0; 8][..], &i32::MIN.to_be_bytes()].concat(),
        ),
        (Type::INET, vec![2, 33, 0, 4, 1, 2, 3, 4]),
        (Type::INET, vec![3, 64, 0, 4, 1, 2, 3, 4]),
        (Type::VARBIT, [&9i32.to_be_bytes()[..], &[0xff]].concat()),
        (Type::INT4_ARRAY, array(&[1; 7])),
        (Type::INT4_ARRAY, array(&[i32::MAX; 6])),
        (Type::INT4_ARRAY, array(&[-1])),
        (Type::INT4_RANGE, vec![0]),
        (Type::INT4_RANGE, vec![1, 0]),
        (Type::INT4MULTI_RANGE, vec![0xff; 4]),
    ] {
        assert!(
            written(&ty, &raw).is_err(),
            "{ty} from {raw:?}: {:?}",
            written(&ty, &raw)
        );
    }
}

#[test]
fn infinite_intervals_have_their_names() {
    let raw = [
        &i64::MAX.to_be_bytes()[..],
        &i32::MAX.to_be_bytes(),
        &i32::MAX.to_be_bytes(),
    ];
    assert_eq!(
        written(&Type::INTERVAL, &raw.concat()).unwrap(),
        "\"infinity\""
    );
    let raw = [
        &i64::MIN.to_be_bytes()[..],
        &i32::MIN.to_be_bytes(),
        &i32::MIN.to_be_bytes(),
    ];
    assert_eq!(
        written(&Type::INTERVAL, &raw.concat()).unwrap(),
        "\"-infinity\""
    );
}

/// One encoder of every kind.
fn encoders() -> Vec<Encoder> {
    let simple = [
        Type::BOOL,
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::OID,
        Type::FLOAT4,
        Type::FLOAT8,
        Type::NUMERIC,
        Type::TEXT,
        Type::CHAR,
        Type::UUID,
        Type::DATE,
        Type::TIME,
        Type::TIMETZ,
        Type::TIMESTAMP,
        Type::TIMESTAMPTZ,
        Type::INTERVAL,
        Type::BYTEA,
        Type::JSON,
        Type::JSONB,
        Type::INET,
        Type::MACADDR,
        Type::MACADDR8,
        Type::VARBIT,
        Type::PG_LSN,
        Type::VOID,
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_RANGE,
        Type::NUM_RANGE,
        Type::TSTZ_RANGE,
        Type::DATEMULTI_RANGE,
        Type::INT4_RANGE_ARRAY,
    ];
    let fields = ["a", "b"].map(|name| Field::new(name.into(), Type::INT4_ARRAY));
    let composite = Type::new(
        "c".into(),
        70_000,
        Kind::Composite(fields.into()),
        "s".into(),
    );
    let array = Type::new(
        "_c".into(),
        70_001,
        Kind::Array(composite.clone()),
        "s".into(),
    );
    simple
        .iter()
        .chain([&composite, &array])
        .map(|ty| Encoder::of(ty).unwrap())
        .collect()
}

/// Bytes that look like a value: small numbers, some of them counts, lengths, flags or OIDs.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        (0..8i32).prop_map(|n| n.to_be_bytes().to_vec()),
        Just((-1i32).to_be_bytes().to_vec()),
        Just(i32::MAX.to_be_bytes().to_vec()),
        Just(1007u32.to_be_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..9),
    ];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(crate::mutate::config(2000))]

    #[test]
    fn no_bytes_make_an_encoder_panic(raw in plausible()) {
        for encoder in encoders() {
            let mut out = b"before".to_vec();
            if encoder.write(&raw, &mut out).is_err() {
                prop_assert_eq!(&out, b"before", "{:?} left something behind", encoder);
            }
            prop_assert!(std::str::from_utf8(&out).is_ok(), "{:?} wrote what is not UTF-8", encoder);
        }
    }
}

#[test]
fn a_type_nested_without_end_is_refused() {
    let mut ty = Type::INT4;
    for depth in 0..10_000 {
        ty = Type::new(
            format!("d{depth}"),
            100_000 + depth,
            Kind::Domain(ty),
            "s".into(),
        );
    }
    let refused = Encoder::of(&ty).unwrap_err().to_string();
    assert!(refused.contains("nested too deep"), "{refused}");
    std::mem::forget(ty); // dropping it would recurse, in tokio-postgres' own types
}
