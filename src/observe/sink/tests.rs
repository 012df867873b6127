//! Lines that nobody reads, that cannot be written, and that come out whole.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use super::*;

const LONG: Duration = Duration::from_secs(20);

/// A sink into a pipe; what was said to be lost goes into the sink, too.
fn piped(linger: Duration) -> (Arc<Sink<OwnedFd>>, BufReader<File>, Arc<AtomicU64>) {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let said = Arc::new(AtomicU64::new(0));
    let sink = sink(writer, linger, &said);
    (sink, BufReader::new(reader.into()), said)
}

fn sink(output: OwnedFd, linger: Duration, said: &Arc<AtomicU64>) -> Arc<Sink<OwnedFd>> {
    let said = said.clone();
    Arc::new(Sink::new(output, linger, move |count| {
        said.fetch_add(count, Ordering::SeqCst);
    }))
}

#[test]
fn lines_come_out_whole_and_in_order() {
    let (sink, mut reader, _) = piped(Duration::ZERO);
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let sink = sink.clone();
            std::thread::spawn(move || {
                for number in 0..1000 {
                    let line = format!("{thread} {number} {}\n", "x".repeat(number % 300));
                    sink.push(line.as_bytes());
                }
            })
        })
        .collect();
    let mut next = [0; 4];
    let mut line = String::new();
    while next != [1000; 4] {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace();
        let thread: usize = words.next().unwrap().parse().unwrap();
        let number: usize = words.next().unwrap().parse().unwrap();
        assert_eq!(
            (number, words.next().unwrap_or("").len()),
            (next[thread], number % 300)
        );
        next[thread] += 1;
    }
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert!(sink.flush(LONG));
    assert_eq!(sink.lost(), 0);
}

#[test]
fn a_pipe_that_nobody_reads_costs_lines_and_no_time() {
    let (sink, mut reader, said) = piped(Duration::ZERO);
    let line = [b'x'; 99];
    let line = [&line[..], b"\n"].concat();
    let began = Instant::now();
    for _ in 0..50_000 {
        sink.push(&line);
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(!sink.flush(Duration::from_millis(20)));
    let lost = sink.lost();
    let most = 50_000 - (LIMIT_BYTES / 100 - 100) as u64;
    assert!((30_000..most).contains(&lost), "{lost} lost");
    assert_eq!(said.load(Ordering::SeqCst), 0);
    let mut bytes = vec![0; (50_000 - lost as usize) * 100];
    reader.read_exact(&mut bytes).unwrap();
    assert!(bytes.chunks(100).all(|read| read == line));
    assert!(sink.flush(LONG));
    assert_eq!((sink.lost(), said.load(Ordering::SeqCst)), (lost, lost));
    // Nothing of it is kept.
    assert!(sink.0.locked().waiting.bytes.capacity() <= KEPT_BYTES);
    sink.push(b"again\n");
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "again\n");
}

#[test]
fn what_cannot_be_written_is_counted_and_said_once_it_can_be() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let said = Arc::new(AtomicU64::new(0));
    let sink = sink(full.into(), Duration::ZERO, &said);
    for _ in 0..10 {
        sink.push(b"one\n");
        assert!(sink.flush(LONG));
    }
    assert_eq!((sink.lost(), said.load(Ordering::SeqCst)), (10, 0));
    // The same descriptor leads to an open door now.
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let mut same = sys::inherited(sink.0.output.as_raw_fd()).unwrap();
    rustix::io::dup2(writer, &mut same).unwrap();
    std::mem::forget(same);
    sink.push(b"two\n");
    assert!(sink.flush(LONG));
    assert_eq!((sink.lost(), said.load(Ordering::SeqCst)), (10, 10));
    let mut line = String::new();
    BufReader::new(File::from(reader))
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "two\n");
}

#[test]
fn a_reader_that_is_gone_is_no_end() {
    let (sink, reader, _) = piped(Duration::ZERO);
    drop(reader);
    sink.push(b"one\n");
    assert!(sink.flush(LONG));
    sink.push(b"two\n");
    assert!(sink.flush(LONG));
    assert_eq!(sink.lost(), 2);
}

#[test]
fn a_line_that_was_torn_keeps_to_itself() {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let sink = sink(writer, Duration::ZERO, &Arc::default());
    let mut lines = Lines::new();
    lines.push(b"whole\n");
    let mut torn = true;
    assert_eq!(sink.0.write(&lines, &mut torn), 0);
    assert!(!torn);
    let mut text = [0; 7];
    File::from(reader).read_exact(&mut text).unwrap();
    assert_eq!(&text, b"\nwhole\n");
}

#[test]
fn those_who_linger_write_many_lines_at_once() {
    let (sink, reader, _) = piped(Duration::from_millis(500));
    sink.push(b"first\n");
    let mut reader = reader.into_inner();
    for _ in 0..100 {
        sink.push(b"another\n");
    }
    assert!(sink.flush(LONG));
    // The writer may have come to life at any of them.
    let mut text = [0; 1024];
    let first = reader.read(&mut text).unwrap();
    assert_eq!(first, 6 + 800);
}

#[test]
fn pieces_end_with_lines_and_are_small() {
    let mut lines = Lines::new();
    for length in [10, 4086, 1, 5000, 4096, 1, 1] {
        lines.push(&vec![b'x'; length]);
    }
    let pieces: Vec<usize> = lines
        .pieces()
        .map(|(begin, ends)| ends.last().unwrap() - begin)
        .collect();
    assert_eq!(pieces, [4096, 1, 5000, 4096, 2]);
}
