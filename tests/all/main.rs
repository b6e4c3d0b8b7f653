//! One test binary; a module per concern.
mod allocations;
mod determinism;
mod recovery;
mod scenarios_invalid;
mod tidy;
