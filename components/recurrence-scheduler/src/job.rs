//! The jobs by which a sidecar is the clock (Dapr API reference, "Jobs").

use perennial_domain::Timestamp;
use perennial_store::Shard;
use serde_json::{Value, json};

/// A job of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Every second, for one shard: `tick-00` to `tick-15`.
    Tick(Shard),
    /// Once, for what comes due in one shard between two ticks: `due-00` to `due-15`.
    Due(Shard),
}

impl Job {
    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Shard::all().flat_map(|shard| [Self::Tick(shard), Self::Due(shard)]).find(|job| job.name() == name)
    }

    /// Whose work it is.
    pub fn shard(self) -> Shard {
        let (Self::Tick(shard) | Self::Due(shard)) = self;
        shard
    }

    /// Its name, which a sidecar calls at `/job/<name>`.
    pub fn name(self) -> String {
        let kind = match self {
            Self::Tick(_) => "tick",
            Self::Due(_) => "due",
        };
        format!("{kind}-{:02}", self.shard().number())
    }

    /// Where a sidecar is told of it.
    pub fn address(self) -> String {
        format!("/v1.0-alpha1/jobs/{}", self.name())
    }

    /// What a sidecar is told of a job of every second.
    pub fn each_second() -> Vec<u8> {
        told("schedule", "@every 1s".into())
    }

    /// What a sidecar is told of a job of one instant.
    pub fn once(at: Timestamp) -> Vec<u8> {
        told("dueTime", at.to_string().into())
    }
}

/// One that is there is replaced (one without data would never be called). A call that fails is not made again, since the next tick
/// comes in a second.
fn told(when: &str, value: Value) -> Vec<u8> {
    let job = json!({ when: value, "overwrite": true, "data": {}, "failurePolicy": { "drop": {} } });
    job.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_known_by_its_name() {
        for job in Shard::all().flat_map(|shard| [Job::Tick(shard), Job::Due(shard)]) {
            assert_eq!(Job::parse(&job.name()), Some(job));
        }
        assert_eq!(Job::Tick(Shard::of("7")).name(), "tick-07");
        assert_eq!(Job::Due(Shard::of("a")).name(), "due-10");
        for name in ["", "tick-", "tick-7", "tick-16", "tick-007", "tick-+7", "due-", "due-16", "07"] {
            assert_eq!(Job::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_job_of_one_instant_says_it_to_the_millisecond() {
        let once: Value = serde_json::from_slice(&Job::once(Timestamp::from_millis(1_500))).unwrap();
        assert_eq!(once["dueTime"], "1970-01-01T00:00:01.500Z");
        assert_eq!((&once["overwrite"], &once["schedule"]), (&json!(true), &Value::Null));
    }
}
