//! The table of operations.

use perennial_audit::Anchor;
use perennial_audit::view::{AnchorsInput, EntryView, TaskAtView, VerifiedView};
use perennial_domain::pattern::{BOUND, LINE};
use perennial_domain::search::MAX_QUERY;
use perennial_domain::{
    LetterStatus, MoveInput, OverrideInput, Preview, PreviewInput, ProjectInput, QuickInput, Scope,
    SettingsInput, SnoozeInput, TaskInput, TokenInput, UserInput,
};
use perennial_events::{DeadLetterRecord, EventPlace};
use perennial_http_api::{CURSOR, Form, Items, LIMIT, MAX_BODY, Parameter, audit};

use super::{Body, Operation, Shape, Verb, shape};
use crate::bulk::{BulkInput, BulkView, MAX_BULK};
use crate::channels::{ChannelInput, ChannelPatch};
use crate::events::EventsView;
use crate::export::ExportedView;
use crate::health::{HealthView, ReadyView};
use crate::letters::{LettersInput, LettersView};
use crate::occurrences::{NamedInput, OccurrencesView, SkipInput, SplitInput};
use crate::view::{
    ChangeView, ChannelView, CompletedView, MeView, NotificationView, OverrideView, ParkedPage, ProjectView,
    QuickView, SnoozedView, TagView, TaskView, TokenView, UserView,
};

/// The names of the operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Health,
    Ready,
    Describe,
    Docs,
    ListTasks,
    CreateTask,
    QuickAdd,
    GetTask,
    UpdateTask,
    DeleteTask,
    CompleteOccurrence,
    ReopenOccurrence,
    OverrideOccurrence,
    SplitSeries,
    SkipOccurrence,
    SnoozeReminder,
    MoveTask,
    RestoreTask,
    ListDeleted,
    ListProjects,
    CreateProject,
    GetProject,
    UpdateProject,
    DeleteProject,
    ListTags,
    ListChanges,
    GetChange,
    UndoChange,
    Bulk,
    ListEvents,
    StreamEvents,
    ListOccurrences,
    ListChannels,
    CreateChannel,
    GetChannel,
    UpdateChannel,
    RotateSecret,
    TestChannel,
    DeleteChannel,
    ListNotifications,
    ListParked,
    RetryParked,
    ListLetters,
    GetLetter,
    ReplayLetter,
    DiscardLetter,
    ReplayLetters,
    DiscardLetters,
    PreviewRecurrence,
    Export,
    GetMe,
    DeleteMe,
    ListOwnTokens,
    RevokeOwnToken,
    GetSettings,
    UpdateSettings,
    ListUsers,
    CreateUser,
    DeleteUser,
    ListTokens,
    CreateToken,
    RevokeToken,
    ListAudit,
    ExportAudit,
    VerifyAudit,
    VerifyAnchors,
    GetAnchor,
    GetTaskAt,
}

const OPEN: Option<Scope> = None;
const READ: Option<Scope> = Some(Scope::TasksRead);
const WRITE: Option<Scope> = Some(Scope::TasksWrite);
const ADMIN: Option<Scope> = Some(Scope::Admin);

const STATUS: Parameter = Parameter {
    name: "status",
    form: Form::OneOf(&["open", "done"]),
    words: "Only the tasks of this status.",
};
const TASK: Parameter = Parameter { name: "task", form: Form::Id, words: "Only those of this task." };
const CHANNEL: Parameter =
    Parameter { name: "channel", form: Form::Id, words: "Only those over this channel." };
const SUBJECT: Parameter =
    Parameter { name: "subject", form: Form::Id, words: "Only those of this task or project." };
const PROJECT: Parameter =
    Parameter { name: "project", form: Form::Id, words: "Only those of this project." };
const PARENT: Parameter = Parameter { name: "parent", form: Form::Id, words: "Only the parts of this task." };
const TAG: Parameter =
    Parameter { name: "tag", form: Form::Text(100, LINE), words: "Only the tasks with this very tag." };
const FILTER: Parameter = Parameter {
    name: "filter",
    form: Form::Text(1_000, LINE),
    words: "Only the tasks that fulfil this, such as `due < +7d and priority = high` (docs/filter.md).",
};
const SORT: Parameter = Parameter {
    name: "sort",
    form: Form::OneOf(&[
        "created",
        "-created",
        "due",
        "-due",
        "priority",
        "-priority",
        "updated",
        "-updated",
        "position",
        "-position",
        "relevance",
    ]),
    words: "The order; with a hyphen, turned round. What has no date comes last. `relevance`, the best first, is that of a search and needs `q`.",
};
const SEARCH: Parameter = Parameter {
    name: "q",
    form: Form::Text(MAX_QUERY, LINE),
    words: "Only the tasks that have these words in their title, tags or description (docs/search.md).",
};
const AFTER: Parameter = Parameter {
    name: "after",
    form: Form::Text(20, "^[0-9]{1,20}$"),
    words: "The sequence of the last event that was read; unless told, from the oldest that is kept.",
};
const EPOCH: Parameter = Parameter {
    name: "epoch",
    form: Form::Line(100),
    words: "The `epoch` that `after` is of; answered with 410 where it is another now, after a restore.",
};
const RESUME: Parameter = Parameter {
    name: "after",
    form: Form::Text(EventPlace::MAX, EventPlace::PATTERN),
    words: "The same as `Last-Event-ID`, for clients that cannot send one; the header counts where both are there.",
};
const USER: Parameter = Parameter {
    name: "user",
    form: Form::Line(100),
    words: "The user's own id, as `GET /v1/me` tells it. Without it nobody is deleted.",
};
const ALL: Parameter = Parameter {
    name: "all",
    form: Form::OneOf(&["true", "false"]),
    words: "Whether everyone's; needs the scope `admin`.",
};
const LETTER_STATUS: Parameter = Parameter {
    name: "status",
    form: Form::OneOf(&LetterStatus::NAMES),
    words: "Only those of this status.",
};
const TOPIC: Parameter =
    Parameter { name: "topic", form: Form::Line(100), words: "Only those of events on this topic." };
const CONSUMER: Parameter =
    Parameter { name: "consumer", form: Form::Line(100), words: "Only those that this consumer gave up." };
const OWNER: Parameter =
    Parameter { name: "user", form: Form::Line(100), words: "Only those of events of this user." };
const FROM: Parameter = Parameter {
    name: "from",
    form: Form::Text(40, BOUND),
    words: "With `to`: the first instant, or local time, of a span of time.",
};
const TO: Parameter = Parameter {
    name: "to",
    form: Form::Text(40, BOUND),
    words: "The end of the span, which is not part of it.",
};

pub(crate) const TABLE: &[Operation] = &[
    get("/healthz", Name::Health, OPEN, "Says that the service answers, and of which versions it is.")
        .any_query()
        .answers(shape!(HealthView)),
    get("/readyz", Name::Ready, OPEN, "Says whether the store answers and can be written to.")
        .any_query()
        .answers(shape!(ReadyView)),
    get("/openapi.json", Name::Describe, OPEN, "This description.")
        .any_query()
        .answers(shape!(serde_json::Map<String, serde_json::Value>)),
    get("/docs", Name::Docs, OPEN, "This description, as a page to read.").any_query().shows_page(),
    get(
        "/v1/tasks",
        Name::ListTasks,
        READ,
        "Lists the tasks, in the order of their making unless told otherwise.",
    )
    .query(&[STATUS, PROJECT, PARENT, TAG, FILTER, SEARCH, SORT, LIMIT, CURSOR])
    .checked()
    .answers(shape!(Items<TaskView<'_>>)),
    post("/v1/tasks", Name::CreateTask, WRITE, "Creates a task.")
        .takes(shape!(TaskInput))
        .creates(shape!(TaskView<'_>))
        .tagged()
        .adds(),
    post(
        "/v1/tasks/quick",
        Name::QuickAdd,
        WRITE,
        "Creates a task from a line of English, or shows how it is read.",
    )
    .takes(shape!(QuickInput))
    .creates(shape!(QuickView<'_>))
    .tagged()
    .may_only_show()
    .adds(),
    get("/v1/tasks/{id}", Name::GetTask, READ, "Gives a task.").answers(shape!(TaskView<'_>)).tagged(),
    write(
        Verb::Patch,
        "/v1/tasks/{id}",
        Name::UpdateTask,
        WRITE,
        "Changes the fields of a task that are sent.",
    )
    .patches(shape!(TaskInput))
    .answers(shape!(TaskView<'_>))
    .tagged()
    .conditional(),
    write(Verb::Delete, "/v1/tasks/{id}", Name::DeleteTask, WRITE, "Deletes a task.").conditional(),
    post(
        "/v1/tasks/{id}/complete",
        Name::CompleteOccurrence,
        WRITE,
        "Closes an occurrence. A series needs its name.",
    )
    .may_take(shape!(NamedInput))
    .answers(shape!(CompletedView<'_>))
    .conditional(),
    post("/v1/tasks/{id}/reopen", Name::ReopenOccurrence, WRITE, "Opens a done occurrence again.")
        .may_take(shape!(NamedInput))
        .answers(shape!(CompletedView<'_>))
        .conditional(),
    post("/v1/tasks/{id}/override", Name::OverrideOccurrence, WRITE, "Changes one occurrence of a series.")
        .takes(shape!(OverrideInput))
        .answers(shape!(OverrideView<'_>))
        .conditional(),
    post(
        "/v1/tasks/{id}/split",
        Name::SplitSeries,
        WRITE,
        "Changes this occurrence and all that follow: they become a task of their own.",
    )
    .takes(shape!(SplitInput))
    .creates(shape!(TaskView<'_>))
    .tagged()
    .conditional()
    .adds(),
    post(
        "/v1/tasks/{id}/skip",
        Name::SkipOccurrence,
        WRITE,
        "Has one occurrence of a series, open or still to come, not take place.",
    )
    .takes(shape!(SkipInput))
    .answers(shape!(OverrideView<'_>))
    .conditional(),
    post(
        "/v1/tasks/{id}/snooze",
        Name::SnoozeReminder,
        WRITE,
        "Puts a reminder of an open occurrence off: it fires, or fires again, then.",
    )
    .takes(shape!(SnoozeInput))
    .answers(shape!(SnoozedView<'_>))
    .conditional(),
    post(
        "/v1/tasks/{id}/move",
        Name::MoveTask,
        WRITE,
        "Moves a task into a project, under another task, or to a place before or after another.",
    )
    .takes(shape!(MoveInput))
    .answers(shape!(TaskView<'_>))
    .tagged()
    .conditional(),
    post("/v1/tasks/{id}/restore", Name::RestoreTask, WRITE, "Brings a deleted task back.")
        .answers(shape!(TaskView<'_>))
        .tagged()
        .conditional()
        .checked()
        .adds(),
    get("/v1/trash", Name::ListDeleted, READ, "Lists the deleted tasks, the last deleted first.")
        .query(&[LIMIT, CURSOR])
        .answers(shape!(Items<TaskView<'_>>)),
    get("/v1/projects", Name::ListProjects, READ, "Lists the projects.")
        .query(&[LIMIT, CURSOR])
        .answers(shape!(Items<ProjectView<'_>>)),
    post("/v1/projects", Name::CreateProject, WRITE, "Creates a project.")
        .takes(shape!(ProjectInput))
        .creates(shape!(ProjectView<'_>))
        .tagged(),
    get("/v1/projects/{id}", Name::GetProject, READ, "Gives a project.")
        .answers(shape!(ProjectView<'_>))
        .tagged(),
    write(
        Verb::Patch,
        "/v1/projects/{id}",
        Name::UpdateProject,
        WRITE,
        "Changes the fields of a project that are sent.",
    )
    .patches(shape!(ProjectInput))
    .answers(shape!(ProjectView<'_>))
    .tagged()
    .conditional(),
    write(
        Verb::Delete,
        "/v1/projects/{id}",
        Name::DeleteProject,
        WRITE,
        "Deletes a project that no task is in.",
    )
    .conditional()
    .checked(),
    get("/v1/tags", Name::ListTags, READ, "Lists the tags of the tasks, by name.")
        .query(&[LIMIT, CURSOR])
        .answers(shape!(Items<TagView<'_>>)),
    get("/v1/changes", Name::ListChanges, READ, "Lists what was changed, the last change first.")
        .query(&[SUBJECT, LIMIT, CURSOR])
        .answers(shape!(Items<ChangeView<'_>>)),
    get("/v1/changes/{id}", Name::GetChange, READ, "Gives a change, with what was before and after it.")
        .answers(shape!(ChangeView<'_>)),
    post(
        "/v1/changes/{id}/undo",
        Name::UndoChange,
        WRITE,
        "Takes a change of a task back, if it is the last that was made of it.",
    )
    .conditional()
    .checked()
    .adds(),
    post(
        "/v1/bulk",
        Name::Bulk,
        WRITE,
        "Carries out many commands on tasks: all of them or none, or each by itself.",
    )
    .takes_many(shape!(BulkInput))
    .answers(shape!(BulkView))
    .adds(),
    get("/v1/events", Name::ListEvents, READ, "Lists what happened to the tasks, as it was told in events.")
        .query(&[AFTER, EPOCH, LIMIT])
        .answers(shape!(EventsView))
        .forgets(),
    get(
        "/v1/stream",
        Name::StreamEvents,
        READ,
        "Tells what happens as it happens, from now on or from an event on, as Server-Sent Events.",
    )
    .query(&[RESUME])
    .streams()
    .served_by("live"),
    get(
        "/v1/tasks/{id}/occurrences",
        Name::ListOccurrences,
        READ,
        "Lists the occurrences so far, or, with `from` and `to`, those of a span of time.",
    )
    .query(&[FROM, TO, LIMIT, CURSOR])
    .answers(shape!(OccurrencesView<'_>)),
    get("/v1/channels", Name::ListChannels, READ, "Lists the channels.")
        .query(&[LIMIT, CURSOR])
        .answers(shape!(Items<ChannelView<'_>>)),
    post("/v1/channels", Name::CreateChannel, WRITE, "Creates a channel, and tells its secret, once.")
        .takes(shape!(ChannelInput))
        .creates(shape!(ChannelView<'_>))
        .tagged(),
    get("/v1/channels/{id}", Name::GetChannel, READ, "Gives a channel, without its secret.")
        .answers(shape!(ChannelView<'_>))
        .tagged(),
    write(
        Verb::Patch,
        "/v1/channels/{id}",
        Name::UpdateChannel,
        WRITE,
        "Changes what a channel is told of, from the next event on.",
    )
    .patches(shape!(ChannelPatch))
    .answers(shape!(ChannelView<'_>))
    .tagged()
    .conditional(),
    post(
        "/v1/channels/{id}/test",
        Name::TestChannel,
        WRITE,
        "Sends a notification over a channel that tells of nothing; `GET /v1/notifications` says what became of it.",
    )
    .accepts(shape!(NotificationView<'_>))
    .conditional()
    .checked(),
    post(
        "/v1/channels/{id}/rotate",
        Name::RotateSecret,
        WRITE,
        "Gives a channel a new secret and tells it, once; the one before signs beside it for a day.",
    )
    .answers(shape!(ChannelView<'_>))
    .tagged()
    .conditional()
    .checked(),
    write(Verb::Delete, "/v1/channels/{id}", Name::DeleteChannel, WRITE, "Deletes a channel.").conditional(),
    get("/v1/notifications", Name::ListNotifications, READ, "Lists what became of reminders, and of what else channels were told.")
        .query(&[TASK, CHANNEL, LIMIT, CURSOR])
        .answers(shape!(Items<NotificationView<'_>>)),
    get("/v1/parked", Name::ListParked, READ, "Lists the work that was given up, with its reasons.")
        .query(&[ALL, LIMIT, CURSOR])
        .answers(shape!(ParkedPage<'_>)),
    post("/v1/parked/{id}/retry", Name::RetryParked, WRITE, "Has work that was given up tried again.")
        .checked(),
    get("/v1/dead-letters", Name::ListLetters, ADMIN, "Lists the events that were given up, with their reasons.")
        .query(&[LETTER_STATUS, TOPIC, CONSUMER, OWNER, LIMIT, CURSOR])
        .checked()
        .answers(shape!(Items<DeadLetterRecord>)),
    get("/v1/dead-letters/{id}", Name::GetLetter, ADMIN, "Gives an event that was given up, with its reasons.")
        .answers(shape!(DeadLetterRecord)),
    post(
        "/v1/dead-letters/{id}/replay",
        Name::ReplayLetter,
        ADMIN,
        "Has an event that was given up sent again, under its own id.",
    )
    .checked(),
    post("/v1/dead-letters/{id}/discard", Name::DiscardLetter, ADMIN, "Puts a dead letter away."),
    post(
        "/v1/dead-letters/replay",
        Name::ReplayLetters,
        ADMIN,
        "Has many events that were given up sent again, in the order of their streams, or says which they would be.",
    )
    .takes(shape!(LettersInput))
    .answers(shape!(LettersView)),
    post(
        "/v1/dead-letters/discard",
        Name::DiscardLetters,
        ADMIN,
        "Puts many dead letters away, or says which they would be.",
    )
    .takes(shape!(LettersInput))
    .answers(shape!(LettersView)),
    post(
        "/v1/recurrence/preview",
        Name::PreviewRecurrence,
        READ,
        "Shows what a recurrence comes to; nothing is stored.",
    )
    .takes(shape!(PreviewInput))
    .answers(shape!(Preview))
    .unkeyed(),
    get("/v1/export", Name::Export, READ, "Gives everything of the user, thing by thing.")
        .query(&[LIMIT, CURSOR])
        .answers(shape!(Items<ExportedView<'_>>)),
    get("/v1/me", Name::GetMe, READ, "Says whom the token speaks for, and what it allows.")
        .answers(shape!(MeView<'_>)),
    write(
        Verb::Delete,
        "/v1/me",
        Name::DeleteMe,
        WRITE,
        "Deletes the user, with all that is theirs, for good.",
    )
    .query(&[USER])
    .checked(),
    get("/v1/me/tokens", Name::ListOwnTokens, READ, "Lists the user's own tokens, without their secrets.")
        .query(&[LIMIT, CURSOR])
        .answers(shape!(Items<TokenView<'_>>)),
    write(
        Verb::Delete,
        "/v1/me/tokens/{id}",
        Name::RevokeOwnToken,
        WRITE,
        "Revokes one of the user's own tokens.",
    ),
    get("/v1/settings", Name::GetSettings, READ, "Gives the user's own settings.")
        .answers(shape!(SettingsInput))
        .tagged(),
    write(
        Verb::Patch,
        "/v1/settings",
        Name::UpdateSettings,
        WRITE,
        "Changes the settings that are sent; a new zone moves what floats and whole days.",
    )
    .patches(shape!(SettingsInput))
    .answers(shape!(SettingsInput))
    .tagged()
    .conditional(),
    get("/v1/users", Name::ListUsers, ADMIN, "Lists the users.")
        .query(&[LIMIT, CURSOR])
        .answers(shape!(Items<UserView<'_>>)),
    post("/v1/users", Name::CreateUser, ADMIN, "Creates a user.")
        .takes(shape!(UserInput))
        .creates(shape!(UserView<'_>)),
    write(
        Verb::Delete,
        "/v1/users/{id}",
        Name::DeleteUser,
        ADMIN,
        "Deletes a user, with all that is theirs, for good.",
    ),
    get("/v1/tokens", Name::ListTokens, ADMIN, "Lists the tokens, without their secrets.")
        .query(&[LIMIT, CURSOR])
        .answers(shape!(Items<TokenView<'_>>)),
    post("/v1/tokens", Name::CreateToken, ADMIN, "Makes a token, and tells its secret, once.")
        .takes(shape!(TokenInput))
        .creates(shape!(TokenView<'_>))
        .adds(),
    write(Verb::Delete, "/v1/tokens/{id}", Name::RevokeToken, ADMIN, "Revokes a token."),
    get("/v1/audit", Name::ListAudit, READ, "Lists who did what, the last first, with the seals of the entries.")
        .query(audit::LIST)
        .answers(shape!(Items<EntryView<'_>>))
        .served_by(AUDIT),
    get(
        "/v1/audit/export",
        Name::ExportAudit,
        READ,
        "Gives the chain of entries and seals after a place, in order: all that it takes to verify it elsewhere.",
    )
    .query(audit::EXPORT)
    .gives_lines()
    .served_by(AUDIT),
    get(
        "/v1/audit/verify",
        Name::VerifyAudit,
        READ,
        "Verifies a piece of the chain, and says what is wrong first, if anything is.",
    )
    .query(audit::VERIFY)
    .answers(shape!(VerifiedView))
    .served_by(AUDIT),
    post("/v1/audit/verify", Name::VerifyAnchors, READ, "Does the same, and holds anchors against the chain.")
        .query(audit::VERIFY)
        .body(Body {
            types: JSON,
            shape: shape!(AnchorsInput),
            limit: audit::MAX_ANCHORS_BODY,
            optional: false,
            patch: false,
        })
        .answers(shape!(VerifiedView))
        .unkeyed()
        .served_by(AUDIT),
    get("/v1/audit/anchor", Name::GetAnchor, READ, "Signs what the chain is now: an anchor, to be kept elsewhere.")
        .query(audit::ANCHOR)
        .answers(shape!(Anchor))
        .served_by(AUDIT),
    get(
        "/v1/audit/tasks/{id}",
        Name::GetTaskAt,
        READ,
        "Says how a task was at a time, as far as the audit tells.",
    )
    .query(audit::TASK_AT)
    .answers(shape!(TaskAtView))
    .served_by(AUDIT),
];

/// The component that serves the audit.
const AUDIT: &str = "audit";

const JSON: &[&str] = &["application/json"];
const PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

const fn get(path: &'static str, name: Name, scope: Option<Scope>, words: &'static str) -> Operation {
    Operation {
        verb: Verb::Get,
        path,
        name,
        scope,
        words,
        query: Some(&[]),
        body: None,
        status: 200,
        media: "application/json",
        answer: None,
        tagged: false,
        conditional: false,
        keyed: false,
        checked: false,
        adds: false,
        forgets: false,
        may_only_show: false,
        streams: false,
        served_by: None,
    }
}

/// A write answers 204 unless it says otherwise.
const fn write(
    verb: Verb,
    path: &'static str,
    name: Name,
    scope: Option<Scope>,
    words: &'static str,
) -> Operation {
    Operation { verb, status: 204, keyed: true, ..get(path, name, scope, words) }
}

const fn post(path: &'static str, name: Name, scope: Option<Scope>, words: &'static str) -> Operation {
    write(Verb::Post, path, name, scope, words)
}

impl Operation {
    const fn query(self, parameters: &'static [Parameter]) -> Self {
        Self { query: Some(parameters), ..self }
    }

    const fn any_query(self) -> Self {
        Self { query: None, ..self }
    }

    const fn takes(self, shape: Shape) -> Self {
        self.body(Body { types: JSON, shape, limit: MAX_BODY, optional: false, patch: false })
    }

    const fn may_take(self, shape: Shape) -> Self {
        self.body(Body { types: JSON, shape, limit: MAX_BODY, optional: true, patch: false })
    }

    const fn patches(self, shape: Shape) -> Self {
        self.body(Body { types: PATCH, shape, limit: MAX_BODY, optional: false, patch: true })
    }

    /// Takes more than others do.
    const fn takes_many(self, shape: Shape) -> Self {
        self.body(Body { types: JSON, shape, limit: MAX_BULK, optional: false, patch: false })
    }

    const fn body(self, body: Body) -> Self {
        Self { body: Some(body), checked: true, ..self }
    }

    const fn answers(self, shape: Shape) -> Self {
        Self { status: 200, answer: Some(shape), ..self }
    }

    const fn shows_page(self) -> Self {
        Self { media: "text/html", ..self.answers(shape!(super::PageView)) }
    }

    const fn streams(self) -> Self {
        Self { media: "text/event-stream", streams: true, ..self.answers(shape!(super::StreamView)) }
    }

    /// Another component answers it: nothing leads to it here.
    const fn served_by(self, component: &'static str) -> Self {
        Self { served_by: Some(component), ..self }
    }

    const fn gives_lines(self) -> Self {
        Self { media: "application/x-ndjson", ..self.answers(shape!(super::LinesView)) }
    }

    const fn creates(self, shape: Shape) -> Self {
        Self { status: 201, answer: Some(shape), ..self }
    }

    /// What was asked is done after the answer.
    const fn accepts(self, shape: Shape) -> Self {
        Self { status: 202, answer: Some(shape), ..self }
    }

    const fn tagged(self) -> Self {
        Self { tagged: true, ..self }
    }

    const fn conditional(self) -> Self {
        Self { conditional: true, ..self }
    }

    const fn unkeyed(self) -> Self {
        Self { keyed: false, ..self }
    }

    const fn forgets(self) -> Self {
        Self { forgets: true, ..self }
    }

    const fn may_only_show(self) -> Self {
        Self { may_only_show: true, ..self }
    }

    const fn adds(self) -> Self {
        Self { adds: true, ..self }
    }

    const fn checked(self) -> Self {
        Self { checked: true, ..self }
    }
}
