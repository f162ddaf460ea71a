//! How often a token may ask.

use perennial_http_api::{Caller, Counted, Problem, RatePolicy, RateServer, Response};

/// The limit that requests are held to: only a server counts reads, and all here are.
#[derive(Clone, Copy, Default)]
pub struct Limits<'a> {
    /// How often a token may read.
    pub reads: Option<RatePolicy>,
    /// What counts.
    pub server: Option<&'a dyn RateServer>,
}

impl Limits<'_> {
    /// Has a request counted, if there is who counts, and carries it out if it is within the limit.
    pub(crate) fn counted(
        &self,
        caller: &Caller,
        carry_out: impl FnOnce() -> Result<Response, Problem>,
    ) -> Result<Response, Problem> {
        let counted = self
            .server
            .zip(self.reads)
            .and_then(|(server, policy)| Some((policy, server.count(&caller.counted_as, &policy, 1)?)));
        match counted {
            None => carry_out(),
            Some((policy, Counted::Over(left))) => Err(Problem::rate_limited(left).of_policy(Some(policy))),
            Some((policy, Counted::Within(count))) => match carry_out() {
                Ok(mut response) => {
                    response.headers_mut().extend(policy.headers(count));
                    Ok(response)
                }
                Err(problem) => Err(problem.with_headers(policy.headers(count))),
            },
        }
    }
}
