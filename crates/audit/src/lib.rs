//! Audit entries sealed into chains. Each user's entries stand in the order of their commits; each is sealed by a digest of its
//! content and a hash that binds it to all before it. A signed anchor, kept elsewhere, says what the hash was at some place.
//!
//! Pure: no I/O, no clock, no SQL. docs/audit.md says what is hashed, byte by byte, so that anyone can verify an export.

mod anchor;
mod encode;
mod entry;
mod seal;
mod verify;
pub mod view;

pub use anchor::{Anchor, Key};
pub use entry::Entry;
pub use seal::{Seal, Sealer, first_hash};
pub use verify::{ChainState, Link, Verifier, What, Wrong, check_anchor};
