//! One test binary; a module per concern.
mod determinism;
mod scenarios_invalid;
mod tidy;
