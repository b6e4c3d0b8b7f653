//! One test binary; a module per concern.
mod allocations;
mod attacks;
mod bless;
mod capability_scripts;
mod determinism;
mod ensembles;
mod explain;
mod generations;
mod golden;
mod operations;
mod parsing;
mod protocol;
mod recovery;
mod scenarios_invalid;
mod subnets;
mod tidy;
mod weaknesses;
