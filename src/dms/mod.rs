//! The room `dms`.
pub mod ensemble;
pub mod resources;
