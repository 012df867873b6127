//! What writing JSON costs: strings, integers, and PostgreSQL's binary values as rows have them.
//!
//! `cargo bench --bench json [FILTER]`. `serde_json` writes the same beside it, where it knows the type.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use peppercorn::json;
use peppercorn::pg::values::Encoder;
use serde::Serialize;
use tokio_postgres::types::Type;

fn main() {
    divan::main();
}

/// Writes into a buffer that has its memory already, as all values of an answer but the first do.
fn ours(bencher: Bencher<'_, '_>, mut write: impl FnMut(&mut Vec<u8>)) {
    let mut out = Vec::new();
    write(&mut out);
    let written = BytesCount::new(out.len());
    bencher.counter(written).bench_local(|| {
        out.clear();
        write(&mut out);
        black_box(&out);
    });
}

/// The same with serde_json.
fn theirs<T: Serialize + ?Sized>(bencher: Bencher<'_, '_>, value: &T) {
    ours(bencher, |out| {
        serde_json::to_writer(out, black_box(value)).expect("JSON")
    });
}

#[divan::bench_group(sample_size = 1000)]
mod string {
    use super::*;

    const TEXTS: [&str; 4] = ["short", "1 KiB", "escapes", "non-ASCII"];

    fn text(kind: &str) -> String {
        let long = |sentence: &str| sentence.chars().cycle().take(1024).collect();
        match kind {
            "short" => "Cilic v Anderson".into(),
            "1 KiB" => long("The market is suspended until the weather allows play. "),
            "escapes" => long("She said: \"play\", and\nthe path is C:\\temp.\t"),
            _ => long("Čilić – Żuk, Граница, 試合中止 "),
        }
    }

    #[divan::bench(args = TEXTS)]
    fn peppercorn(bencher: Bencher<'_, '_>, kind: &str) {
        let text = text(kind);
        ours(bencher, |out| json::string(black_box(&text), out));
    }

    #[divan::bench(args = TEXTS)]
    fn serde_json(bencher: Bencher<'_, '_>, kind: &str) {
        theirs(bencher, text(kind).as_str());
    }
}

#[divan::bench_group(sample_size = 1000)]
mod integer {
    use super::*;

    const NUMBERS: [i64; 3] = [7, 48_151_623, i64::MIN];

    #[divan::bench(args = NUMBERS)]
    fn peppercorn(bencher: Bencher<'_, '_>, number: i64) {
        ours(bencher, |out| json::integer(black_box(number), out));
    }

    #[divan::bench(args = NUMBERS)]
    fn serde_json(bencher: Bencher<'_, '_>, number: i64) {
        theirs(bencher, &number);
    }
}

/// From PostgreSQL's binary format, as it comes from the socket.
#[divan::bench_group(sample_size = 1000)]
mod value {
    use super::*;

    fn write(bencher: Bencher<'_, '_>, ty: &Type, raw: &[u8], json: &str) {
        let encoder = Encoder::of(ty).expect("a type with a JSON form");
        let write = |out: &mut Vec<u8>| {
            let written = encoder.write(black_box(raw), out);
            written.expect("a value of that type");
        };
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(str::from_utf8(&out), Ok(json), "the bytes of the {ty}");
        ours(bencher, write);
    }

    #[divan::bench]
    fn int8(bencher: Bencher<'_, '_>) {
        write(
            bencher,
            &Type::INT8,
            &48_151_623i64.to_be_bytes(),
            "48151623",
        );
    }

    #[divan::bench]
    fn text(bencher: Bencher<'_, '_>) {
        write(
            bencher,
            &Type::TEXT,
            b"Cilic v Anderson",
            "\"Cilic v Anderson\"",
        );
    }

    /// Two digits in base 10,000, the first of weight 0, no sign, two decimals.
    #[divan::bench]
    fn numeric(bencher: Bencher<'_, '_>) {
        let raw = [2u16, 0, 0, 2, 50, 2500].map(u16::to_be_bytes).concat();
        write(bencher, &Type::NUMERIC, &raw, "50.25");
    }

    /// Microseconds since 2000.
    #[divan::bench]
    fn timestamp(bencher: Bencher<'_, '_>) {
        let raw = 585_664_767_120_345i64.to_be_bytes();
        write(
            bencher,
            &Type::TIMESTAMP,
            &raw,
            "\"2018-07-23T12:39:27.120345\"",
        );
    }

    #[divan::bench]
    fn uuid(bencher: Bencher<'_, '_>) {
        let raw = 0xb194_6ac9_2492_4d23_87c6_235b_4d26_1118u128.to_be_bytes();
        write(
            bencher,
            &Type::UUID,
            &raw,
            "\"b1946ac9-2492-4d23-87c6-235b4d261118\"",
        );
    }

    const FLOATS: [f64; 3] = [0.5, 50.25, 2.0 / 3.0];

    #[divan::bench(args = FLOATS)]
    fn float8(bencher: Bencher<'_, '_>, number: f64) {
        write(
            bencher,
            &Type::FLOAT8,
            &number.to_be_bytes(),
            &number.to_string(),
        );
    }

    #[divan::bench(args = FLOATS)]
    fn float8_serde_json(bencher: Bencher<'_, '_>, number: f64) {
        theirs(bencher, &number);
    }
}
