//! What commands on tasks decide, one after the other, on rows kept as the store keeps them.

mod alarms;
mod alarms_model;
mod changes;
mod series;
mod tasks;
mod world;
