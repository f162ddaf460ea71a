//! Claimed work: how it is read, how much of it is taken on at once, and what becomes of it.

use std::collections::BTreeMap;

use perennial_domain::{
    DueAlarm, Misfire, Notification, NotificationId, Priority, RecurrenceId, ReminderId, TaskId, Timestamp,
    UserId,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::records::{ChannelRow, StateRow, UserRow};
use crate::{
    Claimed, DueNotification, DueReminder, DueSeries, DueWork, Settlement, StoreError, Ticket, WorkKind,
};

/// How often an item is claimed and never settled: then it is given up without being handed out again. More often than whoever
/// survives a claim tries it.
pub(crate) const CLAIMS: i64 = 12;

/// Bytes of states that are read at once, about: what a guest's memory and a host's limits bear many times over.
const LARGEST_ANSWER: u64 = 4 << 20;

/// What there is to do, as a statement tells it.
#[derive(Deserialize)]
pub(crate) struct Look {
    kinds: Vec<(WorkKind, i64)>,
    zones: i64,
    relay: i64,
    letters: i64,
    old: i64,
    ahead: i64,
    words: i64,
    seals: i64,
    anchors: i64,
}

impl Look {
    pub(crate) fn due_work(self) -> DueWork {
        DueWork {
            kinds: self.kinds.into_iter().map(|(kind, again)| (kind, again != 0)).collect(),
            zones: self.zones != 0,
            relay: self.relay != 0,
            letters: self.letters != 0,
            old: self.old != 0,
            ahead: self.ahead != 0,
            words: self.words != 0,
            seals: self.seals != 0,
            anchors: self.anchors != 0,
        }
    }
}

/// A claimed item as the statement gives it; `what` is what is to be done.
#[derive(Deserialize)]
struct ClaimRow<W> {
    id: i64,
    claim: String,
    tries: i64,
    user: UserId,
    task: TaskId,
    recurrence_id: RecurrenceId,
    what: Option<W>,
}

impl<W> ClaimRow<W> {
    fn split(self) -> (Ticket, Option<W>) {
        let Self { id, claim, tries, user, task, recurrence_id, what } = self;
        (Ticket { id, claim, tries, user, task, recurrence_id }, what)
    }
}

/// What it takes to fire a reminder.
#[derive(Deserialize)]
pub(crate) struct ReminderRow {
    user: UserRow,
    priority: Priority,
    reminder: ReminderId,
    fire_at: Timestamp,
    misfire: Misfire,
    title: String,
    due_local: Option<String>,
    due_tz: Option<String>,
    due_at: Option<Timestamp>,
    channels: Vec<ChannelRow>,
}

/// What it takes to deliver a notification.
#[derive(Deserialize)]
pub(crate) struct NotificationRow {
    user: UserRow,
    id: NotificationId,
    subject: String,
    channel: ChannelRow,
    payload: String,
    endpoint_failures: i64,
    proven: i64,
}

/// Reads claimed items. What cannot be read is its own item's failure; only then is each read for itself.
pub(crate) fn claimed<R: DeserializeOwned, T>(
    items: &str,
    make: impl Fn(R, &Ticket) -> Result<T, StoreError>,
) -> Result<Vec<Claimed<T>>, StoreError> {
    let claimed = |(ticket, what): (Ticket, Result<Option<R>, StoreError>)| {
        let what = what.and_then(|what| what.map(|what| make(what, &ticket)).transpose());
        Claimed { ticket, what }
    };
    if let Ok(rows) = serde_json::from_str::<Vec<ClaimRow<R>>>(items) {
        return Ok(rows.into_iter().map(ClaimRow::split).map(|(t, what)| claimed((t, Ok(what)))).collect());
    }
    let rows: Vec<ClaimRow<Value>> = serde_json::from_str(items)?;
    let read = |what: Option<Value>| what.map(serde_json::from_value).transpose().map_err(StoreError::from);
    Ok(rows.into_iter().map(ClaimRow::split).map(|(t, what)| claimed((t, read(what)))).collect())
}

pub(crate) fn reminder(row: ReminderRow, ticket: &Ticket) -> Result<DueReminder, StoreError> {
    let user = row.user.user()?;
    Ok(DueReminder {
        alarm: DueAlarm {
            task: ticket.task,
            recurrence_id: ticket.recurrence_id.clone(),
            reminder: row.reminder,
            fire_at: row.fire_at,
            misfire: row.misfire,
            priority: row.priority,
            quiet_hours: user.quiet_hours,
            title: row.title,
            due_local: row.due_local,
            due_tz: row.due_tz,
            due_at: row.due_at,
        },
        channels: row.channels.into_iter().map(ChannelRow::channel).collect(),
        user,
    })
}

pub(crate) fn notification(row: NotificationRow, ticket: &Ticket) -> Result<DueNotification, StoreError> {
    Ok(DueNotification {
        user: row.user.user()?,
        notification: Notification {
            id: row.id,
            subject: row.subject,
            channel: row.channel.config,
            payload: row.payload,
            attempt: ticket.tries,
            endpoint_failures: row.endpoint_failures,
        },
        proven: row.proven != 0,
    })
}

pub(crate) fn due_series(row: StateRow) -> Result<DueSeries, StoreError> {
    let (user, state) = row.split()?;
    Ok(DueSeries { user, state })
}

/// Claimed items with the states that were read of their series, each with the index of its item.
pub(crate) fn with_states(
    tickets: Vec<Ticket>,
    states: Vec<(usize, Result<StateRow, StoreError>)>,
) -> Vec<Claimed<DueSeries>> {
    let mut found: Vec<Option<Result<DueSeries, StoreError>>> = tickets.iter().map(|_| None).collect();
    for (index, row) in states {
        if let Some(place) = found.get_mut(index) {
            *place = Some(row.and_then(due_series));
        }
    }
    let claimed = |(ticket, what): (Ticket, Option<Result<DueSeries, StoreError>>)| Claimed {
        ticket,
        what: what.transpose(),
    };
    tickets.into_iter().zip(found).map(claimed).collect()
}

/// Divides claimed items, each with the size of its state, into those whose states fit in one answer, and the rest. The first of each
/// user come before the second of any, and the small before the large: who has large states waits for those who have not. One always
/// fits.
pub(crate) fn fitting(claimed: Vec<Claimed<u64>>) -> (Vec<Ticket>, Vec<Ticket>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, u64, Ticket)> = Vec::with_capacity(claimed.len());
    for Claimed { ticket, what } in claimed {
        let rank = seen.entry(ticket.user.as_str().to_owned()).or_default();
        *rank = rank.saturating_add(1);
        ranked.push((*rank, what.ok().flatten().unwrap_or_default(), ticket));
    }
    let sum = ranked.iter().map(|(_, size, _)| *size).fold(0, u64::saturating_add);
    if sum > LARGEST_ANSWER {
        ranked.sort_by_key(|(rank, size, _)| (*rank, *size));
    }
    let (mut fit, mut rest, mut sum) = (Vec::new(), Vec::new(), 0_u64);
    for (_, size, ticket) in ranked {
        sum = sum.saturating_add(size);
        if fit.is_empty() || sum <= LARGEST_ANSWER { fit.push(ticket) } else { rest.push(ticket) }
    }
    (fit, rest)
}

/// What a settled item gets.
pub(crate) struct Settled<'a> {
    /// After how many milliseconds it is taken again; `None`: not by itself.
    pub after: Option<i64>,
    /// How often it was tried.
    pub tries: i64,
    /// Why it is taken again or given up.
    pub reason: Option<&'a str>,
    /// Whether it is given up.
    pub parks: bool,
}

impl<'a> Settled<'a> {
    pub(crate) fn new(ticket: &Ticket, settlement: &'a Settlement) -> Self {
        let before = ticket.tries.saturating_sub(1);
        match settlement {
            Settlement::Drop => Self { after: None, tries: before, reason: None, parks: false },
            Settlement::Release { after } => {
                Self { after: Some(*after), tries: before, reason: None, parks: false }
            }
            Settlement::Retry { after, reason } => {
                Self { after: Some(*after), tries: ticket.tries, reason: Some(reason), parks: false }
            }
            Settlement::Park { reason } => {
                Self { after: None, tries: ticket.tries, reason: Some(reason), parks: true }
            }
        }
    }
}
