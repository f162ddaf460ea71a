//! Who writes: one task after the other, each of which is done in the end, however often the service is away.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use http::StatusCode;
use perennial_tests::Client;
use serde_json::json;

use crate::Run;

/// Between two writes, in milliseconds at most.
const PAUSE: u64 = 60;

/// Before what was not answered is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// Writes until told to stop, and says how many writes were acknowledged.
pub(crate) fn write(run: &Run, user: &Client, seed: u64) -> usize {
    let mut rng = Rng::with_seed(seed);
    let mut written = 0;
    while !run.still.load(Ordering::Relaxed) {
        let key = format!("write-{written}");
        while !created(run, user, &key) {
            thread::sleep(AGAIN);
        }
        written += 1;
        thread::sleep(Duration::from_millis(rng.u64(..PAUSE)));
    }
    written
}

/// Whether a task was acknowledged. The same key makes it once, whatever became of an attempt before.
fn created(run: &Run, user: &Client, key: &str) -> bool {
    let Some(address) = run.address() else { return false };
    let user = Client::new(format!("http://{address}"), user.token());
    let call = user.post("/v1/tasks").json(&json!({ "title": key })).header("idempotency-key", key);
    call.send().is_ok_and(|answer| answer.status == StatusCode::CREATED)
}
