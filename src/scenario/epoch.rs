//! Moments as RFC 3339 writes them: `2025-01-01T00:00:00Z`.

use super::reader::{Reader, shortened};
use crate::dms::ensemble::tree::Node;
use crate::kernel::{Timestamp, date};

/// The epoch of a scenario that names none: 2025-01-01T00:00:00Z.
pub(super) const DEFAULT: Timestamp = Timestamp(1_735_689_600_000_000_000);

/// A moment between 1970 and 2200.
pub(super) fn read(reader: &mut Reader, node: &Node, what: &str) -> Option<Timestamp> {
    let text = node.scalar_text();
    let moment = text.as_ref().and_then(|text| date::parse(text));
    if moment.is_none() {
        let shown =
            text.map_or_else(|| node.type_name().to_owned(), |text| format!("`{}`", shortened(&text)));
        let help = "write it like `2025-01-01T00:00:00Z` (RFC 3339), between 1970 and 2200".to_owned();
        reader.error(node.position, format!("`{what}` must be a date and time, not {shown}"), help);
    }
    moment
}
