//! The machine whose fragmentation grows least: fragmentation gradient descent, "FGD" in the openb experiment
//! (openb-placement, Rules; Weng et al., "Beware of Fragmentation", USENIX ATC 2023, section 4).

use std::sync::Arc;

use smallvec::SmallVec;

use crate::kernel::Rng;
use crate::placement::{Ask, Card, Cards, Machine, Mix, Policy, Score};

/// The policy, with the jobs that are to be expected.
#[derive(Clone, Debug)]
pub struct FragmentationGradient(pub Arc<Mix>);

impl Policy for FragmentationGradient {
    fn name(&self) -> &'static str {
        "fgd"
    }

    fn score(&self, ask: &Ask, machine: &Machine) -> Score {
        self.best(ask, machine).0
    }

    fn cards(&self, ask: &Ask, machine: &Machine, _: &mut Rng<'_>) -> Cards {
        self.best(ask, machine).1
    }
}

impl FragmentationGradient {
    /// The best score on a machine, and the cards that give it. A share tries every card; whoever wants cards as a
    /// whole takes those with the least room that will do.
    fn best(&self, ask: &Ask, machine: &Machine) -> (Score, Cards) {
        let before = self.0.fragmentation(machine);
        let after = |cards: &[u16]| {
            let mut left: SmallVec<[Card; 8]> = machine.cards.clone();
            cards.iter().for_each(|&place| left[usize::from(place)].free_milli -= ask.card_milli);
            self.0.fragmentation_of(machine.free.cpu_milli - ask.cpu_milli, &left)
        };
        let score = |cards: &[u16]| libm::trunc(100.0 * sigmoid((before - after(cards)) / 1000.0));
        if !ask.is_share() {
            let cards = machine.tightest_cards(ask).expect("the job fits on the machine");
            return (score(&cards), cards);
        }
        let mut best: Option<(Score, u16)> = None;
        for place in machine.suitable(ask).map(|place| place as u16) {
            let score = score(&[place]);
            if best.is_none_or(|(other, _)| score > other) {
                best = Some((score, place));
            }
        }
        let (score, place) = best.expect("the job fits on the machine");
        (score, Cards::from_slice(&[place]))
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}
