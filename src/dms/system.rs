//! What a node asks the operating system that it runs on (dms-capabilities section 9.3).

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

/// Tells about the machine. The driver asks it for real, or makes it up; a node keeps nothing of it.
pub trait System: fmt::Debug {
    /// The name of the machine.
    fn hostname(&self) -> Arc<str>;

    /// Its network interfaces.
    fn interfaces(&self) -> Vec<Interface>;
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
}
