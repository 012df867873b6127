//! Peers that ask for trust and do not deserve it, or answer the wish for TLS as no PostgreSQL does.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use peppercorn::pg::{connect, settings};

use crate::harness::{block_on, clock};
use crate::pg_tls::WISH;

/// A server that reads eight bytes of each connection, answers, and hangs up; it tells what it has read.
struct Peer {
    port: u16,
    read: JoinHandle<Vec<[u8; 8]>>,
}

impl Peer {
    fn answering(answers: &'static [&'static [u8]]) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let read = std::thread::spawn(move || {
            let answer = |answer: &&[u8]| {
                let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
                let mut first = [0; 8];
                stream.read_exact(&mut first).unwrap();
                stream.write_all(answer).unwrap();
                // All that comes is read: a reset would take back what was answered.
                stream.shutdown(std::net::Shutdown::Write).unwrap();
                let _gone = stream.read_to_end(&mut Vec::new());
                first
            };
            answers.iter().map(answer).collect()
        });
        Peer { port, read }
    }

    fn refused(&self, options: &str) -> String {
        let url = format!("postgres://ann:hunter2@127.0.0.1:{}/x?{options}", self.port);
        let config = settings::read(Some(&url), &|_| None).unwrap();
        match block_on(connect::connect(&config, &clock())) {
            Ok(_) => panic!("connected"),
            Err(error) => format!("{error:#}"),
        }
    }
}

#[test]
fn what_is_no_tls_is_refused_in_words() {
    for (answer, expected) in [
        (&b""[..], "the server hung up when it was asked for TLS"),
        (
            b"N",
            "the server does not speak TLS, and sslmode asks for it",
        ),
        (b"E", "is neither yes nor no"),
        (b"S", "the server hung up during the TLS handshake"),
        (
            b"SHTTP/1.1 400 Bad Request\r\n\r\n",
            "TLS: received corrupt message",
        ),
        // What somebody on the way has put before the handshake is not taken for what the server says.
        (
            b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I",
            "TLS: received corrupt message",
        ),
    ] {
        let answers: &'static [&'static [u8]] = Vec::leak(vec![answer]);
        let peer = Peer::answering(answers);
        let error = peer.refused("sslmode=require");
        let place = format!("cannot connect to PostgreSQL at 127.0.0.1:{}: ", peer.port);
        assert!(
            error.starts_with(&place) && error.contains(expected),
            "{answer:?}: {error}"
        );
        assert_eq!(peer.read.join().unwrap(), [WISH]);
    }
}

#[test]
fn prefer_does_without_after_a_handshake_that_failed_and_says_both() {
    let denied: &[u8] = b"E\0\0\0\x1bSFATAL\0C28000\0Mno way\0\0";
    let peer = Peer::answering(Vec::leak(vec![b"SNO TLS HERE", denied]));
    let error = peer.refused("sslmode=prefer");
    assert!(
        error.contains("with TLS: TLS: received corrupt message"),
        "{error}"
    );
    assert!(
        error.contains("; without: db error: FATAL: no way"),
        "{error}"
    );
    let read = peer.read.join().unwrap();
    // The second begins with the protocol's version, 3.0.
    assert_eq!((read[0], &read[1][4..]), (WISH, &[0, 3, 0, 0][..]));
}

#[test]
fn a_server_that_falls_silent_has_the_connection_s_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 8]).unwrap();
        stream.write_all(b"S").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    });
    let url = format!("host=127.0.0.1 port={port} user=ann sslmode=require connect_timeout=1");
    let config = settings::read(Some(&url), &|_| None).unwrap();
    let Err(error) = block_on(connect::connect(&config, &clock())) else {
        panic!("connected");
    };
    assert!(
        format!("{error:#}").ends_with("no answer within 1 s"),
        "{error:#}"
    );
    silent.join().unwrap();
}
