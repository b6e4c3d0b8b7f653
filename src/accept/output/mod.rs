//! Results for readers: people, programs, build servers and documents.

mod human;
mod json;
mod junit;
mod markdown;

pub use human::human;
pub use json::json;
pub use junit::junit;
pub(super) use markdown::cell as markdown_cell;
pub use markdown::markdown;
