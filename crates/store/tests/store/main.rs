//! The store on SQLite: what its statements write, refuse, read and never read. One program, since each of its parts would take as long to
//! compile as all of them.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

mod alike;
mod aside;
mod audit;
mod commits;
mod conversations;
mod cost;
mod cut;
mod exported;
mod filtered;
mod fired;
mod first_start;
mod forgotten;
mod held;
mod identities;
mod invariants;
mod left;
mod letters;
mod limits;
mod metrics;
mod notices;
mod older;
mod plans;
mod queues;
mod quiet;
mod renewed;
mod search;
mod shards;
mod shown;
mod upgrade;
mod upgrade_fifth;
mod upgrade_second;
mod upgrade_seventh;
mod upgrade_sixth;
mod upgrade_third;
