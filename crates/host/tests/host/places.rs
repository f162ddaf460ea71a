//! Components with places of their own for guests.

use crate::support::{Host, PROBE, Setup, eventually};

/// A component beside the probe that has room for two guests.
const WAITING: &str = r#"
[[trigger.http]]
route = "/waiting/..."
component = "waiting"
[component.waiting]
source = "{probe}"
[component.waiting.tool.perennial]
max_instances = 2
"#;

async fn started(host: &Host, component: &str, guests: u64) {
    eventually("the guests are started", async || host.running.counts()[component].guests == guests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_has_no_more_guests_than_it_may_and_takes_no_place_of_others() {
    let mut setup = Setup::new(&format!("{PROBE}{WAITING}"));
    setup.options.max_instances = 1;
    let host = setup.start().await;
    let two = async { tokio::join!(host.get("/waiting/sleep?2000"), host.get("/waiting/sleep?2000")) };
    let meanwhile = async {
        started(&host, "waiting", 2).await;
        let third = host.get("/waiting/seen").await;
        assert_eq!(third.status, 503);
        assert_eq!(third.headers["content-type"], "application/problem+json");
        assert!(third.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
        assert_eq!(host.running.counts()["waiting"].guests, 2, "no guest was started for it");
        // The one place of all others is free.
        assert_eq!(host.get("/seen").await.status, 200);
    };
    let ((first, second), ()) = tokio::join!(two, meanwhile);
    assert_eq!((first.status, second.status), (200, 200));
    // And theirs are free again.
    host.running.idle().await;
    assert_eq!(host.get("/waiting/seen").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_that_are_busy_leave_a_component_its_places() {
    let mut setup = Setup::new(&format!("{PROBE}{WAITING}"));
    setup.options.max_instances = 1;
    let host = setup.start().await;
    let meanwhile = async {
        started(&host, "probe", 1).await;
        assert_eq!(host.get("/seen").await.status, 503);
        assert_eq!(host.get("/waiting/seen").await.status, 200);
    };
    tokio::join!(host.get("/sleep?1000"), meanwhile);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_has_half_the_turns_and_its_others_wait_without_a_guest() {
    let at_once = std::thread::available_parallelism().unwrap().get() * 8;
    let mut setup = Setup::new(PROBE);
    // Two more may wait.
    setup.options.max_instances = u32::try_from((at_once + 2) * 8).unwrap();
    let host = setup.start().await;
    let ask = async |token: &str, path: &str| {
        host.send(http::Request::get(path).header("authorization", token), "").await
    };
    let slow = futures_util::future::join_all((0..at_once).map(|_| ask("Bearer one", "/sleep?6000")));
    let others = async {
        started(&host, "probe", at_once as u64).await;
        // Two wait, and the third is one too many.
        let three = ["Bearer one", "bearer  one", "Bearer one"].map(|token| ask(token, "/seen"));
        let meanwhile = async {
            assert_eq!(ask("Bearer two", "/seen").await.status, 200);
            assert_eq!(host.get("/seen").await.status, 200);
        };
        tokio::join!(futures_util::future::join_all(three), meanwhile).0
    };
    let (slow, three) = tokio::join!(slow, others);
    assert!(slow.iter().all(|reply| reply.status == 200));
    let (refused, waited): (Vec<_>, Vec<_>) = three.iter().partition(|reply| reply.status == 429);
    assert!(waited.iter().all(|reply| reply.status == 200));
    let [refused] = refused[..] else { panic!("{three:?}") };
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_wait_leave_others_their_turns() {
    let many = WAITING.replace("max_instances = 2", "max_instances = 200");
    let host = Setup::new(&format!("{PROBE}{many}")).start().await;
    let waiting = futures_util::future::join_all((0..200).map(|_| host.get("/waiting/sleep?5000")));
    let meanwhile = async {
        started(&host, "waiting", 200).await;
        for _ in 0..20 {
            assert_eq!(host.get("/seen").await.status, 200);
        }
        host.running.counts()["waiting"].guests
    };
    let (replies, guests) = tokio::join!(waiting, meanwhile);
    assert_eq!(guests, 200);
    assert!(replies.iter().all(|reply| reply.status == 200));
}
