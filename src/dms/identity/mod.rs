//! Who is who: keys, DIDs, actor and peer ids, handles and the trust context (spec: DMS capabilities,
//! sections 1 and 3.1).
//!
//! For a node, peer id, actor id and DID are three encodings of one key ([`PublicKey`]); for a child actor
//! the id is its own key while the DID is its node's. This room knows nothing of capabilities, messages or
//! networks, reads no clock and draws no random numbers: seeds and instants are arguments.

pub mod did;
pub mod document;
pub mod handle;
pub mod key;
pub mod peer_id;
mod text;
pub mod trust;

pub use did::{Did, DidError};
pub use document::{DidDocument, DocumentTable, Resolver};
pub use handle::{ActorId, EnsembleId, Handle, Inbox};
pub use key::{KeyError, KeyKind, PublicKey, SecretKey, Signable, Signature, SignatureMode, verify};
pub use peer_id::{PeerId, PeerIdError};
pub use trust::{AnchorFault, TrustContext, TrustError};
