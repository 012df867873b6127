//! Tokens that are taken, tokens that are not, and files of keys.

mod files;
mod properties;
mod refusals;
mod signing;
mod taken;
