//! A write as one value.
//!
//! The field names are the store's column names: a commit travels to the database as JSON and is taken apart there,
//! inside the one statement that applies it. Lists that are empty do not travel.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::search::Posting;
use crate::{
    ChannelConfig, ChannelId, Event, EventId, LetterStatus, Metadata, NotificationId, NotificationState,
    Occurrence, OccurrenceStatus, Priority, ProjectId, RecurrenceId, ReminderId, Role, Scope, StreamId,
    Subscription, Succession, Task, TaskId, TaskSpec, TaskStatus, Timestamp, TokenId, UserId,
};

/// Everything one command changes. Applied whole or not at all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Commit {
    /// Names this commit: fresh each time a command is decided.
    pub id: Uuid,
    /// Whose rows these are; every row written carries it.
    pub user: UserId,
    /// The stream whose sequence the events continue.
    pub stream: StreamId,
    /// When it was decided.
    pub at: Timestamp,
    /// What must still be so, or nothing is applied.
    pub expect: Expect,
    /// How much there may be of what it adds to, or nothing is applied.
    #[serde(skip_serializing_if = "Quota::is_none")]
    pub quota: Quota,
    /// The token whose writes are counted with it, and how many there may be, or nothing is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The user's own settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsRow>,
    /// Users to create.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserRow>,
    /// Users to delete, who must be there. From then on nothing is theirs any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted_users: Vec<DeletedUserRow>,
    /// Whose tokens of an issuer speak for which user; they must not exist yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<IdentityRow>,
    /// Tokens to create or replace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenRow>,
    /// Channels to create or replace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelRow>,
    /// Projects to create or replace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<ProjectRow>,
    /// Tasks to create or replace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskRow>,
    /// Occurrences that must not exist yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<OccurrenceRow>,
    /// Occurrences to replace. One that is done can only stay done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub occurrences: Vec<OccurrenceRow>,
    /// Done occurrences that are open again; each needs its expectation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reopened: Vec<OccurrenceRow>,
    /// Tasks whose parts are owed that they are open again: those that are done and do not recur.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts_again: Vec<TaskId>,
    /// Changes of single occurrences, to create or replace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<OverrideRow>,
    /// Alarms to create or replace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmRow>,
    /// Notifications that must not exist yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<NotificationRow>,
    /// Notifications of no reminder that must not exist yet. Those of events are made by the store, in the statement that writes
    /// the events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<NoticeRow>,
    /// What became of an attempt to deliver a notification.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
    /// Given-up work that is tried again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retried: Vec<Retried>,
    /// Dead letters that change. A commit that has them does nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letters: Option<LettersRow>,
    /// What happened, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Who did it.
    pub audit: Audit,
    /// The answer to give again to a repeated request.
    pub idempotency: Option<IdempotencyRecord>,
    /// The event this is the effect of.
    pub inbox: Option<InboxRecord>,
}

impl Commit {
    /// Notes what a command made of an occurrence: what is said of it, and the version of its task, before and after.
    pub(crate) fn notes(&mut self, id: &RecurrenceId, before: (i64, Value), after: (i64, Value)) {
        let noted = |(version, occurrence): (i64, Value)| {
            Some(json!({ "recurrence_id": id, "occurrence": occurrence, "version": version }))
        };
        (self.audit.before, self.audit.after) = (noted(before), noted(after));
    }

    /// Notes besides, of an occurrence that is closed, that the one after it was there before: it does not come of that.
    pub(crate) fn notes_followed(&mut self, was: &Occurrence) {
        if let (Some(before), Succession::Planned) = (&mut self.audit.before, was.succession) {
            before["followed"] = true.into();
        }
    }
}

/// Most of a kind of thing that a user may have. The store counts only what a commit adds: who has more already can change it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// Tasks of the commit's user that are not deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<i64>,
    /// Tokens of each owner that are not revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
}

impl Quota {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The limit on how often a token may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Under what it is counted.
    pub token: String,
    /// Most commits of a window.
    pub limit: i64,
    /// How long a window is, in milliseconds.
    pub window: i64,
}

/// Conditions on rows as they were read.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Expect {
    /// Tasks by version; 0 = does not exist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<ExpectTask>,
    /// Tasks by the last change that their user made of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ExpectChange>,
    /// Occurrences by status.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub occurrences: Vec<ExpectOccurrence>,
    /// Alarms by state and time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<ExpectAlarm>,
    /// Projects by version; 0 = does not exist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<ExpectProject>,
    /// Projects that a task may be put in: the user's, and not deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_projects: Vec<ProjectId>,
    /// Projects that no task is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub empty_projects: Vec<ProjectId>,
    /// Tasks that may have another as a part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<ExpectParent>,
    /// Places at which none of the user's other tasks stands, deleted or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<ExpectPlace>,
    /// How many channels the user has, where the commit depends on it.
    pub channels: Option<i64>,
    /// Channels that are there and whose secret and types are still these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<ExpectSecret>,
    /// The version of the user's settings, where the commit depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<i64>,
    /// The user's zone, in which it was decided: what it makes of occurrences is computed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The answer that the request is kept by, where its commits are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<ExpectAnswer>,
}

/// The answer under this key is that of this request: another with the key changes nothing, in none of its commits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectAnswer {
    /// The key.
    pub key: String,
    /// What the request is.
    pub fingerprint: String,
    /// The commit that kept it, where it must be this very one; else any of an equal request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_id: Option<Uuid>,
}

/// This task is still of this version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectTask {
    /// The task.
    pub id: TaskId,
    /// Its version when read.
    pub version: i64,
}

/// Nothing that its user did to this task came after this change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectChange {
    /// The task.
    pub task_id: TaskId,
    /// The change: its commit.
    pub change_id: Uuid,
}

/// This project is still of this version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectProject {
    /// The project.
    pub id: ProjectId,
    /// Its version when read.
    pub version: i64,
}

/// This task is there, is no part of another and has room for a part, which has none itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectParent {
    /// The task.
    pub id: TaskId,
    /// What becomes a part of it.
    pub part: TaskId,
}

/// No other task stands at this place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectPlace {
    /// The task that is put there.
    pub task_id: TaskId,
    /// The place.
    pub place: String,
}

/// This channel is there, signs with this secret and takes these types of events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectSecret {
    /// The channel.
    pub id: ChannelId,
    /// Its secret when read.
    pub secret: String,
    /// What it was told of when read; `None`: whatever it is told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Subscription>,
}

impl Expect {
    /// Expects that the place that a task is moved to is free.
    pub(crate) fn place(&mut self, task: &Task, before: &Task) {
        let moved = task.position.clone().filter(|_| task.position != before.position);
        self.places.extend(moved.map(|place| ExpectPlace { task_id: task.id, place }));
    }

    /// Expects what a task is put under, but not what it was under before: that may be gone since.
    pub(crate) fn under(&mut self, task: &Task, before: Option<&TaskSpec>) {
        let (project, parent) = before.map_or((None, None), |before| (before.project, before.parent));
        self.in_projects.extend(task.spec.project.filter(|id| Some(*id) != project));
        let anew = task.spec.parent.filter(|id| Some(*id) != parent);
        self.parents.extend(anew.map(|id| ExpectParent { id, part: task.id }));
    }
}

/// This occurrence is still in this status.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectOccurrence {
    /// The task.
    pub task_id: TaskId,
    /// The occurrence of it.
    pub recurrence_id: RecurrenceId,
    /// Its status when read.
    pub status: OccurrenceStatus,
    /// Whether its successor was planned, when read.
    pub succession: Succession,
}

impl From<&Occurrence> for ExpectOccurrence {
    fn from(occurrence: &Occurrence) -> Self {
        Self {
            task_id: occurrence.task,
            recurrence_id: occurrence.recurrence_id.clone(),
            status: occurrence.status,
            succession: occurrence.succession,
        }
    }
}

/// This alarm is still in this state, for this time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectAlarm {
    /// The task.
    pub task_id: TaskId,
    /// The occurrence of it.
    pub recurrence_id: RecurrenceId,
    /// The reminder of it.
    pub reminder_id: ReminderId,
    /// Its state when read.
    pub state: AlarmState,
    /// When it was to fire, when read.
    pub fire_at: Timestamp,
}

/// A row of `user`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct UserRow {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub tz: String,
    pub created_at: Timestamp,
}

/// A row of `user` of someone who is deleted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct DeletedUserRow {
    pub id: UserId,
}

/// What a user sets of their own row of `user`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct SettingsRow {
    pub version: i64,
    pub tz: String,
    pub settings: Value,
}

/// A row of `identity`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct IdentityRow {
    pub issuer: String,
    pub subject: String,
    pub user_id: UserId,
    pub created_at: Timestamp,
}

/// A row of `token`. The secret itself is never stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct TokenRow {
    pub id: TokenId,
    pub user_id: UserId,
    pub name: String,
    pub hash: String,
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// Known to the hour. No commit writes it.
    #[serde(skip)]
    pub last_used_at: Option<Timestamp>,
}

/// A row of `channel`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ChannelRow {
    pub id: ChannelId,
    #[serde(flatten)]
    pub config: ChannelConfig,
    pub created_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

/// A row of `project`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ProjectRow {
    pub id: ProjectId,
    pub version: i64,
    pub name: String,
    pub description: String,
    pub archived: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

/// A row of `task`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct TaskRow {
    pub id: TaskId,
    pub version: i64,
    pub title: String,
    pub title_lower: String,
    /// What it is found by: rows of `task_word`, where its texts may be others than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<Posting>>,
    pub description: String,
    pub priority: Priority,
    pub tags: Vec<String>,
    pub due_local: Option<String>,
    pub due_tz: Option<String>,
    pub start_local: Option<String>,
    pub start_tz: Option<String>,
    pub duration: Option<String>,
    pub duration_s: Option<i64>,
    pub project_id: Option<ProjectId>,
    pub parent_id: Option<TaskId>,
    pub metadata: Metadata,
    pub position: Option<String>,
    pub recurrence: Option<Value>,
    pub reminders: Value,
    pub status: TaskStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub completed_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
}

/// A row of `occurrence`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct OccurrenceRow {
    pub task_id: TaskId,
    pub recurrence_id: RecurrenceId,
    pub predecessor: Option<RecurrenceId>,
    pub ordinal: i64,
    pub status: OccurrenceStatus,
    pub succession: Succession,
    pub title: Option<String>,
    pub due_local: Option<String>,
    pub due_tz: Option<String>,
    pub start_local: Option<String>,
    pub start_tz: Option<String>,
    /// Version of the zone data that `due_at` and `start_at` were computed with.
    pub tzdata: String,
    pub due_at: Option<Timestamp>,
    pub start_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

/// A row of `override`: how one occurrence differs from its series.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct OverrideRow {
    pub task_id: TaskId,
    pub recurrence_id: RecurrenceId,
    pub title: Option<String>,
    pub due_local: Option<String>,
    pub due_tz: Option<String>,
    pub cancelled: i64,
}

/// A row of `alarm`: when one reminder of one occurrence is to fire.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct AlarmRow {
    pub task_id: TaskId,
    pub recurrence_id: RecurrenceId,
    pub reminder_id: ReminderId,
    pub fire_at: Timestamp,
    pub state: AlarmState,
    /// When it was to fire before it was put off.
    pub snoozed_from: Option<Timestamp>,
}

/// The life of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmState {
    /// Waits for its time.
    Armed,
    /// Has become a notification.
    Fired,
    /// Its occurrence was closed before, or its reminder taken away.
    Cancelled,
    /// Its time had long passed when it was made.
    Missed,
}

/// A row of `notification`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct NotificationRow {
    pub id: NotificationId,
    pub task_id: TaskId,
    pub recurrence_id: RecurrenceId,
    pub reminder_id: ReminderId,
    pub channel_id: ChannelId,
    /// When its alarm was to fire: an occurrence that is rescheduled reminds again.
    pub fire_at: Timestamp,
    pub state: NotificationState,
    pub payload: Value,
    pub next_attempt_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
}

/// A row of `notice`: a notification of something else than a reminder.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct NoticeRow {
    pub id: NotificationId,
    pub channel_id: ChannelId,
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it is about; of a test, the channel.
    pub subject: String,
    pub payload: Value,
    pub next_attempt_at: Timestamp,
}

/// What became of one attempt. Applied only if `attempt` is still the last one made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Delivery {
    pub id: NotificationId,
    pub attempt: i64,
    pub state: NotificationState,
    pub next_attempt_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub last_error: Option<String>,
    /// How this attempt ended: 0 = answered promptly, -1 = answered slowly, else the attempts in a row that hung.
    pub endpoint_failures: i64,
    /// Milliseconds for which the endpoint is left alone.
    pub endpoint_pause: i64,
}

/// An item of work that was given up. Applied only if it still is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retried {
    /// The item.
    pub id: i64,
    /// Whose it is: an admin may have anyone's tried again.
    pub user_id: UserId,
}

/// What becomes of dead letters. Applied only if all of them are as they were read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LettersRow {
    /// What they are then.
    pub to: LetterStatus,
    /// Which they are.
    pub of: Vec<ExpectLetter>,
}

/// A dead letter as it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectLetter {
    /// Its place in the list of all.
    pub place: i64,
    /// Whose event it is: an admin may change anyone's. Empty where it is nobody's.
    pub user_id: String,
    /// What it was when read.
    pub status: LetterStatus,
}

/// The audit entry of a commit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Audit {
    pub actor: String,
    pub action: String,
    pub subject: String,
    /// The task whose list of changes goes on with this one, where that is not the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_those_of: Option<TaskId>,
    pub correlation_id: String,
    /// Version of the zone data that the write was decided with.
    pub tzdata: String,
    /// What a user's command changed, as it was; `None` where there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The same, as it is now; `None` where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// The stored answer of a request that carried an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdempotencyRecord {
    /// The key, as sent.
    pub key: String,
    /// Hash of method, path and body: the same key with another request is an error.
    pub fingerprint: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// `ETag` of the answer, if it had one.
    pub etag: Option<String>,
    /// `Location` of the answer, if it had one.
    pub location: Option<String>,
    /// Body of the answer.
    pub body: String,
    /// The change that the answer tells of, if it changed anything.
    pub change_id: Option<String>,
}

/// The event whose effect a commit is, so that a repeated delivery has none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InboxRecord {
    /// The consumer.
    pub consumer: String,
    /// The event it has now applied.
    pub event_id: EventId,
}
