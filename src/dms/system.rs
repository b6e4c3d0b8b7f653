//! What a node asks the operating system that it runs on (dms-capabilities sections 9.2 and 9.3), and what its operator
//! knows of tasks.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

use super::actor::Printed;
use super::ensemble::AllocationConfig;
use super::identity::PeerId;
use crate::kernel::Span;

/// Tells about the machine. The driver asks it for real, or makes it up; a node keeps nothing of it.
pub trait System: fmt::Debug {
    /// The name of the machine.
    fn hostname(&self) -> Arc<str>;

    /// Its network interfaces.
    fn interfaces(&self) -> Vec<Interface>;

    /// What went over the network of an allocation that lives here, by its full id, since it came.
    fn network_of(&self, allocation: &str) -> NetworkUse;

    /// Whether a task that ended without an error may have printed this, as its operator knows: the result of a
    /// spotter's job beforehand, that of another one by a program that verifies it. None where nobody knows.
    fn is_right(&self, task: &AllocationConfig, result: &Printed) -> Option<bool> {
        let _ = (task, result);
        None
    }

    /// For how long the node's process has been up; none where nobody knows.
    fn uptime(&self) -> Option<Span> {
        None
    }

    /// Whether the machine has an image already, so that nothing has to be fetched.
    fn has_image(&self, reference: &str) -> bool {
        let _ = reference;
        false
    }

    /// Whether the transport has a connection to a host, or can open one now. What nobody says otherwise is connected.
    fn is_connected(&self, host: &PeerId) -> bool {
        let _ = host;
        true
    }
}

/// What went over a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NetworkUse {
    /// Bytes that were received.
    pub received_bytes: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
}

/// A network interface of a machine.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Interface {
    /// As the operating system calls it.
    pub name: Arc<str>,
    /// Its address.
    pub ip: Ipv4Addr,
    /// Its hardware's address, as in `02:00:00:00:00:01`.
    pub mac_address: Arc<str>,
}

/// A system of which nothing is known.
#[derive(Clone, Copy, Debug)]
pub struct BareSystem;

impl System for BareSystem {
    fn hostname(&self) -> Arc<str> {
        Arc::from("localhost")
    }

    fn interfaces(&self) -> Vec<Interface> {
        Vec::new()
    }

    fn network_of(&self, _allocation: &str) -> NetworkUse {
        NetworkUse::default()
    }
}
