//! How much an event matters.

use log::Level;

use super::Event;

impl Event {
    /// How loud the event is.
    pub fn level(&self) -> Level {
        self.weight().0
    }

    /// Whether the event itself is a failure to report to Sentry. Not so what is part of everyday life, what goes on about
    /// Sentry, and what is reported elsewhere: the wrapper around an endpoint captures its failure with all that is known of
    /// the request, the stall monitor tells of an endpoint now and then, and many connections lost at once are one database away.
    pub fn is_captured(&self) -> bool {
        self.weight().1
    }

    /// The level, and whether Sentry hears of it.
    fn weight(&self) -> (Level, bool) {
        match self {
            Event::DatabaseAway { .. }
            | Event::WorkerStuck { .. }
            | Event::BootFailed { .. }
            | Event::CannotStart { .. }
            | Event::KeeperEnded { .. }
            | Event::ReloadRefused { .. }
            | Event::UpgradeFailed { .. }
            | Event::Orphaned { .. }
            | Event::TaskPanicked { .. }
            | Event::StreamStalled { .. } => (Level::Error, true),
            Event::RequestFailed { .. }
            | Event::Panicked { .. }
            | Event::StillStuck { .. }
            | Event::NotServed { .. } => (Level::Error, false),
            Event::WorkerEnded { .. } | Event::WorkerKilled { .. } | Event::AcceptPaused { .. } => {
                (Level::Warn, true)
            }
            Event::ConnectionLost { .. }
            | Event::SchemaChanged { .. }
            | Event::ServedFromLock { .. }
            | Event::PlacesTaken { .. }
            | Event::CannotReport { .. }
            | Event::CannotWatch { .. }
            | Event::Stalled { .. }
            | Event::SlowQuery { .. }
            | Event::SentryUnreachable { .. }
            | Event::LinesLost { .. }
            | Event::DrainCut { .. } => (Level::Warn, false),
            Event::Admin { .. }
            | Event::Listening { .. }
            | Event::Supervising { .. }
            | Event::Reloading
            | Event::Reloaded { .. }
            | Event::Resized { .. }
            | Event::Upgrading
            | Event::Cluster { .. }
            | Event::DatabaseBack { .. }
            | Event::AcceptResumed
            | Event::SentryBack { .. }
            | Event::Leaving { .. }
            | Event::Draining { .. }
            | Event::Stopped => (Level::Info, false),
        }
    }
}
