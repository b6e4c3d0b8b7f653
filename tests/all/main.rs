//! One test binary; a module per concern.
mod determinism;
mod generations;
mod protocol;
mod recovery;
mod scenarios_invalid;
mod tidy;
