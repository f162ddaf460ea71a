//! The reminders of a task.

use super::ReminderInput;
use perennial_recurrence::Zone;

use crate::{Due, Ids, Invalid, Occurrence, Related, ReminderId, Timestamp, Trigger};

/// Most reminders of one task.
pub(crate) const MAX_REMINDERS: usize = 20;

/// A reminder of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminder {
    /// Its id. A reminder fires once for each occurrence and each time that occurrence falls due.
    pub id: ReminderId,
    /// When it fires.
    pub trigger: Trigger,
    /// What a duration counts from.
    pub related: Related,
    /// The trigger as given.
    pub text: String,
}

impl Reminder {
    /// The instant at which it fires for an occurrence, or `None` where that has no date to be relative to.
    pub(super) fn fire_at(&self, occurrence: &Occurrence, home: &Zone) -> Option<Timestamp> {
        let date = match self.related {
            Related::Due => &occurrence.due,
            Related::Start => &occurrence.start,
        };
        self.trigger.fire_at(date.as_ref(), home)
    }

    fn is(&self, sent: &ReminderInput) -> bool {
        self.text == sent.trigger && self.related == sent.related
    }
}

/// The dates of a task, which its reminders are relative to.
pub(super) struct Dates<'a> {
    /// When it is due.
    pub due: Option<&'a Due>,
    /// When it can be begun.
    pub start: Option<&'a Due>,
    /// Whether it comes back.
    pub recurs: bool,
}

impl From<&Reminder> for ReminderInput {
    fn from(reminder: &Reminder) -> Self {
        Self { id: Some(reminder.id), trigger: reminder.text.clone(), related: reminder.related }
    }
}

/// Checks the reminders sent. One that names the id of a reminder of `known`, or repeats its trigger, is that
/// reminder; the others are new.
pub(super) fn check(
    sent: &[ReminderInput],
    known: &[Reminder],
    dates: Dates<'_>,
    ids: &mut dyn Ids,
) -> Result<Vec<Reminder>, Invalid> {
    if sent.len() > MAX_REMINDERS {
        let detail = format!("has {} reminders; at most {MAX_REMINDERS} are kept", sent.len());
        return Err(Invalid::at("/reminders", detail));
    }
    let mut kept: Vec<Reminder> = Vec::with_capacity(sent.len());
    for (index, input) in sent.iter().enumerate() {
        let at = format!("/reminders/{index}/trigger");
        let trigger = Trigger::parse(&input.trigger).map_err(|why| Invalid::at(&at, why))?;
        let (date, name) = match input.related {
            Related::Due => (dates.due, "due date"),
            Related::Start => (dates.start, "start"),
        };
        match (&trigger, date) {
            (Trigger::Relative(_), None) => {
                return Err(Invalid::at(at, format!("is relative to a {name}, and the task has none")));
            }
            (Trigger::Absolute(_), _) if dates.recurs => {
                return Err(Invalid::at(
                    at,
                    "is one instant, and the task recurs: use a duration such as -PT15M",
                ));
            }
            _ => {}
        }
        let same = known.iter().find(|reminder| match input.id {
            Some(id) => reminder.id == id,
            None => reminder.is(input),
        });
        let id = match (same, input.id) {
            (Some(reminder), _) if reminder.is(input) => reminder.id,
            (None, Some(_)) => {
                return Err(Invalid::at(format!("/reminders/{index}/id"), "is no reminder of this task"));
            }
            _ => ReminderId::new(ids.next()),
        };
        let same = |kept: &Reminder| kept.trigger == trigger && kept.related == input.related;
        if kept.iter().any(|kept| same(kept) || kept.id == id) {
            return Err(Invalid::at(at, "repeats another reminder of this task"));
        }
        kept.push(Reminder { id, trigger, related: input.related, text: input.trigger.clone() });
    }
    Ok(kept)
}

/// Takes a reminder back from the store.
pub(super) fn from_stored(stored: &ReminderInput) -> Result<Reminder, Invalid> {
    let unreadable = |why: &str| Invalid::at("/reminders", why);
    Ok(Reminder {
        id: stored.id.ok_or_else(|| unreadable("a reminder without an id"))?,
        trigger: Trigger::parse(&stored.trigger).map_err(|why| unreadable(&why))?,
        related: stored.related,
        text: stored.trigger.clone(),
    })
}
