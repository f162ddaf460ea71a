//! What the store does with a commit, and the state that it reads a command's from.

use perennial_domain::{
    Alarm, AlarmRow, AlarmState, Commit, Due, DueInput, Named, Occurrence, OccurrenceRow, OccurrenceStatus,
    Override, RecurrenceId, SeriesState, Succession, Task, TaskInput, TaskRow, TaskSpec,
};
use serde_json::from_value;

use super::World;

fn due(local: Option<&String>, tz: Option<&String>) -> Option<Due> {
    local.map(|local| Due::from_stored(local, tz.map(String::as_str)).unwrap())
}

fn date(local: Option<&String>, tz: Option<&String>) -> Option<DueInput> {
    local.map(|local| DueInput { local: local.clone(), tz: tz.cloned() })
}

fn task(row: &TaskRow) -> Task {
    let stored = TaskInput {
        title: row.title.clone(),
        description: row.description.clone(),
        priority: row.priority,
        tags: row.tags.clone(),
        due: date(row.due_local.as_ref(), row.due_tz.as_ref()),
        start: date(row.start_local.as_ref(), row.start_tz.as_ref()),
        duration: row.duration.clone(),
        project: row.project_id,
        parent: row.parent_id,
        metadata: row.metadata.clone(),
        recurrence: row.recurrence.clone().map(|recurrence| from_value(recurrence).unwrap()),
        reminders: from_value(row.reminders.clone()).unwrap(),
    };
    Task {
        id: row.id,
        version: row.version,
        spec: TaskSpec::from_stored(stored).unwrap(),
        status: row.status,
        created_at: row.created_at,
        updated_at: row.updated_at,
        completed_at: row.completed_at,
        deleted_at: row.deleted_at,
        position: row.position.clone(),
    }
}

fn occurrence(row: &OccurrenceRow) -> Occurrence {
    Occurrence {
        task: row.task_id,
        recurrence_id: row.recurrence_id.clone(),
        predecessor: row.predecessor.clone(),
        ordinal: row.ordinal,
        status: row.status,
        succession: row.succession,
        title: row.title.clone(),
        due: due(row.due_local.as_ref(), row.due_tz.as_ref()),
        due_at: row.due_at,
        start: due(row.start_local.as_ref(), row.start_tz.as_ref()),
        start_at: row.start_at,
        completed_at: row.completed_at,
    }
}

fn is_given_up(row: &OccurrenceRow) -> bool {
    row.status == OccurrenceStatus::Cancelled && row.succession == Succession::None
}

impl World {
    pub fn rows(&self) -> Vec<Occurrence> {
        self.occurrences.values().filter(|row| row.task_id == self.task).map(occurrence).collect()
    }

    pub fn row(&self, name: &str) -> Occurrence {
        occurrence(&self.occurrences[&(self.task, name.to_owned())])
    }

    /// The names of what is open.
    pub fn open(&self) -> Vec<String> {
        let open = self.rows().into_iter().filter(|o| o.status == OccurrenceStatus::Open);
        open.map(|o| o.recurrence_id.as_str().to_owned()).collect()
    }

    pub fn the_task(&self) -> Task {
        task(&self.tasks[&self.task])
    }

    pub fn state(&self, asked: &str) -> SeriesState {
        let mut rows: Vec<OccurrenceRow> =
            self.occurrences.values().filter(|row| row.task_id == self.task).cloned().collect();
        let find = |name: &str| rows.iter().find(|row| row.recurrence_id.as_str() == name);
        let asked = find(asked).map(occurrence);
        let last_closed = rows
            .iter()
            .filter(|row| row.status != OccurrenceStatus::Open && !is_given_up(row))
            .max_by_key(|row| row.ordinal)
            .map(occurrence);
        let from = |o: &Occurrence| {
            let day = o.completed_at.map(|at| at.plus_millis(-super::DAY).to_string()[..10].to_owned());
            day.into_iter().chain([o.recurrence_id.as_str().to_owned()]).min().unwrap()
        };
        let from = asked.iter().chain(&last_closed).map(from).min().unwrap_or_default();
        rows.sort_by_key(|row| (row.due_at, row.recurrence_id.clone()));
        let open: Vec<Occurrence> = rows
            .iter()
            .filter(|row| row.status == OccurrenceStatus::Open)
            .take(101)
            .map(occurrence)
            .collect();
        rows.sort_by_key(|row| row.recurrence_id.clone());
        let named = rows
            .iter()
            .filter(|row| row.recurrence_id.as_str() >= from.as_str() || row.recurrence_id.is_single())
            .take(1_000)
            .map(|row| Named { recurrence_id: row.recurrence_id.clone(), given_up: is_given_up(row) })
            .collect();
        let is_known = |id: &RecurrenceId| open.iter().chain(&asked).any(|o| o.recurrence_id == *id);
        let alarms = self
            .alarms
            .values()
            .filter(|row| row.task_id == self.task && is_known(&row.recurrence_id))
            .map(|row| Alarm {
                recurrence_id: row.recurrence_id.clone(),
                reminder: row.reminder_id,
                fire_at: row.fire_at,
                state: row.state,
                snoozed_from: row.snoozed_from,
            })
            .collect();
        let overrides = self
            .overrides
            .values()
            .filter(|row| row.task_id == self.task)
            .map(|row| Override {
                recurrence_id: row.recurrence_id.clone(),
                title: row.title.clone(),
                due: due(row.due_local.as_ref(), row.due_tz.as_ref()),
                cancelled: row.cancelled != 0,
            })
            .collect();
        SeriesState { task: self.the_task(), asked, open, last_closed, overrides, named, alarms }
    }

    /// Applies a commit whole, or says which check refused it.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), String> {
        self.check(commit)?;
        for row in &commit.tasks {
            self.tasks.insert(row.id, row.clone());
        }
        for row in commit.occurrences.iter().chain(&commit.reopened).chain(&commit.opened) {
            self.occurrences.insert((row.task_id, row.recurrence_id.as_str().to_owned()), row.clone());
        }
        for row in &commit.overrides {
            self.overrides.insert((row.task_id, row.recurrence_id.as_str().to_owned()), row.clone());
        }
        for row in &commit.alarms {
            let key = (row.task_id, row.recurrence_id.as_str().to_owned(), row.reminder_id);
            // An instant that has been notified of has fired, also where the occurrence has been elsewhere meanwhile.
            let has_fired =
                row.state != AlarmState::Cancelled && self.notified.contains(&(key.clone(), row.fire_at));
            let state = if has_fired { AlarmState::Fired } else { row.state };
            self.alarms.insert(key, AlarmRow { state, ..row.clone() });
        }
        for row in &commit.notifications {
            let key = (row.task_id, row.recurrence_id.as_str().to_owned(), row.reminder_id);
            self.notified.insert((key, row.fire_at));
        }
        self.last = Some(commit.clone());
        let predecessors =
            self.occurrences.values().filter_map(|row| Some((row.task_id, row.predecessor.clone()?)));
        let mut predecessors: Vec<_> = predecessors.collect();
        predecessors.sort();
        assert!(predecessors.windows(2).all(|two| two[0] != two[1]), "two follow one: {predecessors:?}");
        Ok(())
    }

    fn check(&self, commit: &Commit) -> Result<(), String> {
        let known = |task, id: &RecurrenceId| self.occurrences.get(&(task, id.as_str().to_owned()));
        let refuse = |holds: bool, why: &str| if holds { Ok(()) } else { Err(why.to_owned()) };
        for e in &commit.expect.tasks {
            let version = self.tasks.get(&e.id).map_or(0, |row| row.version);
            refuse(version == e.version, "expect:task")?;
        }
        for e in &commit.expect.occurrences {
            let found = known(e.task_id, &e.recurrence_id);
            refuse(
                found.is_some_and(|o| o.status == e.status && o.succession == e.succession),
                "expect:occurrence",
            )?;
        }
        for e in &commit.expect.alarms {
            let found = self.alarms.get(&(e.task_id, e.recurrence_id.as_str().to_owned(), e.reminder_id));
            refuse(found.is_some_and(|a| a.state == e.state && a.fire_at == e.fire_at), "expect:alarm")?;
        }
        for row in &commit.occurrences {
            let was = known(row.task_id, &row.recurrence_id).map(|was| was.status);
            let stays = was != Some(OccurrenceStatus::Done) || row.status == OccurrenceStatus::Done;
            refuse(stays, "expect:occurrence")?;
        }
        for row in &commit.reopened {
            let was = known(row.task_id, &row.recurrence_id).map(|was| was.status);
            refuse(was == Some(OccurrenceStatus::Done), "expect:reopened")?;
            let expected = commit.expect.occurrences.iter().any(|e| e.recurrence_id == row.recurrence_id);
            refuse(expected, "a reopened row without its expectation")?;
        }
        for row in &commit.opened {
            refuse(known(row.task_id, &row.recurrence_id).is_none(), "exists:occurrence")?;
        }
        for row in &commit.notifications {
            let key = (row.task_id, row.recurrence_id.as_str().to_owned(), row.reminder_id);
            refuse(!self.notified.contains(&(key, row.fire_at)), "exists:notification")?;
        }
        for row in &commit.alarms {
            let key = (row.task_id, row.recurrence_id.as_str().to_owned(), row.reminder_id);
            let open =
                known(row.task_id, &row.recurrence_id).is_some_and(|o| o.status == OccurrenceStatus::Open);
            let same = open && self.alarms.get(&key) == Some(row);
            refuse(!same, "an alarm written as it was")?;
        }
        Ok(())
    }
}
