//! What a request is carried out with, and how a write is carried out.

use http::HeaderValue;
use perennial_domain::{
    Channel, Commit, Context, ExpectAnswer, Ids, Project, SeriesState, Timestamp, User, UserId, WebhookPolicy,
};
use perennial_events::OWN_LEASE;
use perennial_guest::random_secret;
use perennial_http_api::{
    CHANGE_ID, Caller, EntityTag, IdempotencyKey, IfMatch, Problem, Request, Response, replay, traceparent,
};
use perennial_recurrence::Zone;
use perennial_store::{Apply, Mode, Outcome, OwnLease, Store, StoreError, SystemStore};

use crate::Limits;
use crate::command::Command;

/// How often a write is decided anew because what it was decided upon has changed meanwhile.
pub(crate) const TRIES: u32 = 100;

/// What requests are carried out with.
pub struct Api<'a, S> {
    /// The store.
    pub store: &'a S,
    /// Where webhooks may go.
    pub webhooks: &'a WebhookPolicy,
    /// What they are held to.
    pub limits: Limits<'a>,
    /// Now.
    pub now: Timestamp,
    /// Fresh ids.
    pub ids: &'a mut dyn Ids,
    /// What ties together everything that the request sets in motion; the log has it too.
    pub correlation_id: String,
    /// Whether writes are only rehearsed: decided and held to every guard of the store, and nothing is left of them.
    pub dry_run: bool,
}

/// What has an entity tag.
pub(crate) trait Tagged {
    /// That of what it is now.
    fn tag(&self) -> EntityTag;
}

impl Tagged for SeriesState {
    fn tag(&self) -> EntityTag {
        self.task.version.into()
    }
}

impl Tagged for Project {
    fn tag(&self) -> EntityTag {
        self.version.into()
    }
}

/// The settings.
impl Tagged for User {
    fn tag(&self) -> EntityTag {
        self.version.into()
    }
}

impl Tagged for Channel {
    fn tag(&self) -> EntityTag {
        self.digest().as_str().into()
    }
}

/// What a write comes to.
pub(crate) struct Decision {
    /// What to write.
    pub commit: Commit,
    /// Whether that changes anything. Where everything is as asked already, it is written only to keep the answer under the
    /// request's key.
    pub changes: bool,
    /// The answer once it is written.
    pub response: Response,
    /// Whether the answer tells a secret: it is sealed for a repetition of the request by the same caller.
    pub secret: bool,
}

impl Decision {
    pub(crate) fn write(commit: Commit, response: Response) -> Self {
        Self { commit, changes: true, response, secret: false }
    }

    pub(crate) fn secret(commit: Commit, response: Response) -> Self {
        Self { commit, changes: true, response, secret: true }
    }

    pub(crate) fn nothing(commit: Commit, response: Response) -> Self {
        Self { commit, changes: false, response, secret: false }
    }

    /// The answer tells of the change, and is kept under a key.
    pub(crate) fn tell(&mut self, key: Option<&IdempotencyKey>) -> Result<(), Problem> {
        let audit = &self.commit.audit;
        // What is not told cannot be looked at either.
        let told = audit.before.is_some() || audit.after.is_some();
        if self.changes
            && told
            && let Ok(id) = HeaderValue::try_from(self.commit.id.to_string())
        {
            self.response.headers_mut().insert(CHANGE_ID, id);
        }
        let record = key.map(|key| key.record(&self.response, self.secret));
        self.commit.idempotency = record.transpose()?;
        Ok(())
    }
}

/// An answer, and what was written for it.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub response: Response,
    /// What was written.
    pub wrote: Option<Written>,
}

/// A write, and the right to publish its events, where nobody else has it.
#[derive(Debug)]
pub struct Written {
    /// What was written.
    pub commit: Box<Commit>,
    /// The relay's lease.
    pub own: Option<OwnLease>,
}

impl Answered {
    /// An answer for which nothing was written.
    pub(crate) fn read(response: Response) -> Self {
        Self { response, wrote: None }
    }
}

impl<S: Store + SystemStore> Api<'_, S> {
    /// Carries out a write: decides, commits, and decides anew where others were faster. Whatever else it comes to, an
    /// answer that is stored under the request's key is the answer: an equal request may have been carried out meanwhile.
    pub(crate) fn write(
        &mut self,
        caller: &Caller,
        request: &Request,
        decide: impl FnMut(&S, &mut Context<'_>) -> Result<Decision, Problem>,
    ) -> Result<Answered, Problem> {
        let key = IdempotencyKey::parse(request)?;
        self.write_under((caller, request), key.as_ref(), None, decide)
    }

    /// Carries out a write on one thing of the caller: it is read, and `If-Match` checked, each time the write is decided.
    pub(crate) fn write_on<T: Tagged>(
        &mut self,
        caller: &Caller,
        request: &Request,
        read: impl Fn(&S, &UserId) -> Result<Option<T>, StoreError>,
        mut decide: impl FnMut(&S, &mut Context<'_>, &T) -> Result<Decision, Problem>,
    ) -> Result<Answered, Problem> {
        let if_match = IfMatch::parse(request.headers())?;
        let user = caller.user.id.clone();
        self.write(caller, request, |store, ctx| {
            let there = read(store, &user)?.ok_or_else(Problem::not_found)?;
            if_match.check(there.tag())?;
            decide(store, ctx, &there)
        })
    }

    /// Carries out a command on tasks that comes alone.
    pub(crate) fn command(
        &mut self,
        caller: &Caller,
        request: &Request,
        command: &Command,
    ) -> Result<Answered, Problem> {
        self.write(caller, request, |store, ctx| command.decide(store, ctx))
    }

    /// The same under a key, where there is one, and as a part of the request that `whole` names.
    pub(crate) fn write_under(
        &mut self,
        (caller, request): (&Caller, &Request),
        key: Option<&IdempotencyKey>,
        whole: Option<&ExpectAnswer>,
        mut decide: impl FnMut(&S, &mut Context<'_>) -> Result<Decision, Problem>,
    ) -> Result<Answered, Problem> {
        let mut zone = caller.user.zone;
        for attempt in 0..TRIES {
            let mut decision = match decide(self.store, &mut self.context(caller, request, zone)) {
                Ok(decision) => decision,
                Err(problem) => return self.stored_or(caller, key, problem),
            };
            if !decision.changes && key.is_none() {
                return Ok(Answered::read(decision.response));
            }
            decision.tell(key)?;
            let Decision { mut commit, changes, mut response, .. } = decision;
            commit.expect.answer = whole.cloned();
            self.limits.hold(caller, &mut commit);
            let how = Apply { mode: Mode::All, relay_for: OWN_LEASE };
            let applied = self
                .apply((caller, request), std::slice::from_ref(&commit), how)
                .map(|mut outcomes| outcomes.pop());
            match applied.map(|outcome| outcome.map(Outcome::counted)) {
                Ok(Some((count, Outcome::Applied(own)))) => {
                    self.limits.tell(&mut response, count);
                    let wrote = (changes && !self.dry_run).then(|| Written { commit: Box::new(commit), own });
                    return Ok(Answered { response, wrote });
                }
                Ok(Some((_, Outcome::Answered(stored)))) => {
                    let key = key.ok_or_else(Problem::conflict)?;
                    return replay(key, stored).map(Answered::read);
                }
                Err(StoreError::Changed(refusal)) if refusal.what == "zone" => {
                    let user = self.store.user(&caller.user.id)?.ok_or_else(Problem::conflict)?;
                    zone = user.zone;
                }
                Ok(_) | Err(StoreError::Changed(_) | StoreError::Duplicate(_)) => {}
                Err(error) => return Err(error.into()),
            }
            give_way(&commit, attempt);
        }
        self.stored_or(caller, key, Problem::conflict())
    }

    /// The answer stored under the request's key, or else this problem.
    pub(crate) fn stored_or(
        &self,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
        otherwise: Problem,
    ) -> Result<Answered, Problem> {
        self.stored_answer(caller, key)?.map(Answered::read).ok_or(otherwise)
    }

    /// The answer that is stored under a key, if it is that of the same request.
    pub fn stored_answer(
        &self,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Response>, Problem> {
        let Some(key) = key else { return Ok(None) };
        let stored = self.store.idempotent_answer(&caller.user.id, &key.key)?;
        stored.map(|stored| replay(key, stored)).transpose()
    }

    pub(crate) fn context(&mut self, caller: &Caller, request: &Request, zone: Zone) -> Context<'_> {
        Context {
            user: caller.user.id.clone(),
            zone,
            now: self.now,
            actor: caller.actor.clone(),
            correlation_id: self.correlation_id.clone(),
            causation_id: None,
            traceparent: traceparent(request.headers()),
            ids: &mut *self.ids,
        }
    }
}

/// A new secret, told once.
pub(crate) fn fresh_secret(prefix: &str) -> Result<String, Problem> {
    random_secret(prefix).map_err(|_| Problem::unavailable("there is no randomness"))
}

/// Lets others go first who change the same thing: longer at each further attempt, and not all alike.
pub(crate) fn give_way(commit: &Commit, attempt: u32) {
    let (_, random) = commit.id.as_u64_pair();
    let millis = (random % 4).saturating_mul(u64::from(attempt.min(16)));
    std::thread::sleep(std::time::Duration::from_millis(millis));
}
