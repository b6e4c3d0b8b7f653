//! One test binary; a module per concern.
mod determinism;
mod operations;
mod recovery;
mod scenarios_invalid;
mod tidy;
mod weaknesses;
