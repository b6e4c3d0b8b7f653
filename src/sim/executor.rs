//! Virtual executors: what an allocation does once its provider has started it.
//!
//! An image is pulled once for each peer, at the speed of its link, and then cached; after a start-up time the
//! allocation runs, as a task to its end or as a service until it is stopped or fails. A machine that stops keeps
//! its disk, so its cache.

use std::sync::Arc;

use super::images::Images;
use super::setup::ImageBehaviour;
use crate::dms::ensemble::{AllocationConfig, HealthProbe};
use crate::dms::outbox::RunId;
use crate::kernel::{Rng, Span};

/// A run that was started and not yet stopped.
#[derive(Clone, Debug)]
struct Running {
    run: RunId,
    image: u16,
    config: Arc<AllocationConfig>,
    up: bool,
}

/// The executor of one peer.
#[derive(Clone, Debug, Default)]
pub struct Executor {
    cached: Vec<u16>,
    pulling: Vec<u16>,
    runs: Vec<Running>,
}

/// What follows from an order to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// The image is here: it is up after its start-up time.
    After(Span),
    /// The image must be pulled; somebody has to.
    Pull(u16),
    /// The image is being pulled already.
    Wait,
    /// There is no such image.
    NoImage,
}

impl Executor {
    /// Starts a run.
    pub fn start(
        &mut self,
        run: RunId,
        config: Arc<AllocationConfig>,
        images: &Images,
        rng: &mut Rng<'_>,
    ) -> Start {
        let image = config.execution.container().and_then(|container| images.find(&container.image));
        let Some(image) = image else { return Start::NoImage };
        self.runs.push(Running { run, image, config, up: false });
        if self.cached.contains(&image) {
            return Start::After(images.image(image).start.sample(rng));
        }
        if self.pulling.contains(&image) {
            return Start::Wait;
        }
        self.pulling.push(image);
        Start::Pull(image)
    }

    /// An image has been pulled: the runs that waited for it, each with its start-up time.
    pub fn pulled(&mut self, image: u16, images: &Images, rng: &mut Rng<'_>) -> Vec<(RunId, Span)> {
        self.pulling.retain(|other| *other != image);
        self.cached.push(image);
        let waiting = self.runs.iter().filter(|running| running.image == image && !running.up);
        waiting.map(|running| (running.run, images.image(image).start.sample(rng))).collect()
    }

    /// The start-up time of a run is over: how long until it ends by itself, if it does. None when it was stopped
    /// meanwhile.
    pub fn up(&mut self, run: RunId, images: &Images, rng: &mut Rng<'_>) -> Option<Option<Span>> {
        let running = self.runs.iter_mut().find(|running| running.run == run && !running.up)?;
        running.up = true;
        Some(match &images.image(running.image).behaviour {
            ImageBehaviour::Task { run, .. } => Some(run.sample(rng)),
            ImageBehaviour::Service { fails_after, .. } => {
                fails_after.as_ref().map(|after| after.sample(rng))
            }
        })
    }

    /// A run ends by itself: its exit code and output. None when it was stopped meanwhile.
    pub fn exit(&mut self, run: RunId, images: &Images) -> Option<(i32, Arc<str>)> {
        let place = self.runs.iter().position(|running| running.run == run && running.up)?;
        let running = self.runs.swap_remove(place);
        Some(match &images.image(running.image).behaviour {
            ImageBehaviour::Task { exit_code, output, .. } => (*exit_code, Arc::clone(output)),
            ImageBehaviour::Service { .. } => (1, "".into()),
        })
    }

    /// Stops a run.
    pub fn stop(&mut self, run: RunId) {
        self.runs.retain(|running| running.run != run);
    }

    /// Whether a run is healthy by its own health check.
    #[must_use]
    pub fn is_healthy(&self, run: RunId, images: &Images) -> bool {
        let Some(running) = self.runs.iter().find(|running| running.run == run && running.up) else {
            return false;
        };
        let ImageBehaviour::Service { health, .. } = &images.image(running.image).behaviour else {
            return true;
        };
        match running.config.healthcheck.as_ref().map(|check| &check.probe) {
            Some(HealthProbe::Command { expected, .. }) => {
                expected.as_ref().is_none_or(|text| health.is_empty() || health.contains(&**text))
            }
            Some(HealthProbe::Http { expected, .. }) => {
                expected.as_ref().is_none_or(|text| health.is_empty() || health == text)
            }
            None => true,
        }
    }

    /// The process that gave the orders is gone: what is up goes on, what was about to start is not wanted any more.
    pub fn abandon(&mut self) {
        self.runs.retain(|running| running.up);
        self.pulling.clear();
    }

    /// What is up.
    #[must_use]
    pub fn running(&self) -> Vec<RunId> {
        self.runs.iter().filter(|running| running.up).map(|running| running.run).collect()
    }

    /// The machine stops: every run and every pull is gone, the cache stays.
    pub fn crash(&mut self) {
        self.runs.clear();
        self.pulling.clear();
    }
}
