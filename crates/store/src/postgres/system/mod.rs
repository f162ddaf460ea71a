//! Statements across users: authentication, administration, sweeps and the relay. Nothing that a user's request says
//! reaches a statement here but the hash of a token, or an admin's words.

pub(super) mod accounts;
mod audit;
mod conversations;
mod forget;
mod lanes;
mod leave;
mod letters;
mod metrics;
mod outbox;
mod prune;
mod shards;
mod words;
mod work;
