//! What holds for any bytes, cut in any way.

use proptest::prelude::*;

use super::*;

/// Bytes that are mostly requests: valid parts, broken parts, cut and mixed.
fn connection() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "POST /a?b=%20 HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.0\r\n",
        "HEAD http://x/y HTTP/1.1\r\n",
        "Host: a\r\n",
        "Host: a\r\n\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 5\r\n\r\nhello",
        "\r\n",
        "\r\n\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n",
        "a;b=\"c\"\r\n0123456789\r\n",
        "0\r\n\r\n",
        "0\r\nX: y\r\n\r\n",
        "Connection: close, x\r\n",
        "Expect: 100-continue\r\n",
        "X: \u{e9}\t1 \r\n",
        "\n",
        "\r",
        "\0",
        " ",
        "HTTP/1.1",
        "GET ",
        ":",
        "%",
        "hello",
    ]);
    let part = prop_oneof![
        12 => part.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..20),
    ];
    prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

/// A request as a client would send it.
#[derive(Clone, Debug)]
struct Sent {
    path: String,
    fields: Vec<String>,
    body: Vec<u8>,
    /// The size of its chunks, unless it is sent with its length.
    chunks: Option<usize>,
}

impl Sent {
    fn any() -> impl Strategy<Value = Sent> {
        let path = "(/[a-zA-Z0-9._~!$&'()*+,;=:@-]{0,8}(%[0-9a-fA-F]{2})?){1,4}";
        let fields = prop::collection::vec("[A-W][A-Za-z0-9-]{0,2}x: [!-~]{0,20}", 0..10);
        let body = prop::collection::vec(any::<u8>(), 0..6000);
        let chunks = prop::option::of(1usize..2000);
        (path, fields, body, chunks).prop_map(|(path, fields, body, chunks)| Sent {
            path,
            fields,
            body,
            chunks,
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let fields: String = self
            .fields
            .iter()
            .map(|field| format!("{field}\r\n"))
            .collect();
        let head = format!("PUT {} HTTP/1.1\r\nHost: a\r\n{fields}", self.path);
        let Some(size) = self.chunks else {
            let length = format!("Content-Length: {}\r\n\r\n", self.body.len());
            return [head.as_bytes(), length.as_bytes(), &self.body].concat();
        };
        let chunk =
            |data: &[u8]| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
        let chunks: Vec<u8> = self.body.chunks(size).flat_map(chunk).collect();
        let coding = b"Transfer-Encoding: chunked\r\n\r\n";
        [head.as_bytes(), coding, &chunks, b"0\r\n\r\n"].concat()
    }
}

fn small_limits() -> Limits {
    Limits {
        target: 20,
        head: 150,
        fields: 4,
        chunk_extensions: 8,
        trailers: 12,
        body: 16,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn how_bytes_are_cut_changes_nothing(
        bytes in connection(),
        pieces in prop::collection::vec(1usize..40, 1..10),
    ) {
        for limits in [Limits::default(), small_limits()] {
            let whole = read(&bytes, &[usize::MAX], limits);
            prop_assert_eq!(&whole, &read(&bytes, &[1], limits));
            prop_assert_eq!(&whole, &read(&bytes, &pieces, limits));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        prefix in prop::sample::select(vec!["", "GET / HTTP/1.1\r\n", "GET /", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"]),
        pieces in prop::collection::vec(1usize..400, 1..10),
    ) {
        let bytes = [prefix.as_bytes(), &bytes].concat();
        read(&bytes, &pieces, Limits::default());
        read(&bytes, &pieces, small_limits());
    }

    #[test]
    fn what_is_sent_is_read(
        sent in prop::collection::vec(Sent::any(), 0..4),
        pieces in prop::collection::vec(1usize..3000, 1..10),
    ) {
        let bytes: Vec<u8> = sent.iter().flat_map(Sent::bytes).collect();
        let outcome = read(&bytes, &pieces, Limits::default());
        prop_assert_eq!((outcome.refusal, outcome.truncated), (None, false));
        prop_assert_eq!(outcome.requests.len(), sent.len());
        for (request, sent) in outcome.requests.iter().zip(&sent) {
            prop_assert_eq!(&request.path, &sent.path);
            prop_assert_eq!(&request.body, &sent.body);
            prop_assert_eq!(request.fields.len(), sent.fields.len() + 2);
        }
    }
}
