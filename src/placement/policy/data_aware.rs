//! The machine that lacks least of what the job reads, images and volumes: data locality (Zaharia et al., "Delay
//! scheduling", EuroSys 2010).

use crate::placement::{Ask, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct DataAware;

impl Policy for DataAware {
    fn name(&self) -> &'static str {
        "data_aware"
    }

    fn score(&self, _: &Ask, machine: &Machine) -> Score {
        machine.known.missing_bytes.map_or(Score::MIN, |bytes| -(bytes as f64))
    }
}
