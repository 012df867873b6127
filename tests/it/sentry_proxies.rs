//! Proxies and TLS on the way to Sentry.
