//! What a provider has mounted for an allocation (dms-capabilities section 8).
//!
//! Every volume is mounted on the host below the node's work directory, in a directory of the allocation, named after
//! the volume's `src` with `_` for `/`, else after its name. The container sees it at its mount destination.

use std::sync::Arc;

use crate::dms::ensemble::{VolumeConfig, VolumeSource};
use crate::dms::storage::VolumeError;

/// One volume to mount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// Where the data is.
    pub source: VolumeSource,
    /// The volume's name; for a shared one, that on its servers.
    pub name: Arc<str>,
    /// Where on the host it is mounted, below the work directory.
    pub target: Arc<str>,
    /// Where the container sees it.
    pub destination: Arc<str>,
    /// Whether writing is refused.
    pub read_only: bool,
}

/// All that is to be mounted for one allocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MountOrder {
    /// The allocation's full id.
    pub allocation: Arc<str>,
    /// Its name in the ensemble, by which what runs in it calls its files.
    pub writer: Arc<str>,
    /// In the order of the ensemble.
    pub mounts: Vec<Mount>,
}

/// Why a volume was not mounted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MountError {
    /// A local volume without a source.
    #[error("failed to mount volume: local filesystem path cannot be empty")]
    NoSource,
    /// A volume that would appear nowhere.
    #[error("failed to mount volume: target path cannot be empty")]
    NoTarget,
    /// A shared volume without a name.
    #[error("failed to mount volume: no volume provided")]
    NoVolume,
    /// A shared volume without servers.
    #[error("failed to mount volume: no GlusterFS servers provided")]
    NoServers,
    /// Two volumes of one allocation in one place.
    #[error("failed to mount volume: {0} is already mounted")]
    AlreadyMounted(Arc<str>),
    /// A directory that the machine does not have: the data is not here, or no more.
    #[error(
        "failed to mount volume: failed to mount local filesystem: exit status 32, output: mount: special device {0} \
         does not exist: its data is unavailable"
    )]
    NoDirectory(Arc<str>),
    /// None of the servers answers.
    #[error("failed to mount volume: none of the servers {servers} can be reached for volume {volume}")]
    Unreachable {
        /// Of which volume.
        volume: Arc<str>,
        /// All that it has.
        servers: String,
    },
    /// A server refuses.
    #[error("failed to mount volume: {server}: {refusal}")]
    Refused {
        /// Which.
        server: Arc<str>,
        /// Why.
        refusal: VolumeError,
    },
}

/// What is to be mounted for an allocation, in order.
///
/// # Errors
/// What can be said before anything is tried: see [`MountError`].
pub fn mounts_of(allocation: &str, volumes: &[VolumeConfig]) -> Result<Vec<Mount>, MountError> {
    let mut mounts: Vec<Mount> = Vec::with_capacity(volumes.len());
    for volume in volumes {
        let (directory, name) = names(volume)?;
        let target: Arc<str> = format!("volumes/{allocation}/{directory}").into();
        let destination: Arc<str> = match &*volume.mount_destination {
            "" if name.is_empty() => return Err(MountError::NoTarget),
            "" => format!("/{name}").into(),
            _ => Arc::clone(&volume.mount_destination),
        };
        if mounts.iter().any(|other| other.target == target || other.destination == destination) {
            return Err(MountError::AlreadyMounted(destination));
        }
        let source = volume.source.clone();
        mounts.push(Mount { source, name, target, destination, read_only: volume.read_only });
    }
    Ok(mounts)
}

/// The directory of a mount, and the name of its volume.
fn names(volume: &VolumeConfig) -> Result<(String, Arc<str>), MountError> {
    match &volume.source {
        VolumeSource::Local { src } if src.is_empty() => Err(MountError::NoSource),
        VolumeSource::Local { src } => {
            Ok((src.replace('/', "_"), volume.name.clone().unwrap_or_else(|| Arc::clone(src))))
        }
        VolumeSource::Glusterfs { servers, .. } => {
            let name = volume.name.clone().filter(|name| !name.is_empty()).ok_or(MountError::NoVolume)?;
            if servers.is_empty() {
                return Err(MountError::NoServers);
            }
            Ok((name.to_string(), name))
        }
    }
}
