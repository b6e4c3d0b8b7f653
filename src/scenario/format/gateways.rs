//! What the catalogue says of gateways.

use super::hardware::HARDWARE;
use super::{
    FRACTION, GROUP_BANDWIDTH, GROUP_CHURN, GROUP_COUNT, GROUP_EXECUTORS, GROUP_HARDWARE, GROUP_NAME,
    GROUP_NAMES, GROUP_NAT, GROUP_PLACE, GROUP_PROFILE, MEMBERSHIP_OF_GROUP, ORGANIZATIONS, TIMES,
};
use crate::dms::ensemble::shape::{Key, Map, Shape};

pub(super) static GATEWAYS: Map = Map::new(
    "gateways",
    &[
        GROUP_NAME,
        GROUP_COUNT,
        GROUP_NAMES,
        Key::new("org", ORGANIZATIONS, "organizations of which they are members").or("nunet"),
        MEMBERSHIP_OF_GROUP,
        GROUP_PLACE,
        GROUP_HARDWARE,
        GROUP_BANDWIDTH,
        GROUP_NAT,
        GROUP_CHURN,
        GROUP_PROFILE,
        Key::new("plans", Shape::FilledList(&Shape::Map(&HARDWARE)), "the machines that can be had")
            .required(),
        Key::new("machines", Shape::Whole(1, 100_000), "how many at one time").required(),
        Key::new("boot", TIMES, "from the order to a machine that is up").required(),
        Key::new("fails", FRACTION, "how likely one does not come up").or("0"),
        GROUP_EXECUTORS,
    ],
);
