//! A Redis that takes connections and does not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Host, Setup, eventually};

const APP: &str = r#"
[variables]
redis_url = { default = "redis://127.0.0.1:6379" }
[[trigger.http]]
route = "/..."
component = "probe"
[component.probe]
source = "{probe}"
allowed_outbound_hosts = ["{{ redis_url }}"]
"#;

/// Says OK so many times, and then nothing at all.
#[derive(Clone, Default)]
struct Fake {
    answers: Arc<AtomicUsize>,
    /// Whether it says no instead of OK.
    denies: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
}

impl Fake {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("redis://{}", listener.local_addr().unwrap());
        let fake = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                fake.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(fake.clone().serve(stream));
            }
        });
        address
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut bytes = [0u8; 4096];
        while let Ok(read @ 1..) = stream.read(&mut bytes).await {
            // Each command is one array.
            for _ in bytes[..read].iter().filter(|byte| **byte == b'*') {
                let left = |left: usize| left.checked_sub(1);
                if self.answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
                    let no: &[u8] = b"-NOPERM this user has no permissions\r\n";
                    let word = if self.denies.load(Ordering::SeqCst) { no } else { b"+OK\r\n" };
                    let _ = stream.write_all(word).await;
                }
            }
        }
    }
}

async fn host(fake: &Fake) -> (Host, String) {
    let address = fake.start().await;
    let mut setup = Setup::new(APP).variable("redis_url", &address);
    // One may wait at a time.
    setup.options.max_instances = 2;
    setup.options.limits.redis_connect = Duration::from_millis(300);
    setup.options.limits.redis_command = Duration::from_millis(300);
    (setup.start().await, address)
}

async fn publish(host: &Host, address: &str, times: usize) -> Value {
    let commands = vec![json!(["publish", "news", "x"]); times];
    host.post("/redis", &json!({ "address": address, "commands": commands })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_redis_costs_one_wait_and_is_found_again() {
    let fake = Fake::default();
    let (host, address) = host(&fake).await;
    assert!(publish(&host, &address, 1).await["error"].is_string());
    let (seen, before) = (fake.connections.load(Ordering::SeqCst), std::time::Instant::now());
    for _ in 0..100 {
        assert!(publish(&host, &address, 1).await["error"].is_string());
    }
    // Only the host's own probes go there, one every two seconds at most.
    let probes = usize::try_from(before.elapsed().as_secs()).unwrap() / 2 + 1;
    let opened = fake.connections.load(Ordering::SeqCst) - seen;
    assert!(opened <= probes, "{opened} connections, at most {probes} expected");
    fake.answers.store(usize::MAX, Ordering::SeqCst);
    eventually("it is used again", async || {
        publish(&host, &address, 1).await == json!({ "results": ["ok"] })
    })
    .await;
}

/// A user who may publish may not be allowed to ask whether it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_says_no_answers() {
    let fake = Fake::default();
    let (host, address) = host(&fake).await;
    assert!(publish(&host, &address, 1).await["error"].is_string());
    fake.denies.store(true, Ordering::SeqCst);
    fake.answers.store(usize::MAX, Ordering::SeqCst);
    eventually("it is used again", async || {
        publish(&host, &address, 1).await.to_string().contains("has no permissions")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_stops_under_a_connection_costs_one_wait() {
    let fake = Fake::default();
    fake.answers.store(100, Ordering::SeqCst);
    let (host, address) = host(&fake).await;
    let reply = publish(&host, &address, 200).await;
    let results = reply["results"].as_array().unwrap();
    let errors: Vec<&str> = results.iter().filter_map(|result| result["error"].as_str()).collect();
    assert!((100..200).contains(&errors.len()), "{}", errors.len());
    // The first has waited; each other would have waited as long.
    assert!(errors[1..].iter().all(|error| error.contains("not tried again yet")), "{:?}", &errors[..3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_redis_holds_nobody_else() {
    let fake = Fake::default();
    let address = fake.start().await;
    let mut setup = Setup::new(APP).variable("redis_url", &address);
    setup.options.limits.redis_connect = Duration::from_secs(600);
    let host = setup.start().await;
    let waits = publish(&host, &address, 1);
    let others = async {
        eventually("it is connected", async || fake.connections.load(Ordering::SeqCst) > 0).await;
        for _ in 0..20 {
            assert_eq!(host.get("/seen").await.status, 200);
        }
    };
    tokio::select! {
        reply = waits => panic!("it answered: {reply}"),
        () = others => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn few_wait_for_a_redis_before_it_is_known_to_hang() {
    let fake = Fake::default();
    let address = fake.start().await;
    let mut setup = Setup::new(APP).variable("redis_url", &address);
    setup.options.max_instances = 10;
    setup.options.limits.redis_connect = Duration::from_secs(600);
    let host = setup.start().await;
    let waiting = futures_util::future::join_all((0..5).map(|_| publish(&host, &address, 1)));
    let others = async {
        eventually("half of the instances wait", async || fake.connections.load(Ordering::SeqCst) == 5).await;
        for _ in 0..20 {
            let reply = publish(&host, &address, 1);
            let reply =
                tokio::time::timeout(Duration::from_secs(20), reply).await.expect("it is refused at once");
            let error = reply["error"].as_str().unwrap();
            assert!(error.contains("too many wait for an answer of this Redis"), "{error}");
        }
    };
    tokio::select! {
        replies = waiting => panic!("they answered: {replies:?}"),
        () = others => {}
    }
}
