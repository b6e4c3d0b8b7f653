//! A node under observation: what its driver has to do for its logs, traces and metrics.

use super::{Observer, ObserverConfig, Peer, Signal, Tally};
use crate::dms::system::System;
use crate::kernel::Timestamp;

impl Peer {
    /// Has an observer look at it from now on.
    pub fn observe(&mut self, config: ObserverConfig) {
        let did = self.root.handle.did.clone();
        self.observer = Some(Box::new(Observer::new(config, did)));
    }

    /// The process begins for the first time; later it does with [`Input::Started`](crate::dms::outbox::Input).
    pub fn begin_observation(&mut self, now: Timestamp) {
        if let Some(observer) = &mut self.observer {
            observer.begin(now, &self.provider);
            observer.begun(now);
        }
    }

    /// What is to be written, sent or exported by now: to be taken until there is none, before and after each input.
    pub fn next_signal(&mut self, now: Timestamp, system: &dyn System) -> Option<Signal> {
        self.observer.as_mut()?.next(now, &self.provider, system)
    }

    /// Whether the server took the batch that the last signal was.
    pub fn shipped(&mut self, taken: bool) {
        if let Some(observer) = &mut self.observer {
            observer.shipped(taken);
        }
    }

    /// The operator ends the process: signals are to be taken once more before [`Peer::stop`].
    pub fn close_observation(&mut self, now: Timestamp) {
        if let Some(observer) = &mut self.observer {
            observer.close(now);
        }
    }

    /// What was observed so far, if anybody looks.
    #[must_use]
    pub fn observed(&self) -> Option<Tally> {
        self.observer.as_ref().map(|observer| observer.tally())
    }
}
