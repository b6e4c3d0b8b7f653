//! One test binary; a module per concern.
mod determinism;
mod ensembles;
mod recovery;
mod scenarios_invalid;
mod subnets;
mod tidy;
