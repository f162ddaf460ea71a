//! How much users may have and how often tokens may be used.

use perennial_http_api::{MAX_WINDOW, RatePolicy};

use super::{Get, SettingError, Settings, number, read};

const QUOTA_TASKS: &str = "quota_tasks";
const READS: &str = "rate_limit_reads";
const WRITES: &str = "rate_limit_writes";
const REDIS_URL: &str = "rate_limit_redis_url";

/// Most that a quota or a rate may be.
const MOST: i64 = 1_000_000_000;

/// The limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// Most tasks of a user that are not deleted.
    pub tasks: i64,
    /// How often a token may read.
    pub reads: Option<RatePolicy>,
    /// How often a token may write.
    pub writes: Option<RatePolicy>,
    /// The Redis that counts; without it the store counts writes.
    pub redis_url: Option<String>,
}

impl Settings for LimitSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let tasks = number(&read(get, QUOTA_TASKS)?, MOST);
        let tasks = tasks.ok_or_else(|| {
            SettingError::new(QUOTA_TASKS, format!("must be a whole number from 1 to {MOST}"))
        })?;
        let (reads, writes) = (rate(get, READS, "reads")?, rate(get, WRITES, "writes")?);
        let redis_url = Some(read(get, REDIS_URL)?).filter(|url| !url.is_empty());
        if redis_url.is_none() && reads.is_some() {
            let reason =
                "needs rate_limit_redis_url: the store does not count reads, for they would be writes";
            return Err(SettingError::new(READS, reason));
        }
        if redis_url.is_some() && reads.is_none() && writes.is_none() {
            let reason = "must be empty where neither rate_limit_reads nor rate_limit_writes is given";
            return Err(SettingError::new(REDIS_URL, reason));
        }
        Ok(Self { tasks, reads, writes, redis_url })
    }
}

/// A limit such as `600/60`: so many requests in so many seconds. Without it nothing is counted.
fn rate(
    get: &Get<'_>,
    variable: &'static str,
    name: &'static str,
) -> Result<Option<RatePolicy>, SettingError> {
    let value = read(get, variable)?;
    if value.is_empty() {
        return Ok(None);
    }
    let parts = value.split_once('/');
    let policy = parts.and_then(|(limit, window)| {
        Some(RatePolicy { name, limit: number(limit, MOST)?, window: number(window, MAX_WINDOW)? })
    });
    policy.map(Some).ok_or_else(|| {
        let form = "must be requests/seconds, such as 600/60";
        SettingError::new(
            variable,
            format!("{form}: 1 to {MOST} in 1 to {MAX_WINDOW}, or empty for no limit"),
        )
    })
}
