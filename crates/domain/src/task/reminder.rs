//! The reminders of a task.

use super::ReminderInput;
use crate::{Due, Ids, Invalid, ReminderId, Trigger};

/// Most reminders of one task.
pub(crate) const MAX_REMINDERS: usize = 20;

/// A reminder of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminder {
    /// Its id. A reminder fires once for each occurrence and each time that occurrence falls due.
    pub id: ReminderId,
    /// When it fires.
    pub trigger: Trigger,
    /// The trigger as given.
    pub text: String,
}

impl From<&Reminder> for ReminderInput {
    fn from(reminder: &Reminder) -> Self {
        Self { id: Some(reminder.id), trigger: reminder.text.clone() }
    }
}

/// Checks the reminders sent. One that names the id of a reminder of `known`, or repeats its trigger, is that
/// reminder; the others are new.
pub(super) fn check(
    sent: &[ReminderInput],
    known: &[Reminder],
    due: Option<&Due>,
    recurs: bool,
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
        match (&trigger, due, recurs) {
            (Trigger::Relative(_), None, _) => {
                return Err(Invalid::at(at, "is relative to a due date, and the task has none"));
            }
            (Trigger::Absolute(_), _, true) => {
                return Err(Invalid::at(
                    at,
                    "is one instant, and the task recurs: use a duration such as -PT15M",
                ));
            }
            _ => {}
        }
        let same = known.iter().find(|reminder| match input.id {
            Some(id) => reminder.id == id,
            None => reminder.text == input.trigger,
        });
        let id = match (same, input.id) {
            (Some(reminder), _) if reminder.text == input.trigger => reminder.id,
            (None, Some(_)) => {
                return Err(Invalid::at(format!("/reminders/{index}/id"), "is no reminder of this task"));
            }
            _ => ReminderId::new(ids.next()),
        };
        if kept.iter().any(|reminder| reminder.trigger == trigger || reminder.id == id) {
            return Err(Invalid::at(at, "repeats another reminder of this task"));
        }
        kept.push(Reminder { id, trigger, text: input.trigger.clone() });
    }
    Ok(kept)
}

/// Takes a reminder back from the store.
pub(super) fn from_stored(stored: &ReminderInput) -> Result<Reminder, Invalid> {
    let unreadable = |why: &str| Invalid::at("/reminders", why);
    Ok(Reminder {
        id: stored.id.ok_or_else(|| unreadable("a reminder without an id"))?,
        trigger: Trigger::parse(&stored.trigger).map_err(|why| unreadable(&why))?,
        text: stored.trigger.clone(),
    })
}
