//! Faults of machines that stay up.

use super::{AT, FLAG, FRACTION, TIMES};
use crate::dms::ensemble::shape::{Key, Map, Shape};

const FOR: Key = Key::new("for", TIMES, "how long, drawn for each machine").required();
const FACTOR: Key = Key::new("factor", Shape::Number, "how many times longer it takes, above 1").required();

pub(super) static EXECUTOR_CRASH: Map = Map::new("executor_crash", drawn_peers![AT]);
pub(super) static PULL_FAILURE: Map = Map::new("pull_failure", drawn_peers![AT, FOR]);
pub(super) static SLOW: Map = Map::new("slow", drawn_peers![AT, FOR, FACTOR]);
pub(super) static STALL: Map = Map::new("stall", drawn_peers![AT, FOR]);
pub(super) static SLOW_DISK: Map = Map::new("slow_disk", drawn_peers![AT, FOR, FACTOR]);
pub(super) static DISK_FULL: Map = Map::new("disk_full", drawn_peers![AT, FOR]);
pub(super) static LIES: Map = Map::new("lies", drawn_peers![AT, FOR]);

pub(super) static BYZANTINE: Map = Map::new(
    "byzantine",
    drawn_peers![
        AT,
        FOR,
        Key::new("fraction_wrong", FRACTION, "how likely the result of a task is wrong").or("all, if idle"),
        Key::new("colluding", FLAG, "whether all who lie tell the same").or("true"),
        Key::new("idle", FLAG, "whether nothing runs that is said to").or("false"),
    ],
);
