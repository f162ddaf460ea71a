//! The application over Kafka and Dapr, all of it real.

mod clock;
mod events;
mod exact;
mod hot;
mod restart;
mod script;
mod series;
mod state;
mod unreadable;
