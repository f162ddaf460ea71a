//! How much a user may have and how often a token may be used.
//!
//! Writes are counted by the store, in the commits that they come to: what is refused or only repeated is not counted. Where
//! there is a server that counts, it counts each request instead, reads too. What is not limited is not counted.

use http::{HeaderName, HeaderValue};
use perennial_domain::{Commit, Rate};
use perennial_http_api::{Caller, Counted, IdempotencyKey, Problem, RatePolicy, RateServer, Response};
use perennial_store::{RateCount, Store, SystemStore};

use crate::Api;
use crate::api::Answered;
use crate::operation::Class;

/// The limits that requests are held to.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Most tasks of a user that are not deleted.
    pub tasks: i64,
    /// How often a token may read; only a server counts it.
    pub reads: Option<RatePolicy>,
    /// How often a token may write.
    pub writes: Option<RatePolicy>,
    /// What counts, in place of the store.
    pub server: Option<&'a dyn RateServer>,
}

/// Nothing is limited.
impl Default for Limits<'_> {
    fn default() -> Self {
        Self { tasks: i64::MAX, reads: None, writes: None, server: None }
    }
}

impl Limits<'_> {
    /// The policy of a class of operations.
    pub(crate) fn policy(&self, class: Class) -> Option<RatePolicy> {
        match class {
            Class::Reads => self.reads,
            Class::Writes => self.writes,
        }
    }

    /// Holds a commit to them.
    pub(crate) fn hold(&self, caller: &Caller, commit: &mut Commit) {
        if commit.tasks.iter().any(|task| task.deleted_at.is_none()) {
            commit.quota.tasks = Some(self.tasks);
        }
        let counted = self.writes.filter(|_| self.server.is_none());
        commit.rate = counted.map(|policy| Rate {
            token: caller.counted_as.clone(),
            limit: policy.limit,
            window: policy.window_millis(),
        });
    }

    /// Tells what the store counted for a write.
    pub(crate) fn tell(&self, response: &mut Response, count: Option<RateCount>) {
        if let (Some(policy), Some(count)) = (self.writes, count) {
            response.headers_mut().extend(policy.headers(count));
        }
    }
}

/// What is told of a request that was counted.
type Told = Vec<(HeaderName, HeaderValue)>;

impl<S: Store + SystemStore> Api<'_, S> {
    /// Has the server count a request that costs as much as so many, if there is a server, and carries it out if it is within
    /// the limit. One that is not has the answer stored under its key, where there is one: it is only a repetition.
    pub(crate) fn counted(
        &mut self,
        caller: &Caller,
        (class, cost): (Class, i64),
        key: impl FnOnce() -> Result<Option<IdempotencyKey>, Problem>,
        carry_out: impl FnOnce(&mut Self) -> Result<Answered, Problem>,
    ) -> Result<Answered, Problem> {
        let policy = self.limits.policy(class);
        let counted =
            self.limits.server.zip(policy).and_then(|(server, policy)| {
                Some((policy, server.count(&caller.counted_as, &policy, cost)?))
            });
        let told = match counted {
            None => Told::new(),
            Some((policy, Counted::Within(count))) => policy.headers(count).to_vec(),
            Some((_, Counted::Over(left))) => {
                let problem = Problem::rate_limited(left).of_policy(policy);
                return self.stored_or(caller, key()?.as_ref(), problem);
            }
        };
        match carry_out(self) {
            Ok(mut answered) => {
                answered.response.headers_mut().extend(told);
                Ok(answered)
            }
            // What the store refused for the limit says which that is.
            Err(problem) => Err(problem.with_headers(told).of_policy(policy)),
        }
    }
}

#[cfg(test)]
mod tests {
    use perennial_domain::LIMITS;
    use perennial_http_api::{Form, IdempotencyKey, LIMIT, MAX_BODY, MAX_ERRORS, MAX_STREAMS};

    use crate::bulk::{MAX_BULK, MOST};

    const GUIDE: &str = include_str!("../../../docs/api.md");
    const MANIFEST: &str = include_str!("../../../spin.toml");

    /// What is told of a variable: its default.
    fn default(variable: &str) -> usize {
        let line = MANIFEST.lines().find(|line| line.starts_with(&format!("{variable} = "))).unwrap();
        line.split('"').nth(1).unwrap().parse().unwrap()
    }

    #[test]
    fn the_table_of_limits_is_what_the_limits_are() {
        let Form::Number { to: page, .. } = LIMIT.form else { unreachable!("it is a number") };
        let mut expected = vec![("tasks of a user that are not deleted".to_owned(), default("quota_tasks"))];
        expected.extend(LIMITS.iter().map(|(name, most)| ((*name).to_owned(), *most)));
        let ours = [
            ("bytes of a body", MAX_BODY),
            ("bytes of the body of `/v1/bulk`", MAX_BULK),
            ("commands of `/v1/bulk`", MOST),
            ("items of a page", usize::try_from(page).unwrap()),
            ("characters of an `Idempotency-Key`", IdempotencyKey::MAX),
            ("streams of a user at once", usize::try_from(MAX_STREAMS).unwrap()),
            ("errors that a problem lists", MAX_ERRORS),
        ];
        expected.extend(ours.map(|(name, most)| (name.to_owned(), most)));
        let (_, table) = GUIDE.split_once("\n## Limits\n").unwrap();
        let rows = table.split("\n## ").next().unwrap().lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let (name, most) = (cells.next()?, cells.next()?);
            Some((name.to_owned(), most.replace(',', "").parse().ok()?))
        });
        assert_eq!(rows.collect::<Vec<(String, usize)>>(), expected);
    }
}
