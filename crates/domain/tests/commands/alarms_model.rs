//! Any commands in any order: what is armed, what fires, and that a series neither stops nor stays on a list for ever.

use std::collections::BTreeMap;

use perennial_domain::{AlarmRow, AlarmState, Invalid, OccurrenceStatus, Succession, TaskStatus, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, Key, MINUTE, World, world};

const TRIGGERS: [&str; 4] = ["-P1D", "-PT10M", "PT0S", "PT4H"];
const RULES: [&str; 5] = [
    "FREQ=DAILY",
    "FREQ=DAILY;COUNT=4",
    "FREQ=DAILY;BYHOUR=9,17",
    "FREQ=WEEKLY",
    "FREQ=DAILY;UNTIL=20261125T000000Z",
];

#[derive(Debug, Clone)]
enum Command {
    Title,
    Due(i64),
    Rule(Option<usize>),
    Policy(usize),
    Reminders(usize),
    Move(usize, i64),
    /// Moved, and back to where it was.
    ThereAndBack(usize, i64),
    Cancel(usize),
    Complete(usize),
    Reopen(usize),
    Split(usize),
    Delete,
    /// The clock goes on, and nothing runs meanwhile.
    Wait(i64),
    /// The clock is set back.
    Back(i64),
    /// Due reminders fire, and a minute later what is owed is planned.
    Sweep,
    /// Commands are about another task.
    Other(usize),
}

/// Minutes from the first due date, mostly near it.
fn minutes() -> impl Strategy<Value = i64> {
    prop_oneof![-30_i64..30, (-4_i64..6).prop_map(|days| days * 1_440), (-60_i64..60).prop_map(|n| n * 60)]
}

fn command() -> impl Strategy<Value = Command> {
    use Command::*;
    prop_oneof![
        2 => Just(Title),
        3 => minutes().prop_map(Due),
        2 => proptest::option::weighted(0.8, 0..RULES.len()).prop_map(Rule),
        1 => (0..9_usize).prop_map(Policy),
        2 => (0..16_usize).prop_map(Reminders),
        4 => (0..9_usize, minutes()).prop_map(|(which, to)| Move(which, to)),
        3 => (0..9_usize, minutes()).prop_map(|(which, to)| ThereAndBack(which, to)),
        1 => (0..9_usize).prop_map(Cancel),
        4 => (0..9_usize).prop_map(Complete),
        2 => (0..9_usize).prop_map(Reopen),
        1 => (0..9_usize).prop_map(Split),
        1 => Just(Delete),
        5 => prop_oneof![Just(20_000), Just(MINUTE), Just(10 * MINUTE), Just(3 * HOUR), Just(DAY), Just(9 * DAY)]
            .prop_map(Wait),
        1 => prop_oneof![Just(20_000), Just(2 * HOUR)].prop_map(Back),
        8 => Just(Sweep),
        1 => (0..9_usize).prop_map(Other),
    ]
}

fn local(minutes: i64) -> Value {
    let at = crate::world::NOON.plus_millis(21 * HOUR + minutes * MINUTE).to_string();
    json!({ "local": at.trim_end_matches('Z'), "tz": "UTC" })
}

fn rule(rule: Option<usize>, policy: usize) -> Value {
    let Some(rule) = rule else { return Value::Null };
    let (overlap, rest) = (["wait", "stack", "skip"][policy % 3], policy / 3);
    let (misfire, anchor) = (["all", "once", "skip"][rest % 3], ["due", "completion"][rest % 2]);
    json!({ "rrule": RULES[rule], "overlap": overlap, "misfire": misfire, "anchor": anchor })
}

fn reminders(mask: usize) -> Value {
    let chosen = TRIGGERS.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
    chosen.map(|(_, trigger)| json!({ "trigger": trigger })).collect()
}

/// When each reminder of each open occurrence is to fire.
fn expected(world: &World) -> BTreeMap<Key, Timestamp> {
    let mut expected = BTreeMap::new();
    for id in world.tasks.keys() {
        let there = World { task: *id, ..world.clone() };
        let task = there.the_task();
        if task.deleted_at.is_some() {
            continue;
        }
        for occurrence in there.rows().iter().filter(|o| o.status == OccurrenceStatus::Open) {
            for reminder in &task.spec.reminders {
                let at = reminder.trigger.fire_at(occurrence.due.as_ref(), &world.zone);
                let key = (*id, occurrence.recurrence_id.as_str().to_owned(), reminder.id);
                expected.extend(at.map(|at| (key, at)));
            }
        }
    }
    expected
}

/// Moves an occurrence (of a series, or the task itself), and moves it back.
fn there_and_back(world: &mut World, name: &str, to: Value) -> Result<(), Invalid> {
    let due = world.row(name).due.map(|due| json!({ "local": due.local(), "tz": due.tz() }));
    for due in [to, due.unwrap_or_default()] {
        match name {
            "" => world.patch(&json!({ "due": due })).map(drop)?,
            _ => world.change(&json!({ "recurrence_id": name, "due": due }))?,
        }
    }
    Ok(())
}

struct Model {
    world: World,
    policy: usize,
    rule: Option<usize>,
    /// The latest that the clock has been.
    latest: Timestamp,
}

impl Model {
    fn pick(&self, which: usize, status: OccurrenceStatus) -> Option<String> {
        let rows: Vec<_> = self.world.rows().into_iter().filter(|o| o.status == status).collect();
        let row = rows.get(which % rows.len().max(1))?;
        Some(row.recurrence_id.as_str().to_owned())
    }

    fn run(&mut self, command: &Command) {
        let world = &mut self.world;
        let gone = world.the_task().deleted_at.is_some();
        match command {
            Command::Wait(millis) => world.wait(*millis),
            Command::Back(millis) => world.wait(-*millis),
            Command::Other(which) => {
                world.task = *world.tasks.keys().nth(which % world.tasks.len()).unwrap();
            }
            Command::Sweep => {
                for (key, at) in world.fire() {
                    assert!(at <= world.now, "{key:?} early");
                }
                world.wait(MINUTE + 1);
                world.sweep();
                self.check_lists();
            }
            Command::Delete if gone => {
                let _ = world.restore();
            }
            _ if gone => {}
            command => self.change(command),
        }
        self.latest = self.latest.max(self.world.now);
    }

    /// A command of the owner; one that is refused changes nothing.
    fn change(&mut self, command: &Command) {
        use OccurrenceStatus::{Done, Open};
        let (open, done) = match command {
            Command::Move(which, _)
            | Command::ThereAndBack(which, _)
            | Command::Cancel(which)
            | Command::Complete(which) => (self.pick(*which, Open), None),
            Command::Reopen(which) => (None, self.pick(*which, Done)),
            Command::Split(which) => (self.pick(*which, if which % 2 == 0 { Open } else { Done }), None),
            _ => (None, None),
        };
        let world = &mut self.world;
        let _ = match (command, open.as_deref(), done.as_deref()) {
            (Command::Title, ..) => world.patch(&json!({ "title": world.now.to_string() })).map(drop),
            (Command::Due(to), ..) => world.patch(&json!({ "due": local(*to) })).map(drop),
            (Command::Rule(to), ..) => {
                self.rule = *to;
                world.patch(&json!({ "recurrence": rule(*to, self.policy) })).map(drop)
            }
            (Command::Policy(to), ..) => {
                self.policy = *to;
                world.patch(&json!({ "recurrence": rule(self.rule, *to) })).map(drop)
            }
            (Command::Reminders(mask), ..) => {
                world.patch(&json!({ "reminders": reminders(*mask) })).map(drop)
            }
            (Command::Move(_, to), Some(name), _) => {
                world.change(&json!({ "recurrence_id": name, "due": local(*to) }))
            }
            (Command::ThereAndBack(_, to), Some(name), _) => there_and_back(world, name, local(*to)),
            (Command::Cancel(_), Some(name), _) => {
                world.change(&json!({ "recurrence_id": name, "cancelled": true }))
            }
            (Command::Complete(_), Some(name), _) => world.complete(name).map(drop),
            (Command::Split(_), Some(name), _) => world.split(name).map(drop),
            (Command::Reopen(_), _, Some(name)) => world.reopen(name).map(drop),
            (Command::Delete, ..) => {
                world.delete();
                Ok(())
            }
            _ => Ok(()),
        };
    }

    /// After a sweep a task that is open has something to do, and one that is not owes nothing.
    fn check_lists(&self) {
        for (id, row) in &self.world.tasks {
            let there = World { task: *id, ..self.world.clone() };
            let rows = there.rows();
            let open = rows.iter().filter(|o| o.status == OccurrenceStatus::Open).count();
            let owed = rows.iter().filter(|o| o.succession == Succession::Pending).count();
            let lives = if row.deleted_at.is_some() { open > 0 } else { row.status == TaskStatus::Open };
            assert_eq!((open > 0, owed), (lives, 0), "{id} of {row:?}: {rows:#?}");
        }
    }

    fn check_alarms(&self, before: &BTreeMap<Key, AlarmRow>, command: &Command) {
        let world = &self.world;
        let expected = expected(world);
        for (key, at) in &expected {
            let alarm = world.alarms.get(key);
            let armed = alarm.is_some_and(|a| a.fire_at == *at && a.state == AlarmState::Armed);
            // Where the clock was set back, what lies ahead may have been.
            assert!(armed || *at <= self.latest, "{key:?} for {at} is not armed but {alarm:?}");
        }
        for (key, alarm) in world.alarms.iter().filter(|(_, alarm)| alarm.state == AlarmState::Armed) {
            assert_eq!(expected.get(key), Some(&alarm.fire_at), "{key:?} is armed");
        }
        for (key, was) in before.iter().filter(|(_, was)| was.state == AlarmState::Armed) {
            // What is late, and moved away and back, is set anew.
            let stays = !matches!(command, Command::Sweep | Command::ThereAndBack(..));
            if stays && expected.get(key) == Some(&was.fire_at) {
                assert_eq!(
                    world.alarms[key].state,
                    AlarmState::Armed,
                    "{key:?} was armed and is due no less"
                );
            }
        }
        if matches!(command, Command::Title) {
            assert_eq!(*before, world.alarms, "a title changes no alarm");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_reminder_fires_once_for_each_time_it_is_due(
        (first, policy, mask) in (proptest::option::weighted(0.8, 0..RULES.len()), 0..9_usize, 1..16_usize),
        commands in proptest::collection::vec(command(), 1..60),
    ) {
        let document = json!({ "title": "x", "due": local(0), "recurrence": rule(first, policy), "reminders": reminders(mask) });
        let world = world(&document);
        let mut model = Model { latest: world.now, world, policy, rule: first };
        for command in &commands {
            let before = model.world.alarms.clone();
            model.run(command);
            model.check_alarms(&before, command);
            // Nothing comes up twice for one time.
            prop_assert!(model.world.refused.is_empty(), "{:?}", model.world.refused);
        }
        // Whatever has happened: what is armed fires when its time has come.
        let armed = model.world.alarms.values().filter(|alarm| alarm.state == AlarmState::Armed).count();
        model.world.wait(800 * DAY);
        prop_assert_eq!(model.world.fire().len(), armed);
    }
}
