//! One test binary; a module per concern.
mod allocations;
mod attacks;
mod capability_scripts;
mod determinism;
mod ensembles;
mod explain;
mod operations;
mod parsing;
mod recovery;
mod scenarios_invalid;
mod subnets;
mod tidy;
mod weaknesses;
