//! The ensemble file: what a user deploys.
//!
//! A tree that carries positions goes in, a typed `EnsembleConfig` or the full list of findings comes out. The room
//! knows the format of DMS (fields, defaults, error texts), and refuses to know YAML, files and how a finding is shown.
pub mod config;
pub mod finding;
pub mod suggest;
pub mod tree;

pub use config::EnsembleConfig;
