//! What `/metrics` adds up to when a worker is killed.

use crate::support::harness::{Server, kill_worker};
use crate::support::{Answered, Load, report};
use crate::{Field, counted};

const WORKERS: usize = 3;
const CONNECTIONS: u64 = 48;

/// One of three workers is killed half way through.
pub fn counts(field: &Field) {
    let server = Server::spawn(field.command(&["--workers", "3"])).ready();
    server.settled(WORKERS);
    // Whoever asked whether it was ready asked for something else.
    let before = ["/one", "/ping"].map(|route| counted(&server, route, 200));
    let (read, cut) = std::thread::scope(|scope| {
        let loads = ["/one", "/ping"].map(|path| {
            let load = Load {
                connections: CONNECTIONS,
                duration: field.duration / 2,
                pipelined: 1,
            };
            let address = server.address();
            scope.spawn(move || load.run_anywhere(address, path))
        });
        std::thread::sleep(field.duration / 4);
        let victim = server.settled(WORKERS)[1].clone();
        let cut = kill_worker(victim.pid, server.address().port()).len() as u64;
        server.successor(&victim);
        (loads.map(|load| load.join().expect("wrk")), cut)
    });
    server.settled(WORKERS);
    for (index, path) in ["/one", "/ping"].into_iter().enumerate() {
        let Answered {
            requests, errors, ..
        } = read[index];
        let requests = requests as i64;
        let difference = (counted(&server, path, 200) - before[index]) as i64 - requests;
        // wrk does not wait for the answers that are on their way when it ends.
        let unread = CONNECTIONS;
        report(
            &format!("counts, GET {path}"),
            &format!(
                "wrk has read {requests} answers and had {errors} errors, {difference:+} are counted; {cut} connections, of both, \
                 were on the killed worker"
            ),
            &format!("−{cut} to +{}", cut + unread),
            -(cut as i64) <= difference && difference <= (cut + unread) as i64 && cut > 0,
        );
    }
}
