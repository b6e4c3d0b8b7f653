//! Writing expected texts anew instead of comparing with them.

/// Whether `DMSIM_BLESS` is set. Only whoever reviews the differences afterwards sets it.
pub(crate) fn is_on() -> bool {
    #[allow(clippy::disallowed_methods)]
    std::env::var("DMSIM_BLESS").is_ok()
}
