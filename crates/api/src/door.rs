//! Letting requests in: by the head first, then with their body.

use http::Method;
use perennial_domain::{LetterAction, ProjectId, TaskId, Timestamp, TokenId, UserId};
use perennial_http_api::{
    Accepted, Caller, Head, IdempotencyKey, KeyServer, Problem, Query, Request, Response, authenticate,
    check_body, has_token, unless_known,
};
use perennial_store::{Store, StoreError, SystemStore};

use crate::api::Answered;
use crate::operation::{Name, Operation, resolve};
use crate::{
    Api, bin, bulk, changes, channels, described, events, export, health, letters, notifications,
    occurrences, parked, preview, projects, quick, settings, tasks, tokens, users,
};

/// A request whose head was let in: its body may be read now.
#[derive(Debug)]
pub struct Admitted {
    operation: &'static Operation,
    query: Query,
    id: String,
    caller: Option<Caller>,
}

/// A token that was used.
#[derive(Debug, Clone)]
pub struct Used {
    user: UserId,
    token: TokenId,
}

impl Used {
    /// Notes it. Nobody waits for it, and a power cut may take it.
    pub fn note(&self, store: &impl SystemStore, now: Timestamp) -> Result<(), StoreError> {
        store.token_used(&self.user, self.token, now)
    }
}

/// Looks at the head of a request: 404 and 405, 401 and 403, 400, 413 and 415 need nothing more. The store is opened only
/// for a token that has to be looked up.
pub async fn admit<'s, S: SystemStore + 's>(
    head: &Head,
    accepted: &Accepted<'_, impl KeyServer>,
    store: impl FnOnce() -> Result<&'s S, StoreError>,
    now: Timestamp,
) -> Result<Admitted, Problem> {
    let (operation, id) = resolve(&head.method, head.uri.path())?;
    let caller = match operation.scope {
        None => None,
        Some(_)
            if operation.name == Name::PreviewRecurrence
                && has_token(&head.headers, accepted.bootstrap_token) =>
        {
            None
        }
        Some(scope) => {
            let caller = authenticate(&head.headers, accepted, store, now).await?;
            caller.needs(scope)?;
            Some(caller)
        }
    };
    let_in(head, operation, id, caller)
}

/// The same for a caller whose token was looked at already, as for a call that a component makes for whom it speaks for.
pub fn admit_as(head: &Head, caller: Caller) -> Result<Admitted, Problem> {
    let (operation, id) = resolve(&head.method, head.uri.path())?;
    operation.scope.map_or(Ok(()), |scope| caller.needs(scope))?;
    let_in(head, operation, id, Some(caller))
}

fn let_in(
    head: &Head,
    operation: &'static Operation,
    id: &str,
    caller: Option<Caller>,
) -> Result<Admitted, Problem> {
    check_body(&head.headers, operation.media_types(), operation.limit())?;
    let query = operation.query.map(|taken| Query::read(&head.uri, taken)).transpose()?.unwrap_or_default();
    Ok(Admitted { operation, query, id: id.to_owned(), caller })
}

/// The form of the address of a request, for the log: no user's words are in it.
pub fn template(head: &Head) -> &'static str {
    resolve(&head.method, head.uri.path()).map_or("", |(operation, _)| operation.path)
}

impl Admitted {
    /// Whether there is a body to read.
    pub fn takes_body(&self) -> bool {
        self.operation.body.is_some()
    }

    /// Longest body that is read, in bytes.
    pub fn limit(&self) -> usize {
        self.operation.limit()
    }

    /// Whose token it is to be noted that it was used, once the answer has gone out.
    pub fn used(&self) -> Option<Used> {
        let caller = self.caller.as_ref()?;
        Some(Used { user: caller.user.id.clone(), token: caller.to_note? })
    }

    /// The answer to a request that needs no store.
    pub fn without_store(&self, request: &Request) -> Option<Result<Answered, Problem>> {
        match self.operation.name {
            Name::PreviewRecurrence => Some(preview::post(request).map(Answered::read)),
            Name::Describe => Some(Ok(Answered::read(described::document()))),
            Name::Docs => Some(Ok(Answered::read(described::page()))),
            _ => None,
        }
    }

    /// Carries the request out.
    pub fn carry_out<S: Store + SystemStore>(
        &self,
        api: &mut Api<'_, S>,
        request: &Request,
    ) -> Result<Answered, Problem> {
        let mut answered = self.answered(api, request)?;
        if self.operation.is_known_by_tag() {
            answered.response = unless_known(request.headers(), answered.response)?;
        }
        Ok(answered)
    }

    fn answered<S: Store + SystemStore>(
        &self,
        api: &mut Api<'_, S>,
        request: &Request,
    ) -> Result<Answered, Problem> {
        match &self.caller {
            Some(caller) => match self.operation.class() {
                // What a request of many costs is known once it is read.
                Some(class) if self.operation.name != Name::Bulk => {
                    let key = || if self.operation.keyed { IdempotencyKey::parse(request) } else { Ok(None) };
                    api.counted(caller, (class, 1), key, |api| self.dispatch(api, caller, request))
                }
                _ => self.dispatch(api, caller, request),
            },
            None => self.open(api.store, request).map(Answered::read),
        }
    }

    /// What needs no caller.
    fn open(&self, store: &impl SystemStore, request: &Request) -> Result<Response, Problem> {
        match self.operation.name {
            Name::Health => health::healthz(store),
            Name::Ready => health::readyz(store),
            Name::Describe => Ok(described::document()),
            Name::Docs => Ok(described::page()),
            Name::PreviewRecurrence => preview::post(request),
            _ => Err(Problem::unauthenticated("this needs a token")),
        }
    }

    fn dispatch<S: Store + SystemStore>(
        &self,
        api: &mut Api<'_, S>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answered, Problem> {
        let id = self.id.as_str();
        // What is no id is the id of nothing.
        let task = || TaskId::parse(id).ok_or_else(Problem::not_found);
        let project = || ProjectId::parse(id).ok_or_else(Problem::not_found);
        let store = api.store;
        let read = match self.operation.name {
            Name::Health | Name::Ready | Name::Describe | Name::Docs | Name::PreviewRecurrence => {
                self.open(store, request)
            }
            Name::ListTasks => tasks::list(store, caller, &self.query, api.now),
            Name::CreateTask => return tasks::create(api, caller, request),
            Name::QuickAdd => return quick::add(api, caller, request),
            Name::GetTask => tasks::get(store, &caller.user.id, task()?),
            Name::UpdateTask => return tasks::update(api, caller, request, task()?),
            Name::DeleteTask => return tasks::delete(api, caller, request, task()?),
            Name::CompleteOccurrence => return occurrences::complete(api, caller, request, task()?),
            Name::ReopenOccurrence => return occurrences::reopen(api, caller, request, task()?),
            Name::SkipOccurrence => return occurrences::skip(api, caller, request, task()?),
            Name::SnoozeReminder => return occurrences::snooze(api, caller, request, task()?),
            Name::MoveTask => return tasks::relocate(api, caller, request, task()?),
            Name::RestoreTask => return bin::restore(api, caller, request, task()?),
            Name::ListDeleted => bin::list(store, caller, &self.query),
            Name::ListProjects => projects::list(store, caller, &self.query),
            Name::CreateProject => return projects::create(api, caller, request),
            Name::GetProject => projects::get(store, caller, project()?),
            Name::UpdateProject => return projects::update(api, caller, request, project()?),
            Name::DeleteProject => return projects::delete(api, caller, request, project()?),
            Name::ListTags => projects::tags(store, caller, &self.query),
            Name::ListChanges => changes::list(store, caller, &self.query),
            Name::GetChange => changes::get(store, caller, id),
            Name::UndoChange => return changes::undo(api, caller, request, id),
            Name::Bulk => return bulk::post(api, caller, request),
            Name::ListEvents => events::list(store, caller, &self.query),
            // Another component serves it: nothing is resolved to it here.
            Name::StreamEvents
            | Name::ListAudit
            | Name::ExportAudit
            | Name::VerifyAudit
            | Name::VerifyAnchors
            | Name::GetAnchor
            | Name::GetTaskAt => Err(Problem::not_found()),
            Name::ListParked => parked::list(store, caller, &self.query),
            Name::RetryParked => return parked::retry(api, caller, request, id),
            Name::ListLetters => letters::list(store, &self.query),
            Name::GetLetter => letters::get(store, id),
            Name::ReplayLetter => return letters::change(api, caller, request, (LetterAction::Replay, id)),
            Name::DiscardLetter => return letters::change(api, caller, request, (LetterAction::Discard, id)),
            Name::ReplayLetters => return letters::change_many(api, caller, request, LetterAction::Replay),
            Name::DiscardLetters => return letters::change_many(api, caller, request, LetterAction::Discard),
            Name::OverrideOccurrence => return occurrences::change(api, caller, request, task()?),
            Name::SplitSeries => return occurrences::split(api, caller, request, task()?),
            Name::ListOccurrences => occurrences::list(store, caller, &self.query, (task()?, api.now)),
            Name::ListChannels => channels::list(store, caller, &self.query),
            Name::CreateChannel => return channels::create(api, caller, request),
            Name::GetChannel => channels::get(store, caller, id),
            Name::RotateSecret => return channels::rotate(api, caller, request, id),
            Name::UpdateChannel => return channels::update(api, caller, request, id),
            Name::TestChannel => return channels::test(api, caller, request, id),
            Name::DeleteChannel => return channels::delete(api, caller, request, id),
            Name::ListNotifications => notifications::list(store, caller, &self.query),
            Name::Export => export::list(store, caller, &self.query),
            Name::GetMe => Ok(settings::me(caller)),
            Name::ListOwnTokens => tokens::list_own(store, caller, &self.query),
            Name::RevokeOwnToken => return tokens::revoke_own(api, caller, request, id),
            Name::GetSettings => Ok(settings::get(caller)),
            Name::UpdateSettings => return settings::update(api, caller, request),
            Name::ListUsers => users::list(store, &self.query),
            Name::CreateUser => return users::create(api, caller, request),
            Name::DeleteUser => return users::delete(api, caller, request, id),
            Name::DeleteMe => return users::delete_own(api, caller, request, &self.query),
            Name::ListTokens => tokens::list(store, &self.query),
            Name::CreateToken => return tokens::create(api, caller, request),
            Name::RevokeToken => return tokens::revoke(api, caller, request, id),
        };
        read.map(Answered::read)
    }
}

/// The answer as it goes out: a problem as its document, and nothing but the head to HEAD.
pub fn finish(method: &Method, answered: Result<Answered, Problem>) -> Answered {
    let mut answered = answered.unwrap_or_else(|problem| Answered::read(problem.into()));
    if method == Method::HEAD {
        answered.response.body_mut().clear();
    }
    answered
}

/// Answers a whole request: what the entry point does in steps, with the body read and the answer
/// sent between them.
pub async fn handle<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    accepted: &Accepted<'_, impl KeyServer>,
    request: Request,
) -> Answered {
    let (head, body) = request.into_parts();
    let method = head.method.clone();
    let mut used = None;
    let answered = admit(&head, accepted, || Ok(api.store), api.now).await.and_then(|admitted| {
        used = admitted.used();
        admitted.carry_out(api, &Request::from_parts(head, body))
    });
    let answered = finish(&method, answered);
    // The answer is made; whether this can be noted changes nothing of it.
    let _ = used.map(|used| used.note(api.store, api.now));
    answered
}
