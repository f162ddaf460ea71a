//! The tools on a store, without a host. What each tells is held against its output schema.

mod desk;
mod each;
mod keys;
mod refused;
mod words;
