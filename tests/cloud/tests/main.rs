//! The application over Kafka and Dapr, all of it real.

mod clock;
mod events;
mod exact;
mod hot;
mod load;
mod restart;
mod rotation;
mod script;
mod series;
mod state;
mod unreadable;
