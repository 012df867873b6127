//! Whether a server is still there that has not answered for long.
//!
//! A query may take its time. And the kernel takes a server for one that is there as long as somebody acknowledges what it
//! is sent: a proxy does, and the kernel of a process that is stopped. So a server that has not answered for seconds is asked
//! on another connection whether it speaks TLS: that it answers at once, before it knows who asks. If it says nothing there
//! either, the connection is given up.

use std::future::{Future, pending};
use std::time::{Duration, Instant};

use super::connect::Origin;
use super::pool::Shared;

/// Between two looks at a connection.
const LOOK: Duration = Duration::from_secs(1);
/// A query that takes longer has its server asked, and asked again whenever so much time has passed.
const LONG: Duration = Duration::from_secs(3);
/// For the server to answer. With the two above, silence is noticed within 8 s, and a tick of the clock for each.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);
/// Connecting that takes longer does not have requests wait for it.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// Ends when the server of a connection in use does not answer any more: with the words for it.
pub(super) async fn silence(shared: &Shared, id: u64, origin: &Origin) -> anyhow::Error {
    let mut heard = Instant::now();
    let mut deadline = shared.clock.deadline();
    loop {
        shared.clock.sleep(LOOK).await;
        let since = shared.state().waits_since(id);
        if since.is_none_or(|since| since.max(heard).elapsed() < LONG) {
            continue;
        }
        deadline.arm(ANSWER_LIMIT);
        if deadline.race(origin.hear()).await.is_none() {
            let silent = since.map_or(LONG, |since| since.elapsed());
            return anyhow::anyhow!(
                "no answer for {} s, nor on another connection",
                silent.as_secs()
            );
        }
        heard = Instant::now();
    }
}

/// Sees a connection made, and calls `late` if that takes long.
pub(super) async fn connecting<T>(
    shared: &Shared,
    connecting: impl Future<Output = T>,
    late: impl FnOnce(anyhow::Error),
) -> T {
    let waiting = async {
        shared.clock.sleep(CONNECT_PATIENCE).await;
        late(anyhow::anyhow!(
            "no connection to PostgreSQL within {} s",
            CONNECT_PATIENCE.as_secs()
        ));
        pending().await
    };
    futures_lite::future::or(connecting, waiting).await
}
