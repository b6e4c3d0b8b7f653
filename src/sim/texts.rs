//! Texts that many peers have in common: places, architectures, organizations.

use std::sync::{Arc, Mutex};

use rustc_hash::{FxBuildHasher, FxHashSet};

/// A text of which there are few, kept once for everybody who has it.
pub(super) fn shared(text: &str) -> Arc<str> {
    static ALL: Mutex<FxHashSet<Arc<str>>> = Mutex::new(FxHashSet::with_hasher(FxBuildHasher));
    let mut all = ALL.lock().expect("nothing can fail while it is held");
    all.get(text).cloned().unwrap_or_else(|| {
        let new: Arc<str> = text.into();
        all.insert(Arc::clone(&new));
        new
    })
}
