//! Wrong recurrence rules.

use http::Method;
use serde_json::json;

use crate::case::Case;
use crate::tasks::task;

const RULE: &str = "/recurrence/rrule";

/// Rules that are refused at `/recurrence/rrule`, for a task due on 2026-11-30 at nine in Berlin.
const BROKEN: [&str; 22] = [
    "",
    "every week",
    "FREQ",
    "FREQ=",
    "FREQ=FORTNIGHTLY",
    "INTERVAL=2",
    "FREQ=DAILY;FREQ=WEEKLY",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=DAILY;INTERVAL=-1",
    "FREQ=DAILY;INTERVAL=99999999999999999999",
    "FREQ=DAILY;COUNT=0",
    "FREQ=DAILY;COUNT=3;UNTIL=20270101T000000Z",
    "FREQ=DAILY;UNTIL=20260230T000000Z",
    "FREQ=WEEKLY;BYDAY=XX",
    "FREQ=WEEKLY;BYDAY=1MO",
    "FREQ=MONTHLY;BYMONTHDAY=32",
    "FREQ=MONTHLY;BYSETPOS=1",
    "FREQ=YEARLY;BYMONTH=13",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;COLOUR=RED",
    "FREQ=SECONDLY",
    "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",
];

pub fn cases() -> Vec<Case> {
    let post =
        |what: &str, changes, pointer| Case::field(what, Method::POST, "/v1/tasks", &task(&changes), pointer);
    let mut cases: Vec<Case> = BROKEN
        .iter()
        .map(|rule| post(&format!("the rule {rule:?}"), json!({ "recurrence": { "rrule": rule } }), RULE))
        .collect();
    let anchor = json!({ "recurrence": { "rrule": "FREQ=DAILY", "anchor": "moon" } });
    let number = json!({ "recurrence": { "rrule": "FREQ=DAILY", "anchor": 7 } });
    let field = json!({ "recurrence": { "rrule": "FREQ=DAILY", "until": "2027" } });
    let hourly = json!({ "due": { "local": "2026-11-30" }, "recurrence": { "rrule": "FREQ=HOURLY" } });
    let instant = json!({
        "recurrence": { "rrule": "FREQ=DAILY" }, "reminders": [{ "trigger": "2026-11-30T08:00:00Z" }]
    });
    cases.extend([
        post("a recurrence that is text", json!({ "recurrence": "FREQ=DAILY" }), "/recurrence"),
        post("a recurrence without a rule", json!({ "recurrence": {} }), "/recurrence/rrule"),
        post("a rule that is no text", json!({ "recurrence": { "rrule": 7 } }), RULE),
        post("an unknown anchor", anchor, "/recurrence/anchor"),
        post("an anchor that is a number", number, "/recurrence/anchor"),
        post("an unknown field of a recurrence", field, "/recurrence/until"),
        post(
            "a series without a start",
            json!({ "due": null, "recurrence": { "rrule": "FREQ=DAILY" } }),
            "/due",
        ),
        post("a whole day every hour", hourly, RULE),
        post("one instant for many occurrences", instant, "/reminders/0/trigger"),
    ]);
    cases
}
