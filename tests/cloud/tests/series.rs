//! Series that are completed, and what must follow.

use std::time::{Duration, Instant};

use http::StatusCode;
use perennial_tests::{Client, until};
use serde_json::{Value, json};

/// A series that somebody has.
pub(crate) struct Series {
    user: Client,
    id: String,
    current: String,
}

impl Series {
    /// A daily one that is due in a year to come.
    pub(crate) fn create(user: &Client, title: &str) -> Self {
        let task = user.create(&json!({
            "title": title, "tags": ["<home>"],
            "due": { "local": "2031-03-13T09:00:00", "tz": "Europe/Berlin" },
            "recurrence": { "rrule": "FREQ=DAILY" },
        }));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            user: user.clone(),
            id: text(&task["id"]),
            current: text(&task["occurrence"]["recurrence_id"]),
        }
    }

    /// Completes the open occurrence.
    pub(crate) fn complete(&self) {
        self.user.complete(&self.id, &self.current).ok(StatusCode::OK);
    }

    /// Waits for the occurrence that follows; gives how long it took from now on.
    pub(crate) fn wait_for_next(&mut self, limit: Duration) -> Duration {
        let start = Instant::now();
        self.current = until(&format!("what follows {} of {}", self.current, self.id), limit, || {
            let task = self.user.get(format!("/v1/tasks/{}", self.id));
            let next = task["occurrence"]["recurrence_id"].as_str()?;
            (next != self.current).then(|| next.to_owned())
        });
        start.elapsed()
    }

    /// Completes and waits.
    pub(crate) fn go_on(&mut self, limit: Duration) -> Duration {
        self.complete();
        self.wait_for_next(limit)
    }

    /// How many occurrences there are.
    pub(crate) fn occurrences(&self) -> usize {
        self.user.all(&format!("/v1/tasks/{}/occurrences", self.id)).len()
    }

    /// Checks that each occurrence followed the one before it, once.
    pub(crate) fn has_been_completed(&self, times: usize) {
        let occurrences = self.user.all(&format!("/v1/tasks/{}/occurrences", self.id));
        let ordinals: Vec<_> = occurrences.iter().map(|one| one["ordinal"].as_i64().unwrap()).collect();
        let expected: Vec<_> = (1..=i64::try_from(times).unwrap() + 1).collect();
        assert_eq!(ordinals, expected, "{}", self.id);
        for pair in occurrences.windows(2) {
            assert_eq!(pair[1]["predecessor"], pair[0]["recurrence_id"]);
            assert_eq!(pair[0]["status"], "done");
        }
    }
}

/// So many series of each of so many users.
pub(crate) fn of_users(users: &[Client], each: usize) -> Vec<Series> {
    let titles = (0..each).map(|number| format!("Series {number}"));
    let titles: Vec<_> = titles.collect();
    users.iter().flat_map(|user| titles.iter().map(move |title| Series::create(user, title))).collect()
}
