//! What was said when code broke down, for those who go on without it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Does work that may break down; what is said then is the caller's to tell ([`is_caught`]).
///
/// # Errors
/// The panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    let before = IS_CAUGHT.replace(true);
    let made = catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(before);
    made
}

/// Whether what breaks down on this thread now is caught by [`caught`], and so need not be told by a panic hook.
#[must_use]
pub fn is_caught() -> bool {
    IS_CAUGHT.get()
}

/// The words of a panic, if it had any.
#[must_use]
pub fn said_by(panic: &(dyn Any + Send)) -> Option<String> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
}
