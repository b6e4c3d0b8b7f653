//! A node that serves volumes: the behaviours `/dms/volume/create`, `start` and `delete` (dms-capabilities section 8).
//!
//! A volume is created for one client certificate, is mounted by everybody who holds it and its key, and is deleted
//! only by whom it was created for. The volumes are the cluster's own and outlive the process. Who created which is
//! DMS's knowledge; the real one has it in memory only, so that after a restart nobody can delete an older volume by
//! behaviour (C12).

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;

use crate::dms::actor::BehaviourKind;
use crate::dms::identity::Did;

/// What is asked of a server of volumes.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeRequest {
    /// Make a volume.
    Create {
        /// Its name.
        name: Arc<str>,
        /// The certificate of those who may mount it.
        client_pem: Arc<str>,
    },
    /// Let it be mounted.
    Start(Arc<str>),
    /// Delete it with all that is on it.
    Delete(Arc<str>),
}

impl VolumeRequest {
    /// The behaviour that takes it.
    #[must_use]
    pub const fn behaviour(&self) -> BehaviourKind {
        match self {
            Self::Create { .. } => BehaviourKind::VolumeCreate,
            Self::Start(_) => BehaviourKind::VolumeStart,
            Self::Delete(_) => BehaviourKind::VolumeDelete,
        }
    }
}

/// The answer to a volume that was created.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct VolumeReport {
    /// The certificate by which clients know the server.
    pub ca: Arc<str>,
}

/// Why a server refuses something.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VolumeError {
    /// The node has no cluster.
    #[error("glusterfs_nodes must contain server certificates")]
    NoCluster,
    /// The certificate is none.
    #[error("invalid client PEM: {0}")]
    InvalidPem(&'static str),
    /// A volume needs a name.
    #[error("no volume provided")]
    Unnamed,
    /// The name is taken.
    #[error("volume {0} already exists")]
    Exists(Arc<str>),
    /// There is none of this name to start or mount.
    #[error("volume {0} does not exist")]
    Missing(Arc<str>),
    /// It runs already.
    #[error("volume {0} is already started")]
    Started(Arc<str>),
    /// It was created and not started.
    #[error("volume {0} is not started")]
    NotStarted(Arc<str>),
    /// There is none of this name to delete, or nobody knows any more who created it.
    #[error("volume does not exist or ownership is unknown")]
    UnknownOwner,
    /// Somebody else created it.
    #[error("permission denied: only the creator can delete the volume")]
    NotCreator,
    /// The client shows no certificate, not its key, or another one.
    #[error("TLS handshake failed: the server does not accept the client's certificate for volume {0}")]
    NotAdmitted(Arc<str>),
}

/// A volume of the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Served {
    /// The directory that holds its data; a name drawn at random, so that a new volume never finds an older one's.
    pub brick: Arc<str>,
    client_pem: Arc<str>,
    started: bool,
}

/// The volumes that a node serves.
#[derive(Clone, Debug, Default)]
pub struct VolumeServer {
    /// The certificate of its cluster; none for a node without one.
    certificate: Option<Arc<str>>,
    volumes: IndexMap<Arc<str>, Served>,
    owners: IndexMap<Arc<str>, Did>,
}

impl VolumeServer {
    /// A server with a cluster of this certificate.
    #[must_use]
    pub fn new(certificate: Arc<str>) -> Self {
        Self { certificate: Some(certificate), ..Self::default() }
    }

    /// Whether there is nothing to serve, and nobody to serve it.
    pub(in crate::dms) fn is_untouched(&self) -> bool {
        self.certificate.is_none() && self.volumes.is_empty() && self.owners.is_empty()
    }

    /// Carries out a request of `asker`. `random` names the brick of a new volume. The volume that is gone with its
    /// data is returned, and the certificate for a new one.
    ///
    /// # Errors
    /// See [`VolumeError`].
    pub fn carry_out(
        &mut self,
        request: &VolumeRequest,
        asker: &Did,
        random: u64,
    ) -> Result<(Option<VolumeReport>, Option<Served>), VolumeError> {
        match request {
            VolumeRequest::Create { name, client_pem } => {
                self.create(name, client_pem, asker, random).map(|report| (Some(report), None))
            }
            VolumeRequest::Start(name) => self.start(name).map(|()| (None, None)),
            VolumeRequest::Delete(name) => self.delete(name, asker).map(|gone| (None, Some(gone))),
        }
    }

    fn create(
        &mut self,
        name: &Arc<str>,
        client_pem: &Arc<str>,
        creator: &Did,
        random: u64,
    ) -> Result<VolumeReport, VolumeError> {
        let ca = Arc::clone(self.certificate.as_ref().ok_or(VolumeError::NoCluster)?);
        if name.is_empty() {
            return Err(VolumeError::Unnamed);
        }
        check_pem(client_pem)?;
        if self.volumes.contains_key(name) {
            return Err(VolumeError::Exists(Arc::clone(name)));
        }
        let brick = format!("brick-{random:016x}").into();
        let volume = Served { brick, client_pem: Arc::clone(client_pem), started: false };
        self.volumes.insert(Arc::clone(name), volume);
        self.owners.insert(Arc::clone(name), creator.clone());
        Ok(VolumeReport { ca })
    }

    fn start(&mut self, name: &Arc<str>) -> Result<(), VolumeError> {
        self.certificate.as_ref().ok_or(VolumeError::NoCluster)?;
        let volume = self.volumes.get_mut(name).ok_or_else(|| VolumeError::Missing(Arc::clone(name)))?;
        if volume.started {
            return Err(VolumeError::Started(Arc::clone(name)));
        }
        volume.started = true;
        Ok(())
    }

    fn delete(&mut self, name: &Arc<str>, who: &Did) -> Result<Served, VolumeError> {
        self.certificate.as_ref().ok_or(VolumeError::NoCluster)?;
        if self.owners.get(name).ok_or(VolumeError::UnknownOwner)? != who {
            return Err(VolumeError::NotCreator);
        }
        self.owners.shift_remove(name);
        self.volumes.shift_remove(name).ok_or(VolumeError::UnknownOwner)
    }

    /// The volume that a client with this certificate and key mounts.
    ///
    /// # Errors
    /// Where there is none, it is not started, or the client is not let in.
    pub fn admit(
        &self,
        name: &Arc<str>,
        pem: Option<&str>,
        key: Option<&str>,
    ) -> Result<&Served, VolumeError> {
        let volume = self.volumes.get(name).ok_or_else(|| VolumeError::Missing(Arc::clone(name)))?;
        if !volume.started {
            return Err(VolumeError::NotStarted(Arc::clone(name)));
        }
        let shown = pem.is_some_and(|pem| pem.trim() == volume.client_pem.trim());
        if !shown || key.is_none_or(|key| key.trim().is_empty()) {
            return Err(VolumeError::NotAdmitted(Arc::clone(name)));
        }
        Ok(volume)
    }

    /// The volume of this name, whoever may mount it.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&Served> {
        self.volumes.get(name)
    }

    /// Whether the data in this brick can still be reached.
    #[must_use]
    pub fn has_brick(&self, brick: &str) -> bool {
        self.volumes.values().any(|volume| *volume.brick == *brick)
    }

    /// All volumes are lost; the cluster has its certificate from its operator.
    pub fn lose_disk(&mut self) {
        self.volumes.clear();
        self.owners.clear();
    }

    /// Who has created which volume, as far as it is known.
    pub fn owners(&self) -> impl Iterator<Item = (&Arc<str>, &Did)> {
        self.owners.iter()
    }

    /// The process has ended. `forgets` says whether owners are in memory only (C12).
    pub fn stop(&mut self, forgets: bool) {
        if forgets {
            self.owners.clear();
        }
    }
}

/// A certificate has a header, a body in base64 and a footer.
fn check_pem(pem: &str) -> Result<(), VolumeError> {
    const HEADER: &str = "-----BEGIN CERTIFICATE-----";
    const FOOTER: &str = "-----END CERTIFICATE-----";
    let body = pem
        .trim()
        .strip_prefix(HEADER)
        .ok_or(VolumeError::InvalidPem("it does not begin with its header"))?;
    let body = body.strip_suffix(FOOTER).ok_or(VolumeError::InvalidPem("it does not end with its footer"))?;
    let written: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match data_encoding::BASE64.decode(&written) {
        Ok(bytes) if !bytes.is_empty() => Ok(()),
        _ => Err(VolumeError::InvalidPem("its content is not base64")),
    }
}
