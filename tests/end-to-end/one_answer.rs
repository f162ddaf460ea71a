//! The law of the Idempotency-Key, for every operation that writes: equal requests with one key, at once or in turn, have
//! one effect and get one answer.

use std::collections::HashSet;

use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, Service, Setup, at_once};
use serde_json::{Value, json};

use crate::case::Case;
use crate::operations::OPERATIONS;
use crate::parked::one_parked;

/// Equal requests sent at once.
const EQUAL: usize = 8;

/// How often each operation is tried: who is faster is drawn anew each time.
const ROUNDS: usize = 8;

#[test]
fn equal_requests_with_one_key_have_one_effect_and_get_one_answer() {
    let service = Service::start();
    let mut broken = Vec::new();
    for operation in OPERATIONS {
        let user = service.user(operation.name);
        let outcome = (0..ROUNDS).try_for_each(|round| {
            let case = (operation.prepare)(&service, &user);
            let key = format!("{}-{round}", operation.name.replace(' ', "-"));
            law(&case, &key)
        });
        if let Err(why) = outcome {
            println!("BROKEN  {}: {why}", operation.name);
            broken.push(operation.name);
        } else {
            println!("kept    {}", operation.name);
        }
    }
    assert!(broken.is_empty(), "{} of {} operations: {broken:?}", broken.len(), OPERATIONS.len());
}

fn law(case: &Case, key: &str) -> Result<(), String> {
    let before = (case.effects)(&case.caller);
    let ask = || send(case, key, case.body.as_ref(), case.if_match.as_deref());
    let mut answers = at_once(EQUAL, |_| ask());
    answers.push(ask());
    // Another request with the key is refused, and takes nothing from the answer of the first.
    let mut others = Vec::new();
    if let Some(other) = &case.other_body {
        others.push(("another body", send(case, key, Some(other), case.if_match.as_deref())));
    }
    if case.honours_if_match {
        others.push(("another If-Match", send(case, key, case.body.as_ref(), Some("\"4711\""))));
    }
    answers.push(ask());

    let distinct: HashSet<_> = answers.iter().map(told).collect();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    if distinct.len() != 1 {
        return Err(format!("{} answers, of status {statuses:?}", distinct.len()));
    }
    if statuses[0] != case.status {
        return Err(format!("{} {}", statuses[0], answers[0].body));
    }
    match (case.effects)(&case.caller) - before {
        1 => others.iter().try_for_each(|(what, answer)| is_mismatch(what, answer)),
        effects => Err(format!("{effects} effects")),
    }
}

fn send(case: &Case, key: &str, body: Option<&Value>, if_match: Option<&str>) -> Answer {
    let mut call = case.caller.call(case.method.clone(), case.path.as_str()).header("idempotency-key", key);
    if let Some(tag) = if_match {
        call = call.header("if-match", tag);
    }
    match body {
        Some(body) => call.json(body).answer(),
        // A POST says that it has no body.
        None if case.method == Method::POST => call.body("", "").answer(),
        None => call.answer(),
    }
}

fn told(answer: &Answer) -> (u16, &str, &str, &str) {
    (answer.status.as_u16(), &answer.body, answer.header("etag"), answer.header("location"))
}

fn is_mismatch(what: &str, answer: &Answer) -> Result<(), String> {
    let kind = "urn:perennial:problem:idempotency-mismatch";
    if answer.status.as_u16() == 422 && answer.json()["type"] == kind {
        return Ok(());
    }
    Err(format!("{what} got {} {}", answer.status, answer.body))
}

/// Asks for a channel, which is answered with a secret.
fn channel(user: &Client, key: &str) -> Value {
    let body = json!({ "type": "webhook", "url": "https://example.org/hook" });
    let call = user.post("/v1/channels").header("idempotency-key", key).json(&body);
    call.answer().ok(StatusCode::CREATED)
}

#[test]
fn a_secret_is_told_again_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { state_dir: Some(folder.path().join("state")), ..Setup::default() };
    let mut service = Service::with(setup.clone());
    let user = service.user("Ada");
    let made = channel(&user, "key");
    service.kill();
    let service = Service::with(setup);
    let again = channel(&service.anyone().with_token(user.token()), "key");
    assert_eq!(again, made, "a lost answer is given again, with its secret");
}

#[test]
fn a_secret_is_told_again_only_to_who_was_told_it() {
    let service = Service::start();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let first = channel(&ada, "key");
    let secret = first["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{first}");
    assert_eq!(channel(&ada, "key"), first);
    assert_ne!(channel(&bo, "key")["secret"], first["secret"]);
    assert_ne!(channel(&ada, "another")["secret"], first["secret"]);

    // Another token of the same user was told nothing.
    let owner = service.owner();
    let token = json!({ "user": ada_s_id(&owner), "name": "another" });
    let token = owner.post("/v1/tokens").json(&token).answer().ok(StatusCode::CREATED);
    let other = owner.with_token(token["secret"].as_str());
    let call = other.post("/v1/channels").header("idempotency-key", "key");
    let answer = call.json(&json!({ "type": "webhook", "url": "https://example.org/hook" })).answer();
    assert!(!answer.body.contains(secret), "{}", answer.body);

    // What is stored for the repetition does not show the secret to whoever reads the file.
    let stored = "SELECT count(*) FROM idempotency WHERE instr(body, ?1) > 0";
    assert_eq!(service.database().number(stored, [secret]), 0, "the stored answer is sealed");
}

/// The id of the user called Ada.
fn ada_s_id(owner: &Client) -> Value {
    owner.all("/v1/users").into_iter().find(|user| user["name"] == "Ada").unwrap()["id"].clone()
}

#[test]
fn asking_to_try_parked_work_again_has_one_answer_too() {
    let service = Service::start();
    let user = service.user("Ada");
    let (item, _) = one_parked(&service, &user);
    let path = format!("/v1/parked/{}/retry", item["id"].as_str().unwrap());
    // Tried again means that it is not listed any more, or listed as parked anew.
    let tried = move |user: &Client| usize::from(!user.all("/v1/parked").contains(&item));
    law(&Case::new(&user, Method::POST, path, 204, tried), "retry").unwrap();
}
