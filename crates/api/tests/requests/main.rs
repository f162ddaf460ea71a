//! What requests are answered, and what they leave in the store, without a host. One program, since each of its parts would take as
//! long to compile as all of them.

mod account;
mod answers;
mod bulk;
mod bulk_keys;
mod door;
mod events;
mod leaving;
mod limits;
mod quick;
mod rehearsal;
mod repeated;
mod search;
mod service;
mod verbs;
