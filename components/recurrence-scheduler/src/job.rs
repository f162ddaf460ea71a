//! The jobs by which a sidecar is the clock (Dapr API reference, "Jobs").

use perennial_store::Shard;

/// A job of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Every second, for one shard: `tick-00` to `tick-15`.
    Tick(Shard),
}

impl Job {
    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Shard::all().map(Self::Tick).find(|job| job.name() == name)
    }

    /// Its name, which a sidecar calls at `/job/<name>`.
    pub fn name(self) -> String {
        let Self::Tick(shard) = self;
        format!("tick-{:02}", shard.number())
    }

    /// Where a sidecar is told of it.
    pub fn address(self) -> String {
        format!("/v1.0-alpha1/jobs/{}", self.name())
    }

    /// What a sidecar is told: one that is there is replaced (one without data would never be called). A call that fails is not made
    /// again, since the next one comes in a second.
    pub fn schedule(self) -> Vec<u8> {
        let Self::Tick(_) = self;
        let job = serde_json::json!({
            "schedule": "@every 1s",
            "overwrite": true,
            "data": {},
            "failurePolicy": { "drop": {} },
        });
        job.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_known_by_its_name() {
        for shard in Shard::all() {
            let job = Job::Tick(shard);
            assert_eq!(Job::parse(&job.name()), Some(job));
        }
        assert_eq!(Job::Tick(Shard::of("7")).name(), "tick-07");
        for name in ["", "tick-", "tick-7", "tick-16", "tick-007", "tick-+7", "due-07"] {
            assert_eq!(Job::parse(name), None, "{name}");
        }
    }
}
