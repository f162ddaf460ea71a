//! Whichever call to its host a handler is trapped at, before or after the call has had its effect: the write is there
//! whole or not at all, the next request does not notice, and the work is finished by itself. And what all of it costs.

mod costs;
mod handlers;
mod migration;
mod operations;
mod others;
mod poison;
mod streams;
mod writes;

use perennial_host::Moment;
use perennial_traps::House;
use serde_json::{Value, json};

/// More calls than any handler makes.
const MANY: u64 = 200;

const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

/// The first occurrences of [`bins`].
const FIRST: &str = "2027-11-22T07:00:00[Europe/Berlin]";
const SECOND: &str = "2027-11-29T07:00:00[Europe/Berlin]";

/// A series in a far future, with a reminder.
fn bins(house: &House) -> Value {
    operations::bins(&house.fresh().to_string())
}

async fn created(house: &House, task: &Value) -> String {
    let (status, task) = house.call("POST", "/v1/tasks", task).await;
    assert_eq!(status, 201, "{task}");
    house.idle().await;
    task["id"].as_str().unwrap().to_owned()
}

async fn completed(house: &House, id: &str) {
    let (status, answer) =
        house.call("POST", &format!("/v1/tasks/{id}/complete"), &json!({ "recurrence_id": FIRST })).await;
    assert_eq!(status, 200, "{answer}");
    house.idle().await;
}
