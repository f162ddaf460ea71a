//! Completing, and what comes next.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::api::{Api, Occurrence, Task};
use crate::told;
use crate::wait::until;

const SOON: Duration = Duration::from_secs(20);

/// How often the same completion is asked for again.
const AGAIN: usize = 10;

/// A kind of recurrence, in words (`DAY` = when it was completed), and how to know it.
type Kind = (&'static str, fn(&Task) -> bool);

const KINDS: [Kind; 5] = [
    ("every Sunday", |task| rule(task) == "FREQ=WEEKLY;BYDAY=SU"),
    ("on the last workday of the month", |task| {
        rule(task).contains("BYSETPOS=-1") && zone(task) == "America/New_York"
    }),
    ("every year", |task| rule(task).starts_with("FREQ=YEARLY") && !zone(task).is_empty()),
    ("every workday", |task| zone(task) == "Asia/Kolkata"),
    ("counted from the day it was done, DAY", |task| {
        task.recurrence.as_ref().is_some_and(|r| r.anchor == "completion")
    }),
];

fn rule(task: &Task) -> &str {
    task.recurrence.as_ref().filter(|r| r.anchor == "due").map_or("", |r| &r.rrule)
}

fn zone(task: &Task) -> &str {
    task.due.as_ref().and_then(|due| due.tz.as_deref()).unwrap_or_default()
}

/// Completes one task of each kind and shows what follows.
pub fn complete_one_of_each_kind(api: &Api, tasks: &[Task]) -> anyhow::Result<()> {
    for (kind, is_kind) in KINDS {
        let task = tasks
            .iter()
            .find(|task| is_kind(task))
            .with_context(|| format!("no task of the file is {kind}"))?;
        let open =
            task.occurrence.as_ref().with_context(|| format!("nothing of {:?} is open", task.title))?;
        complete(api, task, open, kind)?;
    }
    println!("\n   Local times stay what they are; their instants follow the clocks of each zone.");
    println!(
        "   Each was completed {AGAIN} times over: the same answer every time, and one next occurrence."
    );
    Ok(())
}

fn complete(api: &Api, task: &Task, open: &Occurrence, kind: &str) -> anyhow::Result<()> {
    let path = format!("/v1/tasks/{}/complete", task.id);
    let body = json!({ "recurrence_id": open.recurrence_id });
    let answer: Value = api.post(&path, &body)?;
    for _ in 1..AGAIN {
        let again: Value = api.post(&path, &body)?;
        ensure!(again == answer, "completing {:?} again was answered {again}, not {answer}", task.title);
    }

    let next = until("the next occurrence", SOON, || {
        api.tick()?;
        let now: Task = api.get(&format!("/v1/tasks/{}", task.id))?;
        Ok(now.occurrence.filter(|next| next.recurrence_id != open.recurrence_id))
    })?;
    let all: Vec<Occurrence> = api.all(&format!("/v1/tasks/{}/occurrences", task.id))?;
    let successors = all.iter().filter(|one| one.predecessor == open.recurrence_id).count();
    ensure!(successors == 1, "{:?} has {successors} next occurrences instead of one", task.title);

    let day =
        answer.get("completed_at").and_then(Value::as_str).unwrap_or_default().get(..10).unwrap_or_default();
    println!("   {}, {}", task.title, kind.replace("DAY", day));
    println!("     done  {}", told::occurrence(open));
    println!("     next  {}", told::occurrence(&next));
    Ok(())
}
