//! The room `dms`.
