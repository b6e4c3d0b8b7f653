//! The room `dms`.

pub mod capability;
pub mod identity;
