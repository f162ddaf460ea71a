//! Clients that write for as long as the service lives, what they were told, and what must be so in the end: the same for whatever
//! happens to the service meanwhile.

pub mod books;
mod checks;
mod door;
mod draw;
mod findings;
mod late;
mod ledger;
mod tables;
mod worker;

pub use checks::{Notified, came, parked, reminders, tasks};
pub use door::{Door, Gone};
pub use draw::Habits;
pub use findings::Findings;
pub use late::Late;
pub use ledger::{Entry, KINDS, Ledger, Noted, Request, Says};
pub use tables::{LEFT, WRONG, of_postgres};
pub use worker::Worker;
