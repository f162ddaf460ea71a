//! A disk that is full for a while: what cannot be kept is refused and told, and nobody need restart anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use http::{Method, StatusCode};
use perennial_tests::{SOON, Service, Setup, until};
use serde_json::{Value, json};

/// A file system of our own; gone when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where one may not be mounted.
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then(|| Self(at.to_owned()))
    }

    fn fill(&self) {
        // Piece by piece, down to the last page.
        let mut filler = fs::File::create(self.0.join("filler")).unwrap();
        for piece in [1024 * 1024, 4096, 1] {
            while std::io::Write::write_all(&mut filler, &vec![b'x'; piece]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_and_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("state")) else {
        assert!(std::env::var_os("CI").is_none(), "no file system may be mounted here");
        println!("skipped: no file system may be mounted here");
        return;
    };
    let service = Service::with(Setup { state_dir: Some(disk.0.clone()), ..Setup::default() });
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
