//! The room `observe`.
