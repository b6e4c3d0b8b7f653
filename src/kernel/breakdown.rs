//! What was said when code broke down, for those who go on without it.

use std::any::Any;

/// The words of a panic, if it had any.
#[must_use]
pub fn said_by(panic: &(dyn Any + Send)) -> Option<String> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
}
