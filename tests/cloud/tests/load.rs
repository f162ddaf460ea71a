//! Users who write, read and listen for as long as something is done to what serves them, and what must be so in the end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use perennial_cloud::{Cloud, Postgres, Service};
use perennial_tests::load::{
    Door, Findings, Habits, LEFT, Late, WRONG, Worker, books, came, of_postgres, parked, reminders, tasks,
};
use perennial_tests::{Client, Receiver, SOON, Stream, Told, until};
use serde_json::{Value, json};

/// Between two requests of one of them.
const PAUSE: Duration = Duration::from_millis(60);

/// How long it may take until nothing is left to do, a claim that was cut among it.
const QUIET: Duration = Duration::from_secs(90);

/// The ways to what users ask.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    pub api: Arc<Service>,
    pub audit: Arc<Service>,
    pub live: Arc<Service>,
}

/// Users, each with a client who writes, one who reads the audit and one who listens.
pub(crate) struct Load {
    users: Vec<Client>,
    workers: Vec<Worker>,
    receiver: Receiver,
}

/// What a listener was told: from which event on, which, and how often its stream was cut.
#[derive(Debug, Default)]
struct Heard {
    after: Option<u64>,
    ids: Vec<String>,
    opened: usize,
}

impl Load {
    /// Users of a set, who have not begun yet and are reminded by a webhook.
    pub fn of(cloud: &Cloud, users: usize) -> Self {
        let receiver = Receiver::start();
        let users: Vec<Client> = (0..users)
            .map(|number| {
                let user = cloud.user(&format!("User {number}"));
                let channel = json!({ "type": "webhook", "url": receiver.url() });
                user.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
                user
            })
            .collect();
        let habits = Habits { equal: 1, soon: 3_000..8_000, due: vec!["2031-03-13T09:00:00".to_owned()] };
        let workers = users.iter().enumerate();
        let workers = workers
            .map(|(number, user)| Worker::new(number, user, fastrand::u64(..), habits.clone()))
            .collect();
        Self { users, workers, receiver }
    }

    /// A user.
    pub fn user(&self) -> &Client {
        &self.users[0]
    }

    /// Has all of them go on until something is done, which is given how many writes were acknowledged so far; then looks whether all is as
    /// they were told.
    pub fn go_on(
        mut self,
        doors: &Doors,
        postgres: &Postgres,
        owner: &dyn Fn() -> Client,
        during: impl FnOnce(&dyn Fn() -> usize),
    ) {
        let (stop, quiet, acknowledged) =
            (AtomicBool::new(false), AtomicBool::new(false), AtomicUsize::new(0));
        let heard: Vec<Mutex<Heard>> = self.users.iter().map(|_| Mutex::default()).collect();
        let begun = Instant::now();
        let mut found = Findings::default();
        let mut late = Late::default();
        thread::scope(|scope| {
            let _quiet = AtEnd(&quiet);
            for (user, heard) in self.users.iter().zip(&heard) {
                let quiet = &quiet;
                scope.spawn(move || listen(&doors.live, user.token().unwrap(), heard, quiet));
            }
            thread::scope(|scope| {
                let _stop = AtEnd(&stop);
                for worker in &mut self.workers {
                    let (stop, acknowledged) = (&stop, &acknowledged);
                    scope.spawn(move || write(worker, &*doors.api, stop, acknowledged));
                }
                for user in &self.users {
                    let stop = &stop;
                    scope.spawn(move || read(&doors.audit, user, stop));
                }
                during(&|| acknowledged.load(Ordering::Relaxed));
            });
            println!(
                "{} writes in {:.1} s; {} requests answered by task-api, {} by audit",
                acknowledged.load(Ordering::Relaxed),
                begun.elapsed().as_secs_f64(),
                doors.api.answered(),
                doors.audit.answered()
            );
            self.drain(postgres);
            self.look(doors, &owner(), &heard, &mut found, &mut late);
        });
        for (what, query) in WRONG {
            let count = postgres.number(&of_postgres(query));
            found.times(usize::try_from(count).unwrap(), 0, || what.to_owned());
        }
        let opened: usize = heard.iter().map(|heard| heard.lock().unwrap().opened).sum();
        println!("streams were opened {opened} times; successors: {late}");
        found.are_none();
        assert!(late.longest() < chrono::TimeDelta::seconds(30), "what follows came late: {late}");
    }

    /// Waits until nothing is left to do.
    fn drain(&self, postgres: &Postgres) {
        let last = self.workers.iter().flat_map(|worker| &worker.ledger.tasks);
        let last = last.filter_map(|task| task.fires_at.filter(|_| task.reminds)).max();
        until("all reminders are due", SOON, || {
            last.is_none_or(|last| last < chrono::Utc::now()).then_some(())
        });
        let begun = Instant::now();
        for (table, _, query) in LEFT {
            until(&format!("{table} has nothing to do"), QUIET, || {
                (postgres.number(&of_postgres(query)) == 0).then_some(())
            });
        }
        let unsealed = "SELECT count(*) FROM stream WHERE sealed < audited";
        until("all of the audit is sealed", QUIET, || (postgres.number(unsealed) == 0).then_some(()));
        println!("nothing left to do after {:.1} s", begun.elapsed().as_secs_f64());
    }

    fn look(
        &self,
        doors: &Doors,
        owner: &Client,
        heard: &[Mutex<Heard>],
        found: &mut Findings,
        late: &mut Late,
    ) {
        let came = came(&self.receiver.deliveries());
        parked(owner, found);
        for ((user, worker), heard) in self.users.iter().zip(&self.workers).zip(heard) {
            tasks(worker, owner, found);
            reminders(worker, owner, &came, |_| false, found);
            let events = books::events(&owner.with_token(user.token()));
            books::agree(&doors.audit.next().1.with_token(user.token()), &[worker], &events, found);
            books::successors(&events, late);
            was_told(&events, heard);
        }
    }
}

/// Writes until it is time to stop.
fn write(worker: &mut Worker, door: &dyn Door, stop: &AtomicBool, acknowledged: &AtomicUsize) {
    let count = |worker: &Worker| worker.ledger.acknowledged.iter().sum::<usize>();
    while !stop.load(Ordering::Relaxed) {
        let before = count(worker);
        // What was not answered is noted by the door, and asked again.
        let _ = worker.go_on(door);
        acknowledged.fetch_add(count(worker) - before, Ordering::Relaxed);
        thread::sleep(PAUSE);
    }
    worker.settle(door, SOON);
}

/// Reads the audit until it is time to stop.
fn read(audit: &Service, user: &Client, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let asked = audit
            .ask(&|client| client.with_token(user.token()).call(Method::GET, "/v1/audit?limit=10").send());
        if let Ok(answer) = asked {
            answer.ok(StatusCode::OK);
        }
        thread::sleep(2 * PAUSE);
    }
}

/// Listens until all is quiet. Whose stream is cut comes back to where it was.
fn listen(live: &Service, token: &str, heard: &Mutex<Heard>, quiet: &AtomicBool) {
    let mut last = String::new();
    while !quiet.load(Ordering::Relaxed) {
        let (pod, client) = live.next();
        let address = client.base().strip_prefix("http://").unwrap().to_owned();
        let from = [("last-event-id", last.as_str())];
        let from = if last.is_empty() { &[][..] } else { &from[..] };
        let mut stream = match Stream::open(&address, token, "", from) {
            Ok(stream) if stream.status == 200 => stream,
            Ok(stream) => {
                live.note(&pod, stream.head);
                continue;
            }
            Err(error) => {
                live.note(&pod, error);
                continue;
            }
        };
        heard.lock().unwrap().opened += 1;
        while !quiet.load(Ordering::Relaxed) {
            match stream.next(Instant::now() + Duration::from_millis(500)) {
                Ok(Some(Told::Event { id, event, data })) => {
                    let mut heard = heard.lock().unwrap();
                    match event.as_str() {
                        "ready" => _ = heard.after.get_or_insert(data["after"].as_u64().unwrap()),
                        _ => heard.ids.push(data["id"].as_str().unwrap_or(event.as_str()).to_owned()),
                    }
                    last = id;
                }
                Ok(Some(_)) => {}
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
                Ok(None) | Err(_) => break,
            }
        }
    }
}

/// That all events were told since a listener began, each once and in order.
fn was_told(events: &[Value], heard: &Mutex<Heard>) {
    let after = heard.lock().unwrap().after.expect("a listener has been told where it begins");
    let all = &events[usize::try_from(after).unwrap()..];
    let ids: Vec<&str> = all.iter().map(|event| event["id"].as_str().unwrap()).collect();
    until("all has been told", SOON, || (heard.lock().unwrap().ids.len() >= ids.len()).then_some(()));
    assert_eq!(heard.lock().unwrap().ids, ids);
}

/// Says at its end, also where something fails, that it is time.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
