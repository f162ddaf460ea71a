//! What fails, and how it is made to.

use std::time::Duration;

use chrono::TimeDelta;
use fastrand::Rng;
use perennial_postgres::postgres::Client;
use perennial_tests::{SOON, until};

use crate::proxy::Way;
use crate::system::System;

/// What may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A replica is killed (kill -9), and started again.
    Kill,
    /// A replica stands still, in a short run for longer than its leases last, and goes on.
    Freeze,
    /// All sessions of a replica with the database break, and it gets no new ones.
    Cut,
    /// Nothing passes between a replica and the database.
    Partition,
    /// What passes between a replica and the database is late.
    Delay,
    /// A replica's clock is moved.
    Clock,
    /// PostgreSQL is ended at once (pg_ctl -m immediate), and started again.
    Stop,
    /// All sessions of the database are ended.
    Terminate,
    /// Somebody has all sessions that PostgreSQL has room for, those of the replicas too.
    Exhaust,
    /// Somebody holds what every request needs: requests wait in sessions of the replicas.
    Lock,
    /// The disk of the database is full.
    FullDisk,
}

/// All kinds.
pub const KINDS: [Kind; 11] = [
    Kind::Kill,
    Kind::Freeze,
    Kind::Cut,
    Kind::Partition,
    Kind::Delay,
    Kind::Clock,
    Kind::Stop,
    Kind::Terminate,
    Kind::Exhaust,
    Kind::Lock,
    Kind::FullDisk,
];

/// How far clocks are moved.
const MOVES: [TimeDelta; 4] =
    [TimeDelta::hours(1), TimeDelta::hours(-1), TimeDelta::days(1), TimeDelta::days(-1)];

/// One fault.
pub struct Fault {
    /// What fails.
    pub kind: Kind,
    /// Of which replica; `None`: of the database.
    pub replica: Option<usize>,
    /// For how long.
    pub lasts: Duration,
    moved: TimeDelta,
    later: Duration,
    /// Whether it shows where the database can only end itself.
    ends: bool,
    /// Sessions that are held meanwhile.
    held: Vec<Client>,
}

impl Fault {
    /// One of a kind. In a `long` run some last longer than anything is waited for.
    pub fn draw(rng: &mut Rng, kind: Kind, replicas: usize, long: bool) -> Self {
        let of_replica = kind <= Kind::Clock;
        let replica = of_replica.then(|| rng.usize(..replicas));
        let millis = match kind {
            // Who is restarted, or ended, is away for a moment at least.
            Kind::Kill => 0..2_000,
            Kind::Stop => 200..2_000,
            Kind::Terminate => 0..1,
            // Claims last five seconds, relays and claims on deliveries ten, sweeps fifteen; nothing lasts longer than a minute.
            Kind::Freeze if long && rng.u8(..8) == 0 => 62_000..70_000,
            Kind::Freeze if long => 6_000..20_000,
            Kind::Freeze => 16_000..18_000,
            Kind::Partition if long => 2_000..15_000,
            Kind::Lock if long => 1_000..12_000,
            Kind::Clock => 4_000..8_000,
            Kind::Cut | Kind::Partition | Kind::Delay | Kind::Exhaust | Kind::Lock | Kind::FullDisk => {
                1_000..4_000
            }
        };
        Self {
            kind,
            replica,
            lasts: Duration::from_millis(rng.u64(millis)),
            moved: MOVES[rng.usize(..MOVES.len())],
            later: Duration::from_millis(rng.u64(5..80)),
            ends: rng.bool(),
            held: Vec::new(),
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        let what = match self.kind {
            Kind::Kill => "is killed and away".to_owned(),
            Kind::Freeze => "stands still".to_owned(),
            Kind::Cut => "is cut off".to_owned(),
            Kind::Partition => "hears nothing of the database".to_owned(),
            Kind::Delay => format!("is {:?} from the database", self.later),
            Kind::Clock => format!("has a clock that is {} min off", self.moved.num_minutes()),
            Kind::Stop => "is ended at once and away".to_owned(),
            Kind::Terminate => "ends all sessions".to_owned(),
            Kind::Exhaust => "has no room for further sessions".to_owned(),
            Kind::Lock => "has a table that is locked".to_owned(),
            Kind::FullDisk if self.ends => "has a full disk when it makes a checkpoint,".to_owned(),
            Kind::FullDisk => "has a full disk".to_owned(),
        };
        let of = self.replica.map_or("the database".to_owned(), |number| format!("replica {number}"));
        format!("{of} {what} for {:?}", self.lasts)
    }

    /// Makes it so.
    pub fn begin(&mut self, system: &mut System) {
        match self.replica.map(|number| &mut system.replicas[number]) {
            Some(replica) => match self.kind {
                Kind::Kill => replica.kill(),
                Kind::Freeze => replica.freeze(),
                Kind::Cut => replica.wire(Way::Cut),
                Kind::Partition => replica.wire(Way::Silent),
                Kind::Delay => replica.wire(Way::Slow(self.later)),
                _ => replica.move_clock(self.moved),
            },
            None => match self.kind {
                Kind::Stop => system.server.stop_immediate(),
                Kind::Terminate => terminate(system),
                Kind::Exhaust => self.held = all_sessions(system),
                Kind::Lock => self.held = locked(system),
                _ => fill(system, self.ends),
            },
        }
    }

    /// Has it be over.
    pub fn end(mut self, system: &mut System) {
        self.held.clear();
        match self.replica.map(|number| &mut system.replicas[number]) {
            Some(replica) => match self.kind {
                Kind::Kill => replica.start(),
                Kind::Freeze => replica.thaw(),
                Kind::Cut | Kind::Partition | Kind::Delay => replica.wire(Way::Open),
                _ => replica.move_clock(TimeDelta::zero()),
            },
            None => {
                match self.kind {
                    Kind::Stop => system.server.start_again(),
                    Kind::FullDisk => system.disk.as_ref().unwrap().grow(),
                    _ => {}
                }
                system.revive();
            }
        }
    }
}

/// Ends all sessions but its own: where the database has just ended them by itself, as soon as there are any.
fn terminate(system: &System) {
    let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    until("there are sessions to end", SOON, || {
        let ended: i64 = system.session().ok()?.query_one(all, &[]).ok()?.get(0);
        (ended > 0).then_some(())
    });
}

/// Has all sessions that there is room for: who else has one loses it, also who comes again meanwhile.
fn all_sessions(system: &System) -> Vec<Client> {
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'faults'";
    let mut held = Vec::new();
    until("all sessions are held", SOON, || {
        held.extend(std::iter::from_fn(|| system.session().ok()));
        let session: &mut Client = held.first_mut()?;
        let ended: i64 = session.query_one(others, &[]).unwrap().get(0);
        (ended == 0 && held.len() == system.sessions()).then_some(())
    });
    held
}

/// Leaves no room on the disk, also not for what the database cannot do without.
fn fill(system: &System, ends: bool) {
    system.disk.as_ref().unwrap().shrink();
    if ends && let Ok(mut session) = system.session() {
        // It fails, and the server begins anew.
        let _ = session.batch_execute("CHECKPOINT");
    }
}

/// Locks what every request reads.
fn locked(system: &System) -> Vec<Client> {
    let mut session = system.session().unwrap();
    session.batch_execute("BEGIN; LOCK TABLE token IN ACCESS EXCLUSIVE MODE").unwrap();
    vec![session]
}
