//! A store that is put back from a copy gives sequences out again: whoever has read them is told so.

use std::fs;

use http::{Method, StatusCode};
use perennial_tests::{SOON, Service, Setup, Stream, restored};
use serde_json::json;

#[test]
fn readers_are_told_that_a_store_was_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (state, copy) = (folder.path().join("state"), folder.path().join("copy.db"));
    let start = || Service::with(Setup { state_dir: Some(state.clone()), ..Setup::default() });
    let mut service = start();
    let user = service.user("Ada");
    let create = |service: &Service, title: &str| {
        let user = service.anyone().with_token(user.token());
        user.create(&json!({ "title": title }));
        user
    };
    create(&service, "in the copy");
    // As the operator's page says.
    service.seed().write(0, "VACUUM INTO ?1", [copy.to_str().unwrap()]);
    let user = create(&service, "not in the copy");
    let place = user.get("/v1/events?limit=200");
    let (epoch, after) = (place["epoch"].as_str().unwrap().to_owned(), place["next_after"].as_i64().unwrap());
    assert_eq!(place["items"].as_array().unwrap().len(), 2);
    assert!(!restored(&state), "a store in use stays as it is");

    service.terminate();
    drop(service);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(state.join(format!("sqlite_db.db{end}")));
    }
    fs::copy(&copy, state.join("sqlite_db.db")).unwrap();
    assert!(restored(&state));
    let service = start();
    let user = create(&service, "given the same sequence");
    let answer = user.call(Method::GET, format!("/v1/events?after={after}&epoch={epoch}")).answer();
    answer.is_problem(410, "gone");
    let now = user.get("/v1/events?limit=200");
    assert!(now["epoch"] != epoch && now["next_after"] == after, "the sequence is given out again: {now}");
    assert_eq!(now["items"][1]["epoch"], now["epoch"]);

    let place = format!("{epoch}.{after}");
    let mut stream =
        Stream::open(service.address(), user.token().unwrap(), "", &[("last-event-id", &place)]).unwrap();
    assert_eq!(stream.status, StatusCode::OK);
    let (_, event, data) = stream.event(SOON);
    assert_eq!(
        (event.as_str(), &data["reason"], &data["epoch"]),
        ("reset", &json!("restored"), &now["epoch"])
    );
}
