//! Virtual executors: what an allocation does once its provider has started it.
//!
//! An image is pulled once for each peer, at the speed of its link, and then cached; after a start-up time the
//! allocation runs, as a task to its end or as a service until it is stopped or fails. A machine that stops keeps
//! its disk, so its cache.

use std::sync::Arc;

use super::images::Images;
use super::setup::ImageBehaviour;
use crate::dms::actor::{Output, Printed, Stream};
use crate::dms::ensemble::{AllocationConfig, HealthProbe};
use crate::dms::outbox::RunId;
use crate::kernel::{Rng, Span, Time};

/// A run that was started and not yet stopped.
#[derive(Clone, Debug)]
struct Running {
    run: RunId,
    image: u16,
    config: Arc<AllocationConfig>,
    /// Since when it is up.
    up: Option<Time>,
    /// Attempts to terminate it that came to nothing.
    survived: u32,
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
        self.runs.push(Running { run, image, config, up: None, survived: 0 });
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
        let waiting = self.runs.iter().filter(|running| running.image == image && running.up.is_none());
        waiting.map(|running| (running.run, images.image(image).start.sample(rng))).collect()
    }

    /// The start-up time of a run is over: how long until it ends by itself, if it does. None when it was stopped
    /// meanwhile.
    pub fn up(&mut self, now: Time, run: RunId, images: &Images, rng: &mut Rng<'_>) -> Option<Option<Span>> {
        let running = self.runs.iter_mut().find(|running| running.run == run && running.up.is_none())?;
        running.up = Some(now);
        Some(match &images.image(running.image).behaviour {
            ImageBehaviour::Task { run, .. } => Some(run.sample(rng)),
            ImageBehaviour::Service { fails_after, .. } => {
                fails_after.as_ref().map(|after| after.sample(rng))
            }
        })
    }

    /// A run ends by itself: its exit code and output. None when it was stopped meanwhile.
    pub fn exit(&mut self, now: Time, run: RunId, images: &Images) -> Option<(i32, Output)> {
        let place = self.runs.iter().position(|running| running.run == run && running.up.is_some())?;
        let running = self.runs.swap_remove(place);
        let ran = now.since(running.up.unwrap_or(now));
        Some(match &images.image(running.image).behaviour {
            ImageBehaviour::Task { exit_code, prints, .. } => (*exit_code, prints.output_after(ran)),
            ImageBehaviour::Service { prints, .. } => (1, prints.output_after(ran)),
        })
    }

    /// What a run has printed so far. None when it was stopped or is not up.
    #[must_use]
    pub fn log(&self, now: Time, run: RunId, stream: Stream, images: &Images) -> Option<Arc<str>> {
        let running = self.runs.iter().find(|running| running.run == run)?;
        let ran = now.since(running.up?);
        let (ImageBehaviour::Task { prints, .. } | ImageBehaviour::Service { prints, .. }) =
            &images.image(running.image).behaviour;
        Some(prints.after(ran, stream))
    }

    /// The image of a run.
    #[must_use]
    pub fn image_of(&self, run: RunId) -> Option<u16> {
        self.runs.iter().find(|running| running.run == run).map(|running| running.image)
    }

    /// A run ends by itself because of an error that it prints. None when it was stopped meanwhile.
    pub fn fail(&mut self, now: Time, run: RunId, images: &Images, error: &str) -> Option<Output> {
        let (_, mut output) = self.exit(now, run, images)?;
        let before = &output.stderr.0;
        let separator = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        output.stderr = Printed(format!("{before}{separator}{error}").into());
        Some(output)
    }

    /// Stops a run.
    pub fn stop(&mut self, run: RunId) {
        self.runs.retain(|running| running.run != run);
    }

    /// Terminates a run, if its image lets itself be terminated by now; one that has ended is gone already. Whether it
    /// is gone.
    pub fn terminate(&mut self, run: RunId, images: &Images) -> bool {
        let Some(place) = self.runs.iter().position(|running| running.run == run) else { return true };
        let running = &mut self.runs[place];
        if running.up.is_some() && running.survived < images.image(running.image).survives {
            running.survived += 1;
            return false;
        }
        self.runs.swap_remove(place);
        true
    }

    /// Whether a run is healthy by its own health check.
    #[must_use]
    pub fn is_healthy(&self, run: RunId, images: &Images) -> bool {
        let Some(running) = self.runs.iter().find(|running| running.run == run && running.up.is_some())
        else {
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
        self.runs.retain(|running| running.up.is_some());
        self.pulling.clear();
    }

    /// What is up.
    #[must_use]
    pub fn running(&self) -> Vec<RunId> {
        self.runs.iter().filter(|running| running.up.is_some()).map(|running| running.run).collect()
    }

    /// The machine stops: every run and every pull is gone, the cache stays.
    pub fn crash(&mut self) {
        self.runs.clear();
        self.pulling.clear();
    }
}
