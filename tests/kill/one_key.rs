//! Sixty-four clients send one and the same request under one key while the service is killed: one effect, and whatever any
//! of them was ever answered is the same, byte for byte.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use http::Method;
use perennial_tests::{Answer, Client, Service, at_once, setting};
use serde_json::{Value, json};

use crate::{at_its_moment, start};

/// Clients that send the same.
const SAME: usize = 64;

/// How often each kind of request is tried, and how often the service is killed meanwhile.
const ROUNDS: usize = 4;
const KILLS: usize = 2;

/// How often a client asks before the service is killed.
const ASKS: usize = 50;

/// Makes a request for a user.
type Kind<'a> = &'a dyn Fn(&Client) -> Request;

/// A request of one user, who has asked for nothing else under a key.
struct Request {
    method: Method,
    path: String,
    if_match: Option<String>,
    body: Value,
    status: u16,
    /// Changes and events of the user once it has been carried out, and how many tasks they have then.
    effects: [usize; 3],
}

impl Request {
    fn send(&self, client: &Client, key: &str) -> Option<Answer> {
        let mut call = client.call(self.method.clone(), self.path.as_str()).header("idempotency-key", key);
        if let Some(tag) = &self.if_match {
            call = call.header("if-match", tag);
        }
        call.json(&self.body).send().ok()
    }
}

fn create(_: &Client) -> Request {
    let due = json!({ "local": "2027-03-01T09:00:00", "tz": "Europe/Berlin" });
    Request {
        method: Method::POST,
        path: "/v1/tasks".to_owned(),
        if_match: None,
        body: json!({ "title": "Once", "due": due, "reminders": [{ "trigger": "-PT30M" }] }),
        status: 201,
        effects: [1, 1, 1],
    }
}

fn bulk(mode: &str) -> Request {
    let command = |title: &str| json!({ "operation": "create", "body": { "title": title } });
    Request {
        method: Method::POST,
        path: "/v1/bulk".to_owned(),
        if_match: None,
        body: json!({ "mode": mode, "operations": [command("One"), command("Two"), command("Three")] }),
        status: 200,
        effects: [3, 3, 3],
    }
}

fn change(user: &Client) -> Request {
    let made = user.post("/v1/tasks").json(&json!({ "title": "Before" })).answer();
    Request {
        method: Method::PATCH,
        path: made.header("location").to_owned(),
        if_match: Some(made.header("etag").to_owned()),
        body: json!({ "title": "After" }),
        status: 200,
        effects: [2, 2, 1],
    }
}

/// Everybody asks again and again until the service is killed, at a moment that is drawn; what they were answered.
fn ask_and_kill(
    service: &mut Service,
    user: &Client,
    request: &Request,
    key: &str,
    moment: Duration,
) -> Vec<Answer> {
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..SAME {
            scope.spawn(|| {
                for _ in 0..ASKS {
                    let Some(answer) = request.send(user, key) else { return };
                    answers.lock().unwrap().push(answer);
                }
            });
        }
        at_its_moment(moment);
        service.kill();
    });
    answers.into_inner().unwrap()
}

fn told(answer: &Answer) -> (u16, &str, [&str; 3]) {
    (answer.status.as_u16(), &answer.body, ["etag", "location", "change-id"].map(|name| answer.header(name)))
}

/// One round: gives how many answers came before a kill.
fn round(service: &mut Service, state_dir: &Path, name: &str, make: Kind<'_>, rng: &mut Rng) -> usize {
    let user = service.user(name);
    let request = make(&user);
    let mut answers = Vec::new();
    for _ in 0..KILLS {
        let client = service.anyone().with_token(user.token());
        // One in four falls before much has been read, the others among the first answers.
        let latest = if rng.u8(..4) == 0 { 10 } else { 150 };
        let moment = Duration::from_millis(rng.u64(0..latest));
        answers.extend(ask_and_kill(service, &client, &request, name, moment));
        *service = start(state_dir);
    }
    let early = answers.len();
    let user = service.anyone().with_token(user.token());
    answers.extend(at_once(SAME, |_| request.send(&user, name).expect("now everybody is answered")));

    let distinct: HashSet<_> = answers.iter().map(told).collect();
    assert_eq!(distinct.len(), 1, "{name}: {distinct:#?}");
    assert_eq!(answers[0].status.as_u16(), request.status, "{name}: {}", answers[0].body);
    let effects = [
        user.all("/v1/changes").len(),
        user.get("/v1/events?limit=200")["items"].as_array().unwrap().len(),
        user.all("/v1/tasks").len(),
    ];
    assert_eq!(effects, request.effects, "{name}: changes, events, tasks");
    early
}

#[test]
fn sixty_four_with_one_key_get_one_answer_whenever_the_service_is_killed() {
    let seed = setting("SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("state");
    let mut service = start(&state_dir);
    let kinds: [(&str, Kind<'_>); 4] = [
        ("create", &create),
        ("change", &change),
        ("bulk-all", &|_| bulk("all")),
        ("bulk-each", &|_| bulk("each")),
    ];
    for (kind, make) in kinds {
        let early: Vec<usize> = (0..ROUNDS)
            .map(|number| round(&mut service, &state_dir, &format!("{kind}-{number}"), make, &mut rng))
            .collect();
        println!("{kind}: {early:?} answers before the kills of each round");
    }
}
