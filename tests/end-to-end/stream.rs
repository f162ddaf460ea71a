//! What happens is told as it happens, to whom it concerns and no one else, and whoever was cut off misses nothing.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, SOON, Service, Setup, Stream, Told, at_once, until};
use serde_json::{Value, json};

/// Streams that a user may have open at once, and a host.
const OF_A_USER: usize = 20;
const OF_A_HOST: usize = 200;

/// How long a revoked token may read on, as docs/api.md says: it is asked for every five seconds, between pauses of one at most. And two
/// for a busy machine.
const REVOKED_WITHIN: Duration = Duration::from_secs(6 + 2);

/// A service without a clock, so that nothing happens but what is asked for.
fn service() -> Service {
    Service::with(Setup { components: vec!["task-api", "live"], ..Setup::default() })
}

fn open(service: &Service, user: &Client, headers: &[(&str, &str)]) -> Stream {
    let stream = Stream::open(service.address(), user.token().unwrap(), "", headers).unwrap();
    assert_eq!(stream.status, 200, "{}", stream.head);
    stream
}

fn after(service: &Service, user: &Client, id: &str) -> Stream {
    open(service, user, &[("last-event-id", id)])
}

fn create(user: &Client, title: &str) -> String {
    user.create(&json!({ "title": title }))["id"].as_str().unwrap().to_owned()
}

/// The ids and subjects of the next events.
fn next(stream: &mut Stream, count: usize) -> Vec<(String, String)> {
    let event = |_| {
        let (id, _, data) = stream.event(SOON);
        (id, data["subject"].as_str().unwrap().to_owned())
    };
    (0..count).map(event).collect()
}

/// That nothing more is told but comments, for a while in which anything would have been.
fn is_quiet(stream: &mut Stream) {
    let told = stream.rest(Duration::from_millis(2_500));
    assert!(told.iter().all(|told| !matches!(told, Told::Event { .. })), "{told:?}");
}

/// A refusal of a stream, read whole.
fn refused(user: &Client, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let call = user.call(Method::GET, path);
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).answer()
}

#[test]
fn what_happens_is_told_in_order_and_a_stream_is_taken_up_where_it_was_cut() {
    let service = service();
    let user = service.user("Ada");
    let old = create(&user, "before anyone listens");
    let mut stream = open(&service, &user, &[("accept", "text/event-stream")]);
    for line in
        ["content-type: text/event-stream\r\n", "cache-control: no-store\r\n", "x-accel-buffering: no\r\n"]
    {
        assert!(stream.head.contains(line), "{}", stream.head);
    }
    let deadline = Instant::now() + SOON;
    let Ok(Some(Told::Retry(retry))) = stream.next(deadline) else { panic!("it begins with retry") };
    assert!((1_000..2_000).contains(&retry), "{retry}");
    let (ready, event, data) = stream.event(SOON);
    assert_eq!((event.as_str(), &data["after"]), ("ready", &json!(1)));
    let epoch = data["epoch"].as_str().unwrap();
    assert_eq!(ready, format!("{epoch}.1"));

    let made = ["one", "two", "three"].map(|title| create(&user, title));
    let told = next(&mut stream, 3);
    let expected: Vec<_> =
        (2..).zip(&made).map(|(sequence, id)| (format!("{epoch}.{sequence}"), id.clone())).collect();
    assert_eq!(told, expected);
    assert!(!told.iter().any(|(_, subject)| *subject == old));

    // After each of them, the header or the query says where to go on; what is told is what the list has.
    let listed = user.get("/v1/events?after=1")["items"].clone();
    for (place, left) in [(ready.as_str(), 3), (&told[0].0, 2), (&told[1].0, 1), (&told[2].0, 0)] {
        let mut taken_up = after(&service, &user, place);
        let events: Vec<Value> = (0..left).map(|_| taken_up.event(SOON).2).collect();
        assert_eq!(json!(events), json!(listed.as_array().unwrap()[3 - left..]), "{place}");
        is_quiet(&mut taken_up);
    }
    let token = user.token().unwrap();
    let mut by_query = Stream::open(service.address(), token, &format!("?after={}", told[1].0), &[]).unwrap();
    assert_eq!(next(&mut by_query, 1), told[2..]);
    let both = [("last-event-id", told[0].0.as_str())];
    let mut by_both =
        Stream::open(service.address(), token, &format!("?after={}", told[1].0), &both).unwrap();
    assert_eq!(next(&mut by_both, 2), told[1..]);

    // HEAD is answered by the head alone, and counts for nothing.
    let head = user.call(Method::HEAD, "/v1/stream").answer();
    assert_eq!((head.status, head.header("content-type")), (StatusCode::OK, "text/event-stream"));
}

#[test]
fn many_events_come_whole_and_in_order_to_all_who_follow() {
    let service = service();
    let user = service.user("Ada");
    let mut streams: Vec<Stream> = (0..3).map(|_| open(&service, &user, &[])).collect();
    streams.iter_mut().for_each(|stream| assert_eq!(stream.event(SOON).1, "ready"));
    for batch in 0..5 {
        let one = |number: usize| json!({ "operation": "create", "body": { "title": format!("{batch}-{number}") } });
        let operations: Vec<Value> = (0..60).map(one).collect();
        let bulk = json!({ "mode": "all", "operations": operations });
        user.post("/v1/bulk").json(&bulk).answer().ok(StatusCode::OK);
    }
    for stream in &mut streams {
        let sequences: Vec<String> =
            next(stream, 300).into_iter().map(|(id, _)| id.split_once('.').unwrap().1.to_owned()).collect();
        assert_eq!(sequences, (1..=300).map(|sequence| sequence.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn a_place_that_is_lost_is_told_so_and_gone_on_from_the_end() {
    let service = service();
    let user = service.user("Ada");
    let mut stream = open(&service, &user, &[]);
    let (ready, ..) = stream.event(SOON);
    let epoch = ready.strip_suffix(".0").unwrap();
    (0..3).for_each(|_| drop(create(&user, "x")));
    service.seed().write(1, "DELETE FROM outbox WHERE sequence = 1", []);
    for (place, reason) in [
        (format!("{epoch}.0"), "forgotten"),
        ("0123456789abcdef.2".to_owned(), "restored"),
        (format!("{epoch}.4"), "restored"),
    ] {
        let mut lost = after(&service, &user, &place);
        let (id, event, data) = lost.event(SOON);
        assert_eq!((id, event.as_str()), (format!("{epoch}.3"), "reset"), "{place}");
        assert_eq!(data, json!({ "reason": reason, "epoch": epoch, "oldest": 2 }), "{place}");
        is_quiet(&mut lost);
    }
    // A restore while it is followed: the next thing told is that, and then what comes.
    let mut followed = after(&service, &user, &format!("{epoch}.3"));
    service.seed().write(1, "UPDATE epoch SET id = 'fedcba9876543210'", []);
    let (id, event, data) = followed.event(SOON);
    assert_eq!(
        (id.as_str(), event.as_str(), &data["reason"]),
        ("fedcba9876543210.3", "reset", &json!("restored"))
    );
    let made = create(&user, "after it");
    assert_eq!(next(&mut followed, 1), [("fedcba9876543210.4".to_owned(), made)]);
}

#[test]
fn another_users_events_are_never_told() {
    let service = service();
    let (ada, eve) = (service.user("Ada"), service.user("Eve"));
    let mut hers = open(&service, &eve, &[]);
    let (ready, ..) = hers.event(SOON);
    (0..20).for_each(|_| drop(create(&ada, "Ada's")));
    let own = create(&eve, "Eve's own");
    let (id, _, data) = hers.event(SOON);
    assert_eq!((data["subject"].as_str(), id.ends_with(".1")), (Some(own.as_str()), true));
    is_quiet(&mut hers);
    // Ada's places are Eve's places: of her own events.
    let mut from_the_beginning = after(&service, &eve, &ready);
    assert_eq!(next(&mut from_the_beginning, 1), [(id, own)]);
    is_quiet(&mut from_the_beginning);
    let mut as_ada = after(&service, &eve, &ready.replace(".0", ".20"));
    assert_eq!(as_ada.event(SOON).1, "reset");
    is_quiet(&mut as_ada);
}

#[test]
fn whoever_may_not_follow_any_more_is_cut_off() {
    let service = service();
    let (owner, user, leaving) = (service.owner(), service.user("Ada"), service.user("Mallory"));
    let users = owner.all("/v1/users");
    let id = |name: &str| users.iter().find(|user| user["name"] == name).unwrap()["id"].clone();
    let spare = json!({ "user": id("Ada"), "name": "spare", "scopes": ["tasks:read"] });
    let spare = owner.post("/v1/tokens").json(&spare).answer().ok(StatusCode::CREATED);
    let reader = owner.with_token(spare["secret"].as_str());
    let mut streams =
        [open(&service, &reader, &[]), open(&service, &leaving, &[]), open(&service, &user, &[])];
    streams.iter_mut().for_each(|stream| assert_eq!(stream.event(SOON).1, "ready"));
    let token = format!("/v1/tokens/{}", spare["id"].as_str().unwrap());
    owner.call(Method::DELETE, token).answer().ok(StatusCode::NO_CONTENT);
    let mallory = format!("/v1/users/{}", id("Mallory").as_str().unwrap());
    owner.call(Method::DELETE, mallory).answer().ok(StatusCode::NO_CONTENT);
    let revoked = Instant::now();
    let [reader_stream, leaving_stream, other] = &mut streams;
    for stream in [reader_stream, leaving_stream] {
        let told = stream.rest(REVOKED_WITHIN.saturating_sub(revoked.elapsed()));
        assert!(stream.has_ended(), "it goes on after {:?}: {told:?}", revoked.elapsed());
        assert!(matches!(told.last(), Some(Told::Comment(_))), "{told:?}");
    }
    create(&user, "after it");
    assert_eq!(other.event(SOON).1, "task.created", "her other token is hers");
    refused(&reader, "/v1/stream", &[]).is_problem(401, "unauthenticated");
}

#[test]
fn a_user_has_so_many_streams_and_takes_none_of_others() {
    let service = service();
    let (ada, eve) = (service.user("Ada"), service.user("Eve"));
    let opened =
        at_once(OF_A_USER + 5, |_| Stream::open(service.address(), ada.token().unwrap(), "", &[]).unwrap());
    let (mut streams, over): (Vec<Stream>, Vec<Stream>) =
        opened.into_iter().partition(|stream| stream.status == 200);
    assert_eq!((streams.len(), over.len()), (OF_A_USER, 5));
    let answer = refused(&ada, "/v1/stream", &[]);
    answer.is_problem(429, "too-many-streams");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(open(&service, &eve, &[]).event(SOON).1, "ready");
    assert_eq!(ada.call(Method::HEAD, "/v1/stream").answer().status, StatusCode::OK, "that is none");
    // Who leaves makes room, as soon as that is noticed: when something is sent.
    streams.truncate(OF_A_USER - 1);
    let room = || {
        create(&ada, "so that something is sent");
        Stream::open(service.address(), ada.token().unwrap(), "", &[])
            .ok()
            .filter(|stream| stream.status == 200)
    };
    until("there is room for one more", SOON, room);
}

#[test]
fn a_host_has_so_many_streams_and_answers_everything_else() {
    let service = service();
    let users: Vec<Client> =
        (0..OF_A_HOST / OF_A_USER).map(|number| service.user(&format!("User {number}"))).collect();
    let late = service.user("Late");
    let mut streams: Vec<Stream> =
        (0..OF_A_HOST).map(|number| open(&service, &users[number / OF_A_USER], &[])).collect();
    let full = refused(&late, "/v1/stream", &[]);
    assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE, "{}", full.body);
    assert_eq!(full.header("content-type"), "application/problem+json");
    assert!(full.header("retry-after").parse::<u32>().unwrap() >= 1);
    // The API has its own places, and does as ever.
    let answers = at_once(20, |number| {
        let user = &users[number % users.len()];
        (user.post("/v1/tasks").json(&json!({ "title": "x" })).answer().status, user.get("/v1/tasks"))
    });
    assert!(answers.iter().all(|(status, _)| *status == StatusCode::CREATED), "{answers:?}");
    let events = streams.iter_mut().map(|stream| {
        assert_eq!(stream.event(SOON).1, "ready");
        stream.event(SOON).1
    });
    assert!(events.into_iter().all(|event| event == "task.created"), "each is told what is its user's");
    drop(streams);
}

#[test]
fn a_quiet_stream_is_kept_open_and_ends_after_55_seconds() {
    let service = service();
    let user = service.user("Ada");
    let began = Instant::now();
    let mut stream = open(&service, &user, &[]);
    let (ready, ..) = stream.event(SOON);
    let mut comments = Vec::new();
    while let Some(told) = stream.next(began + Duration::from_secs(90)).unwrap() {
        let Told::Comment(words) = told else { panic!("{told:?}") };
        comments.push((began.elapsed(), words));
    }
    let ended = began.elapsed();
    assert!((54..60).contains(&ended.as_secs()), "{ended:?}");
    assert_eq!(comments.len(), 4, "three times nothing, and the end: {comments:?}");
    let times = [Duration::ZERO].into_iter().chain(comments.iter().map(|(at, _)| *at));
    let pairs = times.clone().zip(times.skip(1));
    assert!(pairs.into_iter().all(|(one, other)| other - one < Duration::from_secs(18)), "{comments:?}");
    until("it counts no more", SOON, || {
        (service.database().number("SELECT count(*) FROM listener", []) == 0).then_some(())
    });
    // Nothing was told meanwhile; the place is still one to go on from.
    let made = create(&user, "after it");
    assert_eq!(next(&mut after(&service, &user, &ready), 1)[0].1, made);
}

#[test]
fn what_is_wrong_is_refused_at_the_door() {
    let service = service();
    let user = service.user("Ada");
    let scoped = |scopes: Value| {
        let id = user.get("/v1/me")["id"].clone();
        let token = json!({ "user": id, "name": "narrow", "scopes": scopes });
        let token = service.owner().post("/v1/tokens").json(&token).answer().ok(StatusCode::CREATED);
        user.with_token(token["secret"].as_str())
    };
    refused(&service.anyone(), "/v1/stream", &[]).is_problem(401, "unauthenticated");
    refused(&user.with_token(Some("prn_none")), "/v1/stream", &[]).is_problem(401, "unauthenticated");
    refused(&scoped(json!(["tasks:write"])), "/v1/stream", &[]).is_problem(403, "forbidden");
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = user.call(method, "/v1/stream").answer();
        answer.is_problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
    refused(&user, "/v1/stream/1", &[]).is_problem(404, "not-found");
    refused(&user, "/v1/stream", &[("accept", "application/json")]).is_problem(406, "not-acceptable");
    for query in ["?after=1", "?after=", "?after=a.b", "?after=a.1&after=a.1", "?from=a.1", "?after=%ff"] {
        refused(&user, &format!("/v1/stream{query}"), &[]).is_problem(400, "malformed");
    }
    for place in ["1", "a.", ".1", "a.-1", "a.1 b", "a.1, a.2"] {
        refused(&user, "/v1/stream", &[("last-event-id", place)]).is_problem(400, "malformed");
    }
    let described = user.get("/openapi.json")["paths"]["/v1/stream"]["get"]["responses"].clone();
    for status in ["200", "400", "401", "403", "406", "429", "500", "503"] {
        assert!(described[status].is_object(), "{status} is not described");
    }
    let listeners = service.database().number("SELECT count(*) FROM listener", []);
    assert_eq!(listeners, 0, "none of them was let in");
    let head = user.call(Method::HEAD, "/v1/stream").header("last-event-id", "1").answer();
    assert_eq!((head.status, head.body.as_str()), (StatusCode::BAD_REQUEST, ""));
    assert!(!service.output().contains("panicked"), "{}", service.output());
}

#[test]
fn a_stream_that_is_cut_by_the_hosts_end_is_taken_up_at_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || Setup {
        state_dir: Some(folder.path().join("state")),
        components: vec!["task-api", "live"],
        ..Setup::default()
    };
    let mut service = Service::with(setup());
    let user = service.user("Ada");
    let mut stream = open(&service, &user, &[]);
    let (ready, ..) = stream.event(SOON);
    let began = Instant::now();
    assert!(service.terminate().success());
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "open streams do not hold it up: {:?}",
        began.elapsed()
    );
    stream.rest(Duration::from_secs(2));
    let service = Service::with(setup());
    let user = service.owner().with_token(user.token());
    let made = create(&user, "after it");
    assert_eq!(next(&mut after(&service, &user, &ready), 1)[0].1, made);
    // What was told by whoever was cut counts for a minute.
    assert_eq!(service.database().number("SELECT count(*) FROM listener", []), 2);
}
