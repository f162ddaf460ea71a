//! One build takes the place of another, goes back and comes again, while users write to one database: no request fails.

use std::array;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use http::StatusCode;
use perennial_tests::{Build, SOON, until};
use serde_json::json;

use crate::doors::Doors;
use crate::figures::Figures;
use crate::run::{Plan, Run};
use crate::system::System;

/// Between two looks whether enough is written.
const LOOK: Duration = Duration::from_millis(20);

/// How long a step may take at most.
const LONGEST: Duration = Duration::from_secs(600);

/// An upgrade.
#[derive(Debug)]
pub struct Upgrade {
    /// The build before.
    pub from: Build,
    /// The build after.
    pub to: Build,
    /// Who serves, and how much is written in all: as much after each step.
    pub plan: Plan,
}

/// Carries one out; gives what it came to. `None` where the machine has no PostgreSQL, after saying so.
///
/// One replica after the other is replaced once the new build has migrated, and the old one serves beside the new. Then the old build
/// comes back, one after the other, on the new schema; and in the end the new one again.
pub fn upgrade(upgrade: &Upgrade) -> Option<Figures> {
    let Upgrade { from, to, plan } = upgrade;
    let mut run = Run::begin(plan, from, &mut Rng::with_seed(plan.seed))?;
    fill(&run.system, plan.rows);
    let replicas = plan.replicas;
    let share = plan.writes / (2 + 3 * replicas);
    run.write(|system, doors, acknowledged| {
        let mut steps = Steps { begun: Instant::now(), doors, acknowledged, share };
        steps.carry_out("the build before", || {});
        steps.carry_out("migrated", || print!("{}", system.migrate(to)));
        for (build, name) in [(to, "replaced"), (from, "taken back"), (to, "replaced again")] {
            for number in 0..replicas {
                steps.carry_out(&format!("replica {number} {name}"), || {
                    doors.leave_alone(number, true);
                    system.replicas[number].replace(build);
                    doors.leave_alone(number, false);
                });
            }
        }
        // Neither has anything left to do.
        print!("before: {}after: {}", system.migrate(from), system.migrate(to));
    });
    Some(run.end())
}

/// Has a user have so many events more, all of them published.
fn fill(system: &System, rows: usize) {
    let begun = Instant::now();
    let user = system.user("Who has changed much");
    let task =
        user.post("/v1/tasks").json(&json!({ "title": "Often changed" })).answer().ok(StatusCode::CREATED);
    let id = task["id"].as_str().unwrap();
    let stream = format!("(SELECT user_id FROM task WHERE id = '{id}')");
    let published = format!("SELECT count(*) FROM stream WHERE id = {stream} AND published = sequence");
    until("its event is published", SOON, || (system.number(&published) == 1).then_some(()));
    let made = format!(
        "INSERT INTO outbox (stream_id, sequence, topic, previous, event_id, type, subject, user_id, data, at, correlation_id) \
         SELECT o.stream_id, o.sequence + n, o.topic, o.sequence + n - 1, gen_random_uuid()::text, 'task.updated', o.subject, \
          o.user_id, o.data, o.at - n, o.correlation_id \
         FROM outbox AS o CROSS JOIN generate_series(1, {rows}) AS n WHERE o.subject = '{id}'; \
         UPDATE stream_topic SET last = last + {rows} WHERE stream_id = {stream}; \
         UPDATE stream SET sequence = sequence + {rows}, published = published + {rows} WHERE id = {stream}"
    );
    let mut session = system.session().unwrap();
    session.batch_execute(&made).unwrap_or_else(|error| panic!("{error:?}"));
    session.batch_execute("VACUUM ANALYZE").unwrap();
    println!("{rows} events made in {:.1} s", begun.elapsed().as_secs_f64());
}

/// What is done while users write.
struct Steps<'a> {
    begun: Instant,
    doors: &'a Doors<'a>,
    acknowledged: &'a dyn Fn() -> usize,
    /// How many writes are acknowledged after each.
    share: usize,
}

impl Steps<'_> {
    /// Does something, and lets some time pass; says how long it took, and how requests went meanwhile.
    fn carry_out(&mut self, name: &str, step: impl FnOnce()) {
        let (before, begun) = (self.doors.counts(), Instant::now());
        step();
        let took = begun.elapsed();
        let enough = (self.acknowledged)() + self.share;
        while (self.acknowledged)() < enough {
            thread::sleep(LOOK);
            assert!(begun.elapsed() < LONGEST, "nobody is answered: {:?}", self.doors.counts());
        }
        let counts = self.doors.counts();
        let [answered, refused, unanswered, failed] = array::from_fn(|place| counts[place] - before[place]);
        println!(
            "{:8.2} s  {name}, in {:.2} s: since, {answered} requests answered, {refused} refused, {unanswered} unanswered, {failed} failed",
            self.begun.elapsed().as_secs_f64(),
            took.as_secs_f64()
        );
    }
}
