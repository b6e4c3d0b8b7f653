//! One test binary; a module per concern.
mod scenarios_invalid;
