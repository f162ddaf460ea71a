//! The HTTP trigger.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Host, PROBE, Setup, eventually};

const ROUTES: &str = r#"
[[trigger.http]]
route = "/exact"
component = "exact"
[[trigger.http]]
route = "/item/:item_id/part/:Part"
component = "parameter"
[[trigger.http]]
route = "/exact/..."
component = "wildcard"
[[trigger.http]]
route = "/exact/deep/..."
component = "deeper"
[[trigger.http]]
route = "/twice"
component = "exact"
[[trigger.http]]
route = "/twice"
component = "wildcard"
[[trigger.http]]
route = "/fixed"
static_response = { status_code = 418, headers = { x-kind = "teapot" }, body = "short and stout" }
[[trigger.http]]
route = "/empty"
static_response = {}
[component.exact]
source = "{probe}"
environment = { WHO = "exact" }
[component.parameter]
source = "{probe}"
[component.wildcard]
source = "{probe}"
environment = { WHO = "wildcard" }
[component.deeper]
source = "{probe}"
"#;

fn headers(reply: &Value, name: &str) -> Vec<String> {
    let prefix = format!("{name}: ");
    let lines = reply["headers"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    lines.filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

fn header(reply: &Value, name: &str) -> String {
    let values = headers(reply, name);
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_spins_headers() {
    let host =
        Setup::new(&ROUTES.replace("/item/:item_id/part/:Part", "/item/:item_id/headers")).start().await;
    let address = host.running.address.to_string();
    let reply = host.get("/item/42/headers?a=b").await.json();
    assert_eq!(header(&reply, "spin-path-info"), "");
    assert_eq!(header(&reply, "spin-full-url"), format!("http://{address}/item/42/headers?a=b"));
    assert_eq!(header(&reply, "spin-matched-route"), "/item/:item_id/headers");
    assert_eq!(header(&reply, "spin-base-path"), "/");
    assert_eq!(header(&reply, "spin-raw-component-route"), "/item/:item_id/headers");
    assert_eq!(header(&reply, "spin-component-route"), "/item/:item_id/headers");
    assert_eq!(header(&reply, "spin-path-match-item-id"), "42");
    assert!(header(&reply, "spin-client-addr").starts_with("127.0.0.1:"));
    assert_eq!(reply["uri"], format!("http://{address}/item/42/headers?a=b"));
    for (path, info) in [("/exact/headers", "/headers"), ("/exact/headers/", "/headers/")] {
        let reply = host.get(path).await.json();
        assert_eq!(header(&reply, "spin-path-info"), info);
        assert_eq!(header(&reply, "spin-matched-route"), "/exact/...");
        assert_eq!(header(&reply, "spin-component-route"), "/exact");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_headers_come_after_the_clients() {
    let host = Host::probe().await;
    let request = http::Request::get("/headers").header("spin-client-addr", "evil").header("x-own", "kept");
    let reply = host.send(request, "").await.json();
    let addresses = headers(&reply, "spin-client-addr");
    assert_eq!(addresses.first().unwrap(), "evil");
    assert!(addresses.last().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(header(&reply, "x-own"), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_have_spins_precedence() {
    let host = Setup::new(ROUTES).start().await;
    let who = async |path: &str| host.get(path).await.json()["WHO"].clone();
    // The last segment of the path is what the probe is asked; `env` tells which component answered.
    assert_eq!(who("/exact/env").await, "wildcard");
    assert_eq!(host.get("/exact/").await.json()["path"], "/exact/");
    assert_eq!(host.get("/item/1/part/2").await.json()["path"], "/item/1/part/2");
    for path in ["/", "/item/1", "/item/1/part/2/3", "/exactly", "/fixed/x"] {
        let reply = host.get(path).await;
        assert_eq!((reply.status, reply.body.len()), (404, 0), "{path}");
    }
    let reply = host.get("/fixed").await;
    assert_eq!(
        (reply.status, &reply.body[..], &reply.headers["x-kind"]),
        (418, &b"short and stout"[..], &"teapot".parse().unwrap())
    );
    let reply = host.get("/empty").await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_beats_wildcard_and_the_last_duplicate_wins() {
    let routes = r#"
[[trigger.http]]
route = "/env"
component = "wildcard"
[[trigger.http]]
route = "/env"
component = "exact"
[[trigger.http]]
route = "/..."
component = "wildcard"
[[trigger.http]]
route = "/:any"
component = "parameter"
"#;
    let components = &ROUTES[ROUTES.find("[component.exact]").unwrap()..];
    let components = components.replace(
        "[component.parameter]\nsource",
        "[component.parameter]\nenvironment = { WHO = \"parameter\" }\nsource",
    );
    let host = Setup::new(
        &format!("{routes}{components}").replace("[component.deeper]\nsource = \"{probe}\"\n", ""),
    )
    .start()
    .await;
    assert_eq!(host.get("/env").await.json()["WHO"], "exact");
    assert_eq!(host.get("/env/").await.json()["WHO"], "exact");
    assert_eq!(host.get("/a/env").await.json()["WHO"], "wildcard");
    let reply = host.get("/headers").await.json();
    assert_eq!(header(&reply, "spin-matched-route"), "/:any");
    assert_eq!(header(&reply, "spin-path-match-any"), "headers");
}

#[tokio::test(flavor = "multi_thread")]
async fn well_known_paths_are_the_hosts() {
    let host = Host::probe().await;
    let reply = host.get("/.well-known/spin/health").await;
    assert_eq!((reply.status, &reply.body[..]), (200, &b"OK"[..]));
    let reply = host.get("/.well-known/spin/info").await;
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.json(), json!({ "name": "probe", "version": "1.2.3" }));
    let reply = host.get("/.well-known/spin/other").await;
    assert_eq!((reply.status, reply.body.len()), (404, 0));
    assert_eq!(host.get("/.well-known/other").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_guest_answers_500_with_nothing_else() {
    let host = Host::probe().await;
    for path in ["/trap", "/silent"] {
        let reply = host.get(path).await;
        assert_eq!((reply.status, reply.body.len()), (500, 0), "{path}");
    }
    assert_eq!(host.get("/seen").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_has_a_fresh_instance() {
    let host = Host::probe().await;
    for _ in 0..3 {
        assert_eq!(host.get("/seen").await.json()["seen"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_works_on_after_its_response() {
    let host = Host::probe().await;
    let began = Instant::now();
    let script = json!({ "sleep": 400, "statements": [["CREATE TABLE late (a)"]] });
    assert_eq!(host.post("/after", &script).await, json!({ "answered": true }));
    assert!(began.elapsed() < Duration::from_millis(350), "the client had to wait");
    host.running.idle().await;
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(host.rows("SELECT count(*) FROM late").await, json!([[0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_after_the_response_is_bounded() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.after_response = Duration::from_millis(100);
    let host = setup.start().await;
    let script = json!({ "sleep": 60_000, "statements": [["CREATE TABLE late (a)"]] });
    assert_eq!(host.post("/after", &script).await, json!({ "answered": true }));
    tokio::time::timeout(Duration::from_secs(5), host.running.idle()).await.expect("the guest is stopped");
    assert_eq!(host.rows("SELECT count(*) FROM sqlite_schema").await, json!([[0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_does_not_abort_the_guest() {
    let host = Host::probe().await;
    let script = json!({ "sleep": 200, "statements": [["CREATE TABLE left (a)"]] }).to_string();
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    let head = format!("POST /after HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", script.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(script.as_bytes()).await.unwrap();
    // The head of the answer is the sign that the guest runs; then the client is gone.
    let mut first = [0u8; 12];
    stream.read_exact(&mut first).await.unwrap();
    drop(stream);
    host.running.idle().await;
    assert_eq!(host.rows("SELECT count(*) FROM left").await, json!([[0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_flushes_and_its_guest_notices_that_the_client_left() {
    let host = Host::probe().await;
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    stream.write_all(b"GET /stream?100000 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut received = Vec::new();
    while !received.windows(3).any(|bytes| bytes == b"\n2\n" || bytes == b"2\n\r") {
        let mut chunk = [0u8; 256];
        let n = stream.read(&mut chunk).await.unwrap();
        assert_ne!(n, 0, "the stream ended");
        received.extend_from_slice(&chunk[..n]);
    }
    drop(stream);
    eventually("the guest notices", async || {
        host.rows("SELECT text FROM notes WHERE kind = 'stream'").await == json!([["client left"]])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_spins_is_stopped() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.cpu = Duration::from_millis(200);
    let host = setup.start().await;
    let (spinning, other) = tokio::join!(host.get("/spin"), host.get("/seen"));
    assert_eq!((spinning.status, other.status), (500, 200));
    // Waiting is not computing, however often.
    assert_eq!(host.get("/sleep?500").await.status, 200);
    assert_eq!(host.get("/naps?60").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_never_answers_is_stopped() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.until_response = Duration::from_millis(100);
    let host = setup.start().await;
    assert_eq!(host.get("/sleep?60000").await.status, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded() {
    let host = Setup::new(PROBE).runtime_config("max_instance_memory = 20000000").start().await;
    assert_eq!(host.get("/memory?1000000").await.json()["bytes"], 1_000_000);
    assert_eq!(host.get("/memory?30000000").await.status, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_host_answers_503() {
    let mut setup = Setup::new(PROBE);
    setup.options.max_instances = 2;
    let host = setup.start().await;
    let (a, b, c) = tokio::join!(host.get("/sleep?300"), host.get("/sleep?300"), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        host.get("/seen").await
    });
    assert_eq!((a.status, b.status), (200, 200));
    assert_eq!((c.status, &c.headers["retry-after"]), (503, &"1".parse().unwrap()));
    host.running.idle().await;
    assert_eq!(host.get("/seen").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_head_is_refused() {
    let host = Host::probe().await;
    let reply = host.send(http::Request::get("/headers").header("x-large", "a".repeat(100_000)), "").await;
    assert_eq!(reply.status, 200);
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    let request = format!("GET /headers HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "a".repeat(140_000));
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = vec![0u8; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 431");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_arrive_whole() {
    let host = Host::probe().await;
    let body = vec![b'x'; 3_000_000];
    assert_eq!(host.send(http::Request::post("/length"), body).await.json()["length"], 3_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contradictory_host_is_refused() {
    let host = Host::probe().await;
    let reply = host.send(http::Request::get("http://other.example/headers").header("host", "x"), "").await;
    assert_eq!(reply.status, 400);
}
