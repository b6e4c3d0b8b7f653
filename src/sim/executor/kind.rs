//! What sets the executors apart: docker, containerd, firecracker and null (dms-orchestration section 3.5).

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::dms::ensemble::{AllocationConfig, ExecutionConfig, Executor as Kind};
use crate::kernel::{Rng, Span};
use crate::sim::images::Images;

/// How an executor starts something again that has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Restarts {
    /// Never.
    Never,
    /// After pauses that double (Docker's restart manager).
    BackOff,
    /// When its monitor comes round the next time (containerd's restart plugin).
    EveryRound(Span),
}

/// What is peculiar to one executor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    pub(super) restarts: Restarts,
    /// By how much it starts something sooner than Docker does.
    pub(super) sooner: Span,
    /// Whether it gives whole cores only.
    pub(super) whole_cores: bool,
    /// Whether everything that is printed comes on one console.
    pub(super) console: bool,
}

/// What an executor is like.
///
/// containerd has no daemon of Docker's between itself and the container, and no network of Docker's to set up: about
/// 150 ms less. Its restart plugin looks around every 10 s. Firecracker's virtual machines have whole processors and a
/// serial console.
pub(super) const fn traits(kind: Kind) -> Traits {
    let docker =
        Traits { restarts: Restarts::BackOff, sooner: Span::ZERO, whole_cores: false, console: false };
    match kind {
        Kind::Docker => docker,
        Kind::Containerd => {
            Traits { restarts: Restarts::EveryRound(Span::secs(10)), sooner: Span::millis(150), ..docker }
        }
        Kind::Firecracker => Traits { restarts: Restarts::Never, whole_cores: true, console: true, ..docker },
        Kind::Null => Traits { restarts: Restarts::Never, ..docker },
    }
}

impl Traits {
    /// The thousandths of cores that something may use at most.
    pub(super) fn cores(&self, given_milli: u64) -> u64 {
        if self.whole_cores { given_milli.next_multiple_of(1000) } else { given_milli }
    }
}

/// What has to be there before something can start: numbers of images.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Needs {
    /// What runs.
    pub(super) program: u16,
    /// All that is fetched: the image; or kernel, initial ram disk and root file system; or nothing.
    pub(super) parts: SmallVec<[u16; 3]>,
}

impl Needs {
    /// What an allocation needs, or what of it does not exist.
    pub(super) fn of(config: &AllocationConfig, images: &Images) -> Result<Self, Arc<str>> {
        let file = |what: &str, path: &str| {
            images.find_file(path).ok_or_else(|| Arc::from(format!("no such {what}: {path}")))
        };
        match &config.execution {
            ExecutionConfig::Docker(container) | ExecutionConfig::Containerd(container) => {
                let image = images.find(&container.image);
                let program = image.ok_or_else(|| format!("no such image: {}", container.image))?;
                Ok(Self { program, parts: smallvec![program] })
            }
            ExecutionConfig::Firecracker(machine) => {
                let kernel = file("kernel", &machine.kernel_image)?;
                let initrd =
                    machine.initrd.as_ref().map(|path| file("initial ram disk", path)).transpose()?;
                let program = file("root file system", &machine.root_file_system)?;
                Ok(Self {
                    program,
                    parts: [Some(kernel), initrd, Some(program)].into_iter().flatten().collect(),
                })
            }
            ExecutionConfig::Null => Ok(Self { program: images.null(config.kind), parts: SmallVec::new() }),
        }
    }

    /// How long a start takes once all is there: that of each part, one after the other.
    pub(super) fn start(&self, kind: Kind, images: &Images, rng: &mut Rng<'_>) -> Span {
        let parts = self.parts.iter();
        let takes = parts.fold(Span::ZERO, |sum, part| sum + images.image(*part).start.sample(rng));
        takes.saturating_sub(traits(kind).sooner)
    }
}
