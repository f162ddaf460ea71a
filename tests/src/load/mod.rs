//! Clients that write for as long as the service lives, what they were told, and what must be so in the end: the same for whatever
//! happens to the service meanwhile.

mod checks;
mod door;
mod draw;
mod findings;
mod ledger;
mod tables;
mod worker;

pub use checks::{Notified, came, parked, reminders, tasks};
pub use door::{Door, Gone};
pub use draw::Habits;
pub use findings::Findings;
pub use ledger::{Entry, KINDS, Ledger, Noted, Request, Says};
pub use tables::{LEFT, WRONG};
pub use worker::Worker;
