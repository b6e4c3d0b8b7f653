//! One test binary; a module per concern.
mod attacks;
mod determinism;
mod recovery;
mod scenarios_invalid;
mod tidy;
