//! A machine that runs jobs of the same kind of user of cards: "GpuClustering" in the openb experiment
//! (openb-placement, Rules), after Xiao et al., "Gandiva: Introspective cluster scheduling for deep learning", OSDI
//! 2018.

use super::Scale;
use crate::placement::{Ask, CardKind, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct GpuClustering(pub Scale);

impl Policy for GpuClustering {
    fn name(&self) -> &'static str {
        "gpu_clustering"
    }

    fn score(&self, ask: &Ask, machine: &Machine) -> Score {
        let Some(kind) = CardKind::of(ask) else { return 0.0 };
        let whole = self.0.cards_milli;
        let base = libm::trunc(25.0 * (whole - machine.free_cards_milli() as f64) / whole);
        let runs = |wanted: CardKind| machine.kinds.iter().any(|(own, _)| *own == wanted);
        base + match machine.kinds.len() {
            0 => 25.0,
            1 if runs(kind) => 75.0,
            _ if runs(kind) => 50.0,
            _ => 0.0,
        }
    }
}
