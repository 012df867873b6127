//! How much an event matters.

use log::Level;

use super::Event;

impl Event {
    /// How loud the event is.
    pub fn level(&self) -> Level {
        match self {
            Event::DatabaseAway { .. }
            | Event::WorkerStuck { .. }
            | Event::BootFailed { .. }
            | Event::CannotStart { .. }
            | Event::KeeperEnded { .. }
            | Event::ReloadRefused { .. }
            | Event::UpgradeFailed { .. }
            | Event::Orphaned { .. }
            | Event::RequestFailed { .. }
            | Event::Panicked { .. }
            | Event::TaskPanicked { .. }
            | Event::StillStuck { .. }
            | Event::StreamStalled { .. } => Level::Error,
            Event::ConnectionLost { .. }
            | Event::WorkerEnded { .. }
            | Event::WorkerKilled { .. }
            | Event::SchemaChanged { .. }
            | Event::PlacesTaken { .. }
            | Event::AcceptPaused { .. }
            | Event::CannotReport { .. }
            | Event::Stalled { .. }
            | Event::SlowQuery { .. }
            | Event::SentryUnreachable { .. }
            | Event::LinesLost { .. }
            | Event::DrainCut { .. } => Level::Warn,
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
            | Event::Draining { .. }
            | Event::Stopped => Level::Info,
        }
    }

    /// Whether the event itself is a failure to report to Sentry. Not so what is part of everyday life, what goes on about
    /// Sentry, and what is reported elsewhere: the wrapper around an endpoint captures its failure with all that is known of
    /// the request, the stall monitor tells of an endpoint now and then, and many connections lost at once are one database away.
    pub fn is_captured(&self) -> bool {
        match self {
            Event::DatabaseAway { .. }
            | Event::WorkerEnded { .. }
            | Event::WorkerStuck { .. }
            | Event::WorkerKilled { .. }
            | Event::BootFailed { .. }
            | Event::CannotStart { .. }
            | Event::KeeperEnded { .. }
            | Event::ReloadRefused { .. }
            | Event::UpgradeFailed { .. }
            | Event::Orphaned { .. }
            | Event::TaskPanicked { .. }
            | Event::StreamStalled { .. }
            | Event::AcceptPaused { .. } => true,
            Event::RequestFailed { .. }
            | Event::Panicked { .. }
            | Event::Stalled { .. }
            | Event::StillStuck { .. }
            | Event::ConnectionLost { .. }
            | Event::CannotReport { .. }
            | Event::SentryUnreachable { .. }
            | Event::SentryBack { .. }
            | Event::LinesLost { .. }
            | Event::SlowQuery { .. }
            | Event::SchemaChanged { .. }
            | Event::PlacesTaken { .. }
            | Event::DrainCut { .. }
            | Event::Admin { .. }
            | Event::Listening { .. }
            | Event::Supervising { .. }
            | Event::Reloading
            | Event::Reloaded { .. }
            | Event::Resized { .. }
            | Event::Upgrading
            | Event::Cluster { .. }
            | Event::DatabaseBack { .. }
            | Event::AcceptResumed
            | Event::Draining { .. }
            | Event::Stopped => false,
        }
    }
}
