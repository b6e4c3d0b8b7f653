//! Scenario text to a typed description of a run: the only room that knows YAML.
pub mod diagnostic;
pub mod ensemble_file;
pub mod yaml;
