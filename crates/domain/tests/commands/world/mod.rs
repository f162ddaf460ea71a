//! A user's rows in memory, treated as the store treats them: a commit is checked whole, then applied whole.

mod store;

use std::collections::{BTreeMap, BTreeSet};

use perennial_domain::{
    Actor, AlarmRow, AlarmState, Commit, Completion, Context, DueAlarm, Ids, Invalid, Misfire, Occurrence,
    OccurrenceRow, OverrideRow, Plan, Priority, RecurrenceId, ReminderId, Reopening, Succession,
    SuccessionError, Task, TaskId, TaskInput, TaskRow, Timestamp, UserId, complete, create_task, delete_task,
    fire, override_occurrence, plan_successor, refresh_zone, reopen, restore_task, split_series, update_task,
};
use perennial_recurrence::Zone;
use serde_json::{Value, json};
use uuid::Uuid;

/// Noon of 21 November 2026, UTC.
pub const NOON: Timestamp = Timestamp::from_millis(1_795_262_400_000);
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

#[derive(Default, Clone)]
pub struct Counting(u64);

impl Ids for Counting {
    fn next(&mut self) -> Uuid {
        self.0 = self.0.saturating_add(1);
        Uuid::from_u64_pair(self.0, 0)
    }
}

/// Which alarm: task, occurrence and reminder.
pub type Key = (TaskId, String, ReminderId);

#[derive(Clone)]
pub struct World {
    pub ids: Counting,
    pub now: Timestamp,
    pub zone: Zone,
    /// The task that commands are about.
    pub task: TaskId,
    pub tasks: BTreeMap<TaskId, TaskRow>,
    pub occurrences: BTreeMap<(TaskId, String), OccurrenceRow>,
    pub overrides: BTreeMap<(TaskId, String), OverrideRow>,
    pub alarms: BTreeMap<Key, AlarmRow>,
    /// What has been notified of: the unique key of notifications.
    pub notified: BTreeSet<(Key, Timestamp)>,
    /// Alarms that came up again for a time that has been notified of.
    pub refused: Vec<(Key, Timestamp)>,
    /// The last commit applied.
    pub last: Option<Commit>,
}

pub fn context<'a>(ids: &'a mut Counting, zone: Zone, now: Timestamp) -> Context<'a> {
    Context {
        user: UserId::new("ada"),
        zone,
        now,
        ids,
        actor: Actor::component("test"),
        correlation_id: "test".to_owned(),
        causation_id: None,
        traceparent: None,
    }
}

/// A world at noon with one task.
pub fn world(document: &Value) -> World {
    let mut world = World {
        ids: Counting::default(),
        now: NOON,
        zone: Zone::parse("UTC").unwrap(),
        task: TaskId::new(Uuid::nil()),
        tasks: BTreeMap::new(),
        occurrences: BTreeMap::new(),
        overrides: BTreeMap::new(),
        alarms: BTreeMap::new(),
        notified: BTreeSet::new(),
        refused: Vec::new(),
        last: None,
    };
    let input: TaskInput = serde_json::from_value(document.clone()).unwrap();
    let (commit, task, _) = world.decide(|ctx| create_task(ctx, &input)).unwrap();
    world.apply(&commit).unwrap();
    world.task = task.id;
    world
}

/// A task with some of its members changed, as a merge patch does on the first level.
fn with(task: &TaskInput, change: &Value) -> TaskInput {
    let mut document = serde_json::to_value(task).unwrap();
    for (name, value) in change.as_object().unwrap() {
        document.as_object_mut().unwrap().insert(name.clone(), value.clone());
    }
    serde_json::from_value(document).unwrap()
}

impl World {
    pub fn decide<T>(&mut self, command: impl FnOnce(&mut Context<'_>) -> T) -> T {
        command(&mut context(&mut self.ids, self.zone, self.now))
    }

    pub fn wait(&mut self, millis: i64) {
        self.now = self.now.plus_millis(millis);
    }

    /// Changes members of the task.
    pub fn patch(&mut self, change: &Value) -> Result<(Task, Option<Occurrence>), Invalid> {
        let state = self.state("");
        let input = with(&TaskInput::from(&state.task.spec), change);
        let (commit, task, open) = self.decide(|ctx| update_task(ctx, &state, &input))?;
        self.apply(&commit).unwrap();
        Ok((task, open))
    }

    /// Whether it was open.
    pub fn complete(&mut self, name: &str) -> Result<bool, Invalid> {
        let state = self.state(name);
        match self.decide(|ctx| complete(ctx, &state))? {
            Completion::Closes(commit, _) => {
                self.apply(&commit).map(|()| true).map_err(|why| panic!("{why}"))
            }
            Completion::AlreadyClosed => Ok(false),
        }
    }

    /// Whether it was done.
    pub fn reopen(&mut self, name: &str) -> Result<bool, Invalid> {
        let state = self.state(name);
        match self.decide(|ctx| reopen(ctx, &state))? {
            Reopening::Opens(commit, _) => self.apply(&commit).map(|()| true).map_err(|why| panic!("{why}")),
            Reopening::AlreadyOpen => Ok(false),
        }
    }

    pub fn change(&mut self, change: &Value) -> Result<(), Invalid> {
        let input: perennial_domain::OverrideInput = serde_json::from_value(change.clone()).unwrap();
        let state = self.state(&input.recurrence_id);
        let (commit, _) = self.decide(|ctx| override_occurrence(ctx, &state, &input))?;
        self.apply(&commit).unwrap();
        Ok(())
    }

    /// Splits the series; the new task is the one that commands are about then.
    pub fn split(&mut self, name: &str) -> Result<TaskId, Invalid> {
        self.split_with(name, &json!({}))
    }

    /// Splits the series and changes members of the following task.
    pub fn split_with(&mut self, name: &str, change: &Value) -> Result<TaskId, Invalid> {
        let state = self.state(name);
        let id = RecurrenceId::from_text(name);
        let changed = |following: TaskInput| Ok(with(&following, change));
        let (commit, new, _) = self.decide(|ctx| split_series(ctx, &state, &id, changed))?;
        self.apply(&commit).unwrap();
        Ok(std::mem::replace(&mut self.task, new.id))
    }

    pub fn delete(&mut self) {
        let state = self.state("");
        let commit = self.decide(|ctx| delete_task(ctx, &state));
        self.apply(&commit).unwrap();
    }

    pub fn restore(&mut self) -> Result<(), Invalid> {
        let state = self.state("");
        let (commit, ..) = self.decide(|ctx| restore_task(ctx, &state))?;
        self.apply(&commit).unwrap();
        Ok(())
    }

    /// Plans one successor.
    pub fn plan(&mut self, name: &str) -> Result<Plan, SuccessionError> {
        let state = self.state(name);
        let plan = self.decide(|ctx| plan_successor(ctx, &state))?;
        if let Plan::Opens(commit, _) | Plan::Ends(commit) | Plan::WaitsForRoom(commit) = &plan {
            self.apply(commit).unwrap();
        }
        Ok(plan)
    }

    /// Plans all that is owed, of every task.
    pub fn sweep(&mut self) {
        for _ in 0..500 {
            let now = self.now;
            let owed = self.occurrences.values().find(|row| match row.succession {
                Succession::Pending => true,
                Succession::Due => row.due_at.is_some_and(|at| at <= now),
                _ => false,
            });
            let Some((task, name)) = owed.map(|row| (row.task_id, row.recurrence_id.clone())) else { return };
            let before = std::mem::replace(&mut self.task, task);
            assert_ne!(self.plan(name.as_str()).unwrap(), Plan::NotOwed, "{name} stays on the list");
            self.task = before;
        }
        panic!("the list of what is owed never ends");
    }

    /// Fires what is due; gives what fired and for when.
    pub fn fire(&mut self) -> Vec<(Key, Timestamp)> {
        let now = self.now;
        let due: Vec<AlarmRow> = self
            .alarms
            .values()
            .filter(|a| a.state == AlarmState::Armed && a.fire_at <= now)
            .cloned()
            .collect();
        let mut fired = Vec::new();
        for row in due {
            let occurrence = &self.occurrences[&(row.task_id, row.recurrence_id.as_str().to_owned())];
            let alarm = DueAlarm {
                task: row.task_id,
                recurrence_id: row.recurrence_id.clone(),
                reminder: row.reminder_id,
                fire_at: row.fire_at,
                misfire: Misfire::All,
                priority: Priority::None,
                quiet_hours: None,
                title: "x".to_owned(),
                due_local: occurrence.due_local.clone(),
                due_tz: occurrence.due_tz.clone(),
                due_at: occurrence.due_at,
            };
            let commit = self.decide(|ctx| fire(ctx, &alarm, &[]));
            let key = (row.task_id, row.recurrence_id.as_str().to_owned(), row.reminder_id);
            match self.apply(&commit) {
                Ok(()) => fired.push((key, row.fire_at)),
                Err(why) => {
                    assert_eq!(why, "exists:notification");
                    self.alarms.insert(key.clone(), AlarmRow { state: AlarmState::Fired, ..row.clone() });
                    self.refused.push((key, row.fire_at));
                }
            }
        }
        fired
    }

    /// Lays an occurrence on this build's zone data.
    pub fn refresh(&mut self, name: &str) -> Option<Commit> {
        let state = self.state(name);
        let commit = self.decide(|ctx| refresh_zone(ctx, &state))?;
        self.apply(&commit).unwrap();
        Some(commit)
    }
}
