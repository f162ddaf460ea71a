//! What a command on a task is decided upon, read in one statement.

use crate::{
    AlarmState, Invalid, Occurrence, OccurrenceStatus, Override, RecurrenceId, ReminderId, Succession, Task,
    Timestamp,
};

/// A task and what there is of its series, as it was at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesState {
    /// The task.
    pub task: Task,
    /// The occurrence that the command names, if there is one of that name.
    pub asked: Option<Occurrence>,
    /// The open occurrences, earliest first; at most 101.
    pub open: Vec<Occurrence>,
    /// The last occurrence, by its ordinal, that was closed and is part of the series: done, or cancelled but not given up by a
    /// change of the series.
    pub last_closed: Option<Occurrence>,
    /// The occurrences that differ from their series; at most 500.
    pub overrides: Vec<Override>,
    /// The names given out that a successor of `asked` or of `last_closed` might meet (where there is neither, all), and that of
    /// a task that does not recur, earliest first; at most 1,000.
    pub named: Vec<Named>,
    /// The alarms of `asked` and of the open occurrences.
    pub alarms: Vec<Alarm>,
}

/// A name that has been given out.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The name.
    pub recurrence_id: RecurrenceId,
    /// Whether a change of the series has given it up, so that it may be used again.
    pub given_up: bool,
}

/// An alarm as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// The occurrence.
    pub recurrence_id: RecurrenceId,
    /// The reminder.
    pub reminder: ReminderId,
    /// When it is or was to fire.
    pub fire_at: Timestamp,
    /// What has become of it.
    pub state: AlarmState,
    /// When it was to fire before it was put off.
    pub snoozed_from: Option<Timestamp>,
}

impl SeriesState {
    /// An open occurrence, given up by a change of its series: its name may be used again, unless others follow it that stay.
    pub(crate) fn given_up(&self, open: &Occurrence) -> Occurrence {
        let cancelled = Occurrence { status: OccurrenceStatus::Cancelled, ..open.clone() };
        if self.is_within(open) {
            return cancelled;
        }
        Occurrence { succession: Succession::None, predecessor: None, ..cancelled }
    }

    /// The occurrence of this name, unless it was given up: then it is still to come, if it is one of the series.
    pub(crate) fn given_out(&self, id: &RecurrenceId) -> Option<&Occurrence> {
        self.asked.as_ref().filter(|asked| asked.recurrence_id == *id && !asked.is_given_up())
    }

    /// Whether an open occurrence comes before one that is closed: it was reopened, or stacked. Its place in the series is its.
    pub(crate) fn is_within(&self, open: &Occurrence) -> bool {
        !open.recurrence_id.is_single()
            && self.last_closed.as_ref().is_some_and(|last| open.ordinal < last.ordinal)
    }

    /// Whether as many occurrences are open as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.open.len() >= crate::series::MAX_STACK
    }

    /// The occurrence that a command is about, open or done. `participle` says what was to become of it.
    pub(crate) fn asked(&self, participle: &str) -> Result<&Occurrence, Invalid> {
        const FIELD: &str = "/recurrence_id";
        match (&self.asked, self.open.first()) {
            (Some(asked), _) if asked.is_given_up() => {
                let id = asked.recurrence_id.as_str();
                Err(Invalid::at(FIELD, format!("{id:?} is not open and cannot be {participle}")))
            }
            (Some(asked), _) if asked.status == OccurrenceStatus::Cancelled => {
                let id = asked.recurrence_id.as_str();
                Err(Invalid::at(FIELD, format!("{id:?} is cancelled and cannot be {participle}")))
            }
            (Some(asked), _) => Ok(asked),
            (None, Some(open)) => {
                let id = open.recurrence_id.as_str();
                Err(Invalid::at(FIELD, format!("is no occurrence of this task; the open one is {id:?}")))
            }
            (None, None) => Err(Invalid::at(FIELD, "is no occurrence of this task")),
        }
    }
}

impl Occurrence {
    /// Whether it was open once and is not any more, though nobody closed it: its series changed, or what had opened it was taken
    /// back. Its name may be given out again.
    pub(crate) fn is_given_up(&self) -> bool {
        self.status == OccurrenceStatus::Cancelled && self.succession == Succession::None
    }
}
