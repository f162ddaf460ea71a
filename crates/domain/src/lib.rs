//! Tasks, series, reminders and their policies.
//!
//! A command goes in with everything it may depend on (the time, fresh ids, the rows it was decided upon) and a
//! [`Commit`] comes out: the whole write as one value, which the store applies at once or not at all. Nothing
//! here reads a clock, a database or the network.

mod channel;
mod commit;
mod context;
mod due;
mod event;
mod external;
mod fields;
pub mod filter;
mod id;
mod identity;
mod invalid;
mod letter;
mod limits;
mod notification;
mod occurrence;
mod parked;
pub mod pattern;
mod plain;
mod preview;
mod project;
mod quick;
mod recurrence_id;
mod reminder;
mod rule;
pub mod search;
mod series;
mod settings;
mod state;
mod subscription;
mod task;
mod time;
mod trigger;
mod unchanged;
mod undo;

pub use channel::{
    Channel, ChannelConfig, ChannelKind, INBOX_CHANNEL, MAX_TESTS, Retired, TEST, WebhookPolicy,
    create_channel, create_channel_for, delete_channel, leave_channel, rotate_secret, test_channel,
    update_channel,
};
pub use commit::{
    AlarmRow, AlarmState, Audit, ChannelRow, Commit, DeletedUserRow, Delivery, Expect, ExpectAlarm,
    ExpectAnswer, ExpectChange, ExpectLetter, ExpectOccurrence, ExpectParent, ExpectPlace, ExpectProject,
    ExpectSecret, ExpectTask, IdempotencyRecord, IdentityRow, InboxRecord, LettersRow, NoticeRow,
    NotificationRow, OccurrenceRow, OverrideRow, ProjectRow, Quota, Rate, Retried, SettingsRow, TaskRow,
    TokenRow, UserRow,
};
pub use context::{Actor, Context, Ids};
pub use due::{Due, DueInput};
pub use event::{Event, EventType, Topic};
pub use external::Identity;
pub use fields::{Duration, tag};
pub use id::{
    ChannelId, ConfirmationId, ConversationId, EventId, LetterId, MessageId, NotificationId, ProjectId,
    ReminderId, StreamId, TaskId, TokenId, UserId,
};
pub use identity::{
    MAX_TOKENS_OF_USER, Role, Scope, TokenInput, TokenSecret, User, UserInput, create_token, create_user,
    delete_user, hash_token, revoke_token,
};
pub use invalid::{FieldError, Invalid, Span, escaped};
pub use letter::{ErrorClass, LetterAction, LetterStatus, change_letters};
pub use limits::LIMITS;
pub use notification::{Attempt, MAX_ATTEMPTS, Notification, NotificationState, record_attempt};
pub use occurrence::{Occurrence, OccurrenceStatus, Succession};
pub use parked::retry_parked;
pub use plain::{Plain, plain_name};
pub use preview::{Preview, PreviewInput, preview};
pub use project::{
    MAX_PROJECTS, Project, ProjectInput, create_project, delete_project, leave_project, update_project,
};
pub use quick::{MAX_LINE, Piece, QuickInput, QuickNote, ReadAs, Reading, quick_task, read_quick};
pub use recurrence_id::RecurrenceId;
pub use reminder::{DueAlarm, fire, fire_all};
pub use rule::{Broken, MAX_PARTS, broken_rule};
pub use series::{
    Anchor, Bound, MAX_SPAN_STEPS, Misfire, Overlap, Override, OverrideInput, Plan, Projected, Projection,
    RecurrenceInput, Series, Skipping, SuccessionError, override_occurrence, plan_successor, project,
    refresh_zone, skip, split_series,
};
pub use settings::{QuietHours, QuietInput, SettingsInput, Weekday, leave_settings, update_settings};
pub use state::{Alarm, Named, SeriesState};
pub use subscription::{MAX_TYPES, Subscription};
#[cfg(feature = "schema")]
pub use task::metadata_schema;
pub use task::{
    Between, Completion, MAX_PLACE, Metadata, MoveInput, Priority, Reminder, ReminderInput, Reopening,
    SnoozeInput, Task, TaskInput, TaskSpec, TaskStatus, complete, create_task, delete_task, move_task,
    reopen, restore_task, snooze, update_task,
};
pub use time::Timestamp;
pub use trigger::{Related, Trigger};
pub use unchanged::{leave_unchanged, note_bulk, note_never};
pub use undo::{Change, undo};
