//! How often a token may be used, counted by the store or by a Redis, and how much a user may have.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, Redis, SOON, Service, Setup, at_once, until};
use serde_json::{Value, json};

/// What one request may take beside a Redis that hangs and is known to.
const FULL_SPEED: Duration = Duration::from_secs(2);

fn create(user: &Client, key: &str) -> Answer {
    let call = user.post("/v1/tasks").json(&json!({ "title": key }));
    call.header("idempotency-key", key).answer()
}

fn list(user: &Client) -> Answer {
    user.call(Method::GET, "/v1/tasks").answer()
}

/// That this is a 429 which says when to try again.
fn is_limited(answer: &Answer, policy: &str) {
    answer.is_problem(429, "rate-limited");
    let seconds: u32 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("ratelimit-policy"), policy);
    let name = policy.split(';').next().unwrap();
    assert_eq!(answer.header("ratelimit"), format!("{name};r=0;t={seconds}"));
}

#[test]
fn without_a_redis_the_store_counts_writes_and_leaves_reads_alone() {
    let variables = vec![("rate_limit_writes", "5/3600".to_owned())];
    let service = Service::with(Setup { variables, components: vec!["task-api"], ..Setup::default() });
    let user = service.user("Ada");
    let answers = at_once(20, |number| create(&user, &format!("key-{number}")));
    let (made, limited): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == StatusCode::CREATED);
    assert_eq!((made.len(), limited.len()), (5, 15));
    limited.iter().for_each(|answer| is_limited(answer, "\"writes\";q=5;w=3600"));
    let mut left: Vec<&str> =
        made.iter().map(|answer| answer.header("ratelimit").split(';').nth(1).unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, ["r=0", "r=1", "r=2", "r=3", "r=4"]);
    assert_eq!(user.all("/v1/tasks").len(), 5);
    // A repetition is answered as it was, and reads are free.
    let titles: Vec<String> =
        made.iter().map(|answer| answer.json()["title"].as_str().unwrap().to_owned()).collect();
    for key in &titles {
        let again = create(&user, key);
        assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::CREATED, "true"));
    }
    for _ in 0..20 {
        assert_eq!(list(&user).header("ratelimit-policy"), "");
    }
    // Another token is another's to use; many in one request are as many.
    let other = service.user("Eve");
    let many = |count: usize, mode: &str| {
        let one = json!({ "operation": "create", "body": { "title": "one" } });
        let operations: Vec<Value> = vec![one; count];
        other.post("/v1/bulk").json(&json!({ "mode": mode, "operations": operations })).answer()
    };
    many(6, "each").is_problem(422, "invalid");
    let three = many(3, "all");
    assert_eq!(three.status, StatusCode::OK, "{}", three.body);
    assert!(three.header("ratelimit").starts_with("\"writes\";r=2;t="), "{}", three.header("ratelimit"));
    is_limited(&many(3, "all"), "\"writes\";q=5;w=3600");
    let each = many(3, "each");
    let results = each.ok(StatusCode::OK)["results"].as_array().unwrap().clone();
    let statuses: Vec<u64> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 429]);
    assert!(each.header("ratelimit").starts_with("\"writes\";r=0;t="), "{}", each.header("ratelimit"));
    assert_eq!(other.all("/v1/tasks").len(), 5);
}

#[test]
fn a_user_has_as_many_tasks_as_the_operator_allows() {
    let variables = vec![("quota_tasks", "3".to_owned())];
    let service = Service::with(Setup { variables, components: vec!["task-api"], ..Setup::default() });
    let user = service.user("Ada");
    let answers = at_once(10, |number| create(&user, &format!("{number}")));
    let made: Vec<Value> =
        answers.iter().filter(|answer| answer.status == StatusCode::CREATED).map(Answer::json).collect();
    assert_eq!(made.len(), 3);
    for answer in answers.iter().filter(|answer| answer.status != StatusCode::CREATED) {
        let problem = answer.is_problem(403, "quota-exceeded");
        assert!(problem["detail"].as_str().unwrap().contains("3 tasks"), "{problem}");
    }
    let path = format!("/v1/tasks/{}", made[0]["id"].as_str().unwrap());
    let patch = user.call(Method::PATCH, &path).json(&json!({ "title": "still mine" })).answer();
    assert_eq!(patch.status, StatusCode::OK, "{}", patch.body);
    user.call(Method::DELETE, &path).answer().ok(StatusCode::NO_CONTENT);
    let quick = json!({ "text": "Buy milk tomorrow" });
    user.post("/v1/tasks/quick").json(&quick).answer().ok(StatusCode::CREATED);
    user.post(format!("{path}/restore")).answer().is_problem(403, "quota-exceeded");
    user.post("/v1/tasks/quick").json(&quick).answer().is_problem(403, "quota-exceeded");
    let one = json!({ "mode": "all", "operations": [{ "operation": "restore", "id": made[0]["id"] }] });
    user.post("/v1/bulk").json(&one).answer().is_problem(403, "quota-exceeded");
}

#[test]
fn a_redis_counts_reads_and_writes_and_one_that_hangs_lets_everything_pass() {
    let Some(redis) = Redis::start() else { return };
    let variables = vec![
        ("rate_limit_writes", "5/3600".to_owned()),
        ("rate_limit_reads", "8/3600".to_owned()),
        ("rate_limit_redis_url", redis.url()),
        ("rate_limit_redis_host", redis.url()),
    ];
    let service = Service::with(Setup { variables, components: vec!["task-api"], ..Setup::default() });
    let user = service.user("Ada");
    let answers = at_once(20, |number| create(&user, &format!("key-{number}")));
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).collect();
    assert_eq!(made.len(), 5);
    let limited = answers.iter().find(|answer| answer.status != StatusCode::CREATED).unwrap();
    is_limited(limited, "\"writes\";q=5;w=3600");
    let key = made[0].json()["title"].as_str().unwrap().to_owned();
    assert_eq!(create(&user, &key).header("idempotency-replayed"), "true");
    let lists = at_once(20, |_| list(&user));
    let (read, limited): (Vec<_>, Vec<_>) = lists.iter().partition(|list| list.status == StatusCode::OK);
    assert_eq!(read.len(), 8);
    limited.iter().for_each(|answer| is_limited(answer, "\"reads\";q=8;w=3600"));
    assert_eq!(
        service.database().number("SELECT count(*) FROM rate", []),
        0,
        "a read is no write, and a write is counted once"
    );

    redis.hang();
    // Whoever finds out waits for it as long as the host lets anyone wait.
    assert_eq!(create(&user, "first").status, StatusCode::CREATED);
    for number in 0..50 {
        let begun = Instant::now();
        let made = create(&user, &format!("hung-{number}"));
        assert_eq!((made.status, made.header("ratelimit")), (StatusCode::CREATED, ""), "{}", made.body);
        assert_eq!(list(&user).status, StatusCode::OK);
        assert!(begun.elapsed() < FULL_SPEED, "{:?}", begun.elapsed());
    }
    let output = service.output();
    let told = |words: &str| output.lines().filter(|line| line.contains(words)).count();
    assert_eq!(told("a Redis does not answer"), 1, "{output}");
    assert!(told("a request passes uncounted") <= 1, "{output}");
    redis.go_on();
    until("it counts again", SOON, || (list(&user).status == StatusCode::TOO_MANY_REQUESTS).then_some(()));
}
