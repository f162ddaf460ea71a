//! A disk that is full for a while: what cannot be kept is refused and told, and nobody need restart anything.

use http::{Method, StatusCode};
use perennial_tests::{SOON, Service, Setup, SmallDisk, until};
use serde_json::{Value, json};

#[test]
fn a_full_disk_is_told_and_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("state"), 24) else { return };
    let service = Service::with(Setup { state_dir: Some(disk.folder().to_owned()), ..Setup::default() });
    let user = service.user("Ada");
    let long = "x".repeat(8_000);
    let create = || user.post("/v1/tasks").json(&json!({ "title": "One", "description": long })).answer();
    create().ok(StatusCode::CREATED);
    disk.fill();

    // What is in the log's file already may take a few more.
    let refused = until("a write is refused", SOON, || {
        let answer = create();
        (answer.status != StatusCode::CREATED).then_some(answer)
    });
    refused.is_problem(503, "unavailable");
    assert_eq!(user.get("/v1/tasks?limit=1")["items"].as_array().map(Vec::len), Some(1), "reads go on");
    let ready = || service.anyone().call(Method::GET, "/readyz").answer().status;
    until("it is not ready", SOON, || (ready() == StatusCode::SERVICE_UNAVAILABLE).then_some(()));
    let kept = user.all("/v1/tasks").len();
    for _ in 0..100 {
        assert_eq!(create().status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let told: Vec<Value> = failed_requests(&service);
    assert!(told.iter().any(|line| line["request"].is_string() && line["error"].is_string()), "{told:?}");
    assert!(told.len() <= 20, "{} lines for a hundred failures", told.len());

    disk.free();
    until("it is ready again", SOON, || (ready() == StatusCode::OK).then_some(()));
    create().ok(StatusCode::CREATED);
    assert_eq!(user.all("/v1/tasks").len(), kept + 1, "what was refused was not kept");
}

/// The lines of the log that tell of a request that failed.
fn failed_requests(service: &Service) -> Vec<Value> {
    let output = service.output();
    let events =
        output.lines().filter_map(|line| serde_json::from_str::<Value>(line.split_once("] ")?.1).ok());
    events.filter(|event| event["message"] == "a request failed").collect()
}
