//! The fault harness: replicas of everything on one PostgreSQL, clients that write down what they were told, and faults of every kind
//! meanwhile. In the end nothing that was acknowledged is lost, nothing has happened twice, nothing is stuck, and nothing came early.

mod doors;
mod fault;
mod figures;
mod progress;
mod proxy;
mod replica;
mod run;
mod schedule;
mod system;
mod upgrade;
mod world;

pub use doors::Doors;
pub use fault::{Fault, Kind};
pub use figures::Figures;
pub use progress::Progress;
pub use replica::Replica;
pub use run::{Plan, run};
pub use system::System;
pub use upgrade::{Upgrade, upgrade};
pub use world::World;
