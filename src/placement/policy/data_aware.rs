//! The machine that lacks the fewest of the job's images, so that less has to be fetched: data locality (Zaharia et
//! al., "Delay scheduling", EuroSys 2010). Among those that lack as many, the nearest.

use crate::placement::{Ask, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct DataAware;

impl Policy for DataAware {
    fn name(&self) -> &'static str {
        "data_aware"
    }

    fn score(&self, _: &Ask, machine: &Machine) -> Score {
        let Some(missing) = machine.known.missing_images else { return Score::MIN };
        // No two places on earth are a million milliseconds apart.
        -f64::from(missing) - machine.known.rtt_ms.unwrap_or(0.0) / 1e6
    }
}
