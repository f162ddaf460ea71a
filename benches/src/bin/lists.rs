//! `make bench-lists`: what a page of fifty tasks costs one user with 1,000 tasks, with MANY (100,000), and with as many beside
//! OTHERS (1,000,000) tasks of other users; ROUNDS (41). Ends with an error where a page is not answered.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{fs, io};

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use perennial_benches::{Clock, Seed, Service, User, median, number, scratch, seed, table};
use perennial_domain::{Timestamp, UserId};
use perennial_tests::Client;
use serde_json::{Value, json};

/// Tasks of the user in the small store.
const FEW: usize = 1_000;

/// Tasks on a page.
const PAGE: usize = 50;

/// Tasks that are due in the range that is asked for.
const RANGE: usize = 500;

/// The most that a page may cost, as a multiple of its cost at [`FEW`].
const GROWTH: f64 = 1.5;

/// More answers than any page takes together: a filter looks at 2,000 tasks for one answer.
const ANSWERS: usize = 1_000;

/// The minute of the first due date.
const FIRST: i64 = 4_000_000_000 / 60;

/// A list that is asked for.
struct Case {
    name: String,
    query: String,
    /// Whether its first page is asked for each time, and not the next one.
    first: bool,
}

/// A store, and where its lists are read on.
struct Stock {
    _service: Service,
    client: Client,
    cases: Vec<Case>,
    cursors: Vec<Option<String>>,
    /// Of each case, the milliseconds of each page.
    times: Vec<Vec<f64>>,
}

fn main() -> ExitCode {
    let (many, others) = (number("MANY", 100_000_usize), number("OTHERS", 1_000_000_usize));
    let rounds = number("ROUNDS", 41_usize);
    let scratch = scratch();
    let folder = |name: &str| scratch.path().join(name);
    let small = fill(&folder("few"), FEW);
    let large = fill(&folder("many"), many);
    copy(&folder("many"), &folder("crowd"));
    crowd(&folder("crowd"), others);
    let mut stocks = [
        open(&folder("few"), &small, FEW),
        open(&folder("many"), &large, many),
        open(&folder("crowd"), &large, many),
    ];
    for name in ["few", "many", "crowd"] {
        warm(&folder(name));
    }
    // The first pages find the service's own caches cold.
    for round in 0..rounds + 3 {
        for case in 0..stocks[0].cases.len() {
            for turn in 0..stocks.len() {
                let stock = &mut stocks[(round + turn) % 3];
                match stock.page(case) {
                    Ok(took) if round >= 3 => stock.times[case].push(took),
                    Ok(_) => {}
                    Err(why) => {
                        eprintln!("{}: {why}", stock.cases[case].name);
                        return ExitCode::FAILURE;
                    }
                }
            }
        }
    }
    report(&stocks, many, others);
    ExitCode::SUCCESS
}

/// A user with a project and so many tasks.
fn fill(state_dir: &Path, count: usize) -> (User, String) {
    let start = Instant::now();
    let service = Service::start(state_dir, Clock::Stands);
    let user = service.user("ada");
    let call = service.client(Some(&user.token));
    let project =
        call.post("/v1/projects").json(&json!({ "name": "Household" })).answer().ok(StatusCode::CREATED);
    let project = project["id"].as_str().unwrap().to_owned();
    put(&service, std::slice::from_ref(&user.id), count, Some(&project));
    eprintln!("{count} tasks in {:.1} s", start.elapsed().as_secs_f64());
    (user, project)
}

/// So many tasks of a hundred others.
fn crowd(state_dir: &Path, count: usize) {
    let start = Instant::now();
    let service = Service::start(state_dir, Clock::Stands);
    let users: Vec<UserId> = (0..100).map(|number| service.user(&format!("user {number}")).id).collect();
    put(&service, &users, count, None);
    eprintln!("{count} tasks of others in {:.1} s", start.elapsed().as_secs_f64());
}

fn put(service: &Service, users: &[UserId], count: usize, project: Option<&str>) {
    let document = |number: usize| task(number, count, project);
    let at = Timestamp::from_millis(Utc::now().timestamp_millis());
    seed(&service.database(), &Seed { users, count, at, document: &document });
}

/// A task of each priority in turn; one in four has the tag, one in four is in the project, nine in ten are due, each in a
/// minute of its own.
fn task(number: usize, count: usize, project: Option<&str>) -> Value {
    let minute = FIRST + i64::try_from(number * 7_919 % count).unwrap();
    let due = json!({ "local": instant(minute).format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" });
    let priorities = ["none", "low", "medium", "high", "urgent"];
    let tags: &[&str] = if number.is_multiple_of(4) { &["home"] } else { &[] };
    json!({
        "title": format!("Something to remember, number {number}"),
        "priority": priorities[number % priorities.len()],
        "tags": tags,
        "project": project.filter(|_| number % 4 == 1),
        "due": (number % 10 != 9).then_some(due),
    })
}

fn instant(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

/// Copies the files of a state; no service runs on it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Reads the files of a state, so that no list waits for the disk: what was written minutes ago may be there alone.
fn warm(state_dir: &Path) {
    for entry in fs::read_dir(state_dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            io::copy(&mut fs::File::open(path).unwrap(), &mut io::sink()).unwrap();
        }
    }
}

fn open(state_dir: &Path, (user, project): &(User, String), count: usize) -> Stock {
    let service = Service::start(state_dir, Clock::Stands);
    let client = service.client(Some(&user.token));
    let cases = cases(project, count);
    let (cursors, times) = (vec![None; cases.len()], vec![Vec::new(); cases.len()]);
    Stock { _service: service, client, cases, cursors, times }
}

fn cases(project: &str, count: usize) -> Vec<Case> {
    let sorts = ["created", "due", "priority", "updated", "position"];
    let among = [
        ("all", String::new()),
        ("open", "status=open&".to_owned()),
        ("project", format!("project={project}&")),
    ];
    let mut cases: Vec<Case> = among
        .iter()
        .flat_map(|(name, among)| {
            sorts.map(|sort| Case {
                name: format!("{name} by {sort}"),
                query: format!("{among}sort={sort}"),
                first: false,
            })
        })
        .collect();
    for sort in ["due", "created"] {
        cases.push(Case {
            name: format!("tag by {sort}"),
            query: format!("tag=home&sort={sort}"),
            first: false,
        });
    }
    let bound = |number: usize| instant(FIRST + i64::try_from(number).unwrap()).format("%Y-%m-%dT%H:%M:%SZ");
    let until = |number: usize| format!("due%20%3C%20{}", bound(number));
    let from = |number: usize| format!("due%20%3E%3D%20{}", bound(number));
    let (middle, end) = (count / 2, count / 2 + RANGE);
    for (name, filter) in [
        ("first range of due by due", until(RANGE)),
        ("middle range of due by due", format!("{}%20and%20{}", from(middle), until(end))),
    ] {
        cases.push(Case { name: name.to_owned(), query: format!("filter={filter}&sort=due"), first: true });
    }
    cases
}

impl Stock {
    /// The next page of a list, from the beginning again after its end: the milliseconds until fifty tasks are there, in as many
    /// answers as that takes.
    fn page(&mut self, case: usize) -> Result<f64, String> {
        let mut found = 0;
        let mut took = Duration::ZERO;
        for _ in 0..ANSWERS {
            let cursor =
                self.cursors[case].as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let path = format!("/v1/tasks?limit={}&{}{cursor}", PAGE - found, self.cases[case].query);
            let call = self.client.call(Method::GET, &path);
            let start = Instant::now();
            let answer = call.send().map_err(|error| error.to_string())?;
            took += start.elapsed();
            if answer.status != StatusCode::OK {
                return Err(format!("{} {}", answer.status, answer.body));
            }
            let page = answer.json();
            found += page["items"].as_array().ok_or("no items")?.len();
            self.cursors[case] = page["next_cursor"].as_str().map(str::to_owned);
            match self.cursors[case] {
                _ if found == PAGE && self.cases[case].first => {
                    self.cursors[case] = None;
                    return Ok(took.as_secs_f64() * 1_000.0);
                }
                _ if found == PAGE => return Ok(took.as_secs_f64() * 1_000.0),
                // The rest of a list is no page: it is begun again.
                None => (found, took) = (0, Duration::ZERO),
                Some(_) => {}
            }
        }
        Err(format!("no {PAGE} tasks in {ANSWERS} answers"))
    }
}

fn report(stocks: &[Stock; 3], many: usize, others: usize) {
    let mut rows = Vec::new();
    let mut line = serde_json::Map::new();
    let mut over = Vec::new();
    for (index, case) in stocks[0].cases.iter().enumerate() {
        let [few, large, crowd] = stocks.each_ref().map(|stock| median(&stock.times[index]));
        let ratios = [large / few, crowd / few];
        if ratios.iter().any(|ratio| *ratio > GROWTH) {
            over.push(case.name.as_str());
        }
        let [first, second] = ratios.map(|ratio| format!("{ratio:.2}"));
        let [a, b, c] = [few, large, crowd].map(|time| format!("{time:.2}"));
        rows.push(vec![case.name.clone(), a, b, first, c, second]);
        let told = json!({ "few_ms": few, "many_ms": large, "crowd_ms": crowd, "ratios": ratios });
        line.insert(case.name.clone(), told);
    }
    let (many_name, crowd_name) = (format!("{many}, ms"), format!("+ {others}, ms"));
    println!(
        "{}",
        table(&["a page of 50, median", "1000, ms", &many_name, "ratio", &crowd_name, "ratio"], &rows)
    );
    match over.as_slice() {
        [] => println!("no ratio over {GROWTH}: reached\n"),
        over => println!("over {GROWTH}: missed by {}\n", over.join(", ")),
    }
    let sizes = json!({ "few": FEW, "many": many, "others": others });
    println!("BENCH {}", json!({ "bench": "lists", "tasks": sizes, "goal": GROWTH, "lists": line }));
}
