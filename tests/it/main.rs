//! The integration tests: one binary, real parts only. A PostgreSQL cluster of their own is started by the code that
//! `peppercorn serve` uses for it; servers are the real binary, clients are sockets.

#![allow(
    unreachable_pub,
    reason = "a module of the tests says what it offers to the others"
)]

mod activation;
mod api_answers;
mod api_bodies;
mod api_conflicts;
mod api_drift;
mod api_errors;
mod api_limits;
mod api_parameters;
mod api_routes;
mod api_service;
#[cfg(feature = "auth")]
mod auth;
#[cfg(feature = "auth")]
mod auth_claims;
#[cfg(feature = "auth")]
mod auth_files;
#[cfg(not(feature = "auth"))]
mod auth_none;
#[cfg(feature = "auth")]
mod auth_rows;
#[cfg(feature = "auth")]
mod auth_settings;
#[cfg(feature = "auth")]
mod auth_sql;
mod balancing;
#[cfg(feature = "bench")]
mod bench;
mod bodiless;
mod capture;
mod capture_service;
mod check;
mod cli;
mod clients;
#[cfg(feature = "auth")]
mod clock;
mod cluster;
mod conformance;
mod cors;
mod docs;
#[cfg(feature = "docs")]
mod docs_page;
#[cfg(feature = "docs")]
mod docs_ui;
mod edits;
mod embed;
mod embed_serve;
#[cfg(feature = "auth")]
mod every;
mod failover;
mod findings;
mod format_bodies;
mod format_bulk;
mod format_concurrency;
mod format_conflicts;
mod format_files;
mod format_files_wrong;
mod format_given_up;
mod format_limits;
mod format_limits_wrong;
mod format_lists;
mod format_media;
mod format_pages;
mod format_parameters;
mod format_transactions;
mod format_versions;
mod harness;
mod hostile;
mod injection;
mod injection_headers;
#[cfg(feature = "auth")]
mod injection_sql;
mod interruption;
mod lexer;
mod lifecycle;
mod listeners;
mod lockfile;
mod logs;
mod metrics;
mod openapi;
mod outages;
mod outages_clients;
mod outbound;
mod overload;
#[cfg(feature = "tls")]
mod pg_tls;
#[cfg(feature = "tls")]
mod pg_tls_peers;
mod pool;
mod pooler;
mod proxies;
mod queries;
mod reload;
mod scarcity;
mod sentry_limits;
#[cfg(feature = "tls")]
mod sentry_proxies;
mod sentry_transport;
#[cfg(feature = "manual")]
mod shells;
mod sockets;
mod status;
mod stopping;
mod streams;
mod supervisor;
mod swap;
mod swap_ends;
mod tidy;
mod units;
mod unreachable;
mod values;
