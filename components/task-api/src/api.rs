//! What a request is carried out with, and how a write is carried out.

use perennial_domain::{Commit, Context, Ids, Timestamp, WebhookPolicy};
use perennial_http_api::{Caller, IdempotencyKey, Problem, Request, Response, replay, traceparent};
use perennial_store::{Store, StoreError, SystemStore};

/// How often a write is decided anew because what it was decided upon has changed meanwhile.
const TRIES: u32 = 10;

/// What requests are carried out with.
pub struct Api<'a, S> {
    /// The store.
    pub store: &'a S,
    /// Where webhooks may go.
    pub webhooks: &'a WebhookPolicy,
    /// Now.
    pub now: Timestamp,
    /// Fresh ids.
    pub ids: &'a mut dyn Ids,
    /// What ties together everything that the request sets in motion; the log has it too.
    pub correlation_id: String,
}

/// What a write comes to.
pub(crate) struct Decision {
    /// What to write; `None` where everything is as asked already.
    pub commit: Option<Commit>,
    /// The answer once it is written.
    pub response: Response,
    /// Whether the answer tells a secret: it is sealed for a repetition of the request by the same caller.
    pub secret: bool,
}

impl Decision {
    pub(crate) fn write(commit: Commit, response: Response) -> Self {
        Self { commit: Some(commit), response, secret: false }
    }

    pub(crate) fn secret(commit: Commit, response: Response) -> Self {
        Self { commit: Some(commit), response, secret: true }
    }

    pub(crate) fn nothing(response: Response) -> Self {
        Self { commit: None, response, secret: false }
    }
}

impl<S: Store + SystemStore> Api<'_, S> {
    /// Carries out a write: decides, commits, and decides anew where others were faster. Gives the answer, and whether
    /// anything was written.
    pub(crate) fn write(
        &mut self,
        caller: &Caller,
        request: &Request,
        mut decide: impl FnMut(&S, &mut Context<'_>) -> Result<Decision, Problem>,
    ) -> Result<(Response, bool), Problem> {
        let key = IdempotencyKey::parse(request)?;
        if let Some(answer) = self.stored_answer(caller, key.as_ref())? {
            return Ok((answer, false));
        }
        for _ in 0..TRIES {
            let decision = decide(self.store, &mut self.context(caller, request))?;
            let Some(mut commit) = decision.commit else { return Ok((decision.response, false)) };
            let record = key.as_ref().map(|key| key.record(&decision.response, decision.secret));
            commit.idempotency = record.transpose()?;
            match self.store.apply(&commit) {
                Ok(()) => return Ok((decision.response, true)),
                Err(StoreError::Changed(_) | StoreError::Duplicate(_)) => {}
                Err(StoreError::AnsweredBefore) => break,
                Err(error) => return Err(error.into()),
            }
        }
        match self.stored_answer(caller, key.as_ref())? {
            Some(answer) => Ok((answer, false)),
            None => Err(Problem::conflict()),
        }
    }

    fn stored_answer(
        &self,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Response>, Problem> {
        let Some(key) = key else { return Ok(None) };
        let stored = self.store.idempotent_answer(&caller.user.id, &key.key)?;
        stored.map(|stored| replay(key, stored)).transpose()
    }

    fn context(&mut self, caller: &Caller, request: &Request) -> Context<'_> {
        Context {
            user: caller.user.id.clone(),
            zone: caller.user.zone,
            now: self.now,
            actor: caller.actor.clone(),
            correlation_id: self.correlation_id.clone(),
            causation_id: None,
            traceparent: traceparent(request.headers()),
            ids: &mut *self.ids,
        }
    }
}
