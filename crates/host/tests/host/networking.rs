//! Outgoing HTTP: who may go where.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Host, Setup};

fn app(hosts: &str) -> String {
    format!(
        r#"
[variables]
port = {{ default = "80" }}
[[trigger.http]]
route = "/..."
component = "probe"
[[trigger.http]]
route = {{ private = true }}
component = "hidden"
[component.probe]
source = "{{probe}}"
allowed_outbound_hosts = [{hosts}]
[component.hidden]
source = "{{probe}}"
environment = {{ WHO = "hidden" }}
"#
    )
}

async fn host(hosts: &str) -> Host {
    Setup::new(&app(hosts)).start().await
}

async fn fetch(host: &Host, url: &str) -> Value {
    host.post("/fetch", &json!({ "url": url })).await
}

/// Answers every request alike, and counts them.
async fn server(answer: &'static str) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0u8; 4096];
            let n = stream.read(&mut request).await.unwrap();
            request.truncate(n);
            requests.push(String::from_utf8(request).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
            if requests.len() == 1 {
                return requests;
            }
        }
    });
    (port, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_listed_is_denied() {
    let host = host(r#""http://example.com", "http://127.0.0.1:1..10", "https://*.example.org""#).await;
    for url in [
        "http://other.example/",
        "https://example.com/",
        "http://example.com:81/",
        "http://127.0.0.1:10/",
        "http://localhost:5/",
        "https://example.org/",
        "http://hidden.spin.internal/",
        "http://self.alt/",
        "/relative",
    ] {
        assert_eq!(fetch(&host, url).await["error"], "ErrorCode::HttpRequestDenied", "{url}");
    }
    assert_eq!(fetch(&host, "http://127.0.0.1:9/").await["error"], "ErrorCode::ConnectionRefused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_leads_to_the_public_internet_only() {
    let host = host(r#""*://*:*", "http://*.localhost:*", "http://0.0.0.0/0:*""#).await;
    for url in [
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://a.localhost:9/",
        "http://0/",
        "http://0x7f.1:9/",
        "http://2130706433/",
        "http://[::1]:9/",
        "http://[::ffff:127.0.0.1]:9/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.100.100.200/",
        "https://192.168.0.1/",
        "http://[64:ff9b::7f00:1]/",
        "http://[fd00::1]/",
    ] {
        let reply = fetch(&host, url).await;
        let error = reply["error"].as_str().unwrap_or_else(|| panic!("{url}: {reply}"));
        let resolved = error == "ErrorCode::DestinationIpProhibited";
        assert!(resolved || url.contains("a.localhost") && error.contains("DnsError"), "{url}: {error}");
    }
    for url in ["http://self.alt/env", "/env", "http://hidden.spin.internal/env"] {
        assert_eq!(fetch(&host, url).await["error"], "ErrorCode::HttpRequestDenied", "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_by_name_may_be_private() {
    let (port, served) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
    let host = Setup::new(&app(r#""*://*:*", "http://127.0.0.1:{{ port }}""#))
        .variable("port", &port.to_string())
        .start()
        .await;
    let reply = fetch(&host, &format!("http://127.0.0.1:{port}/a?b=c")).await;
    assert_eq!((&reply["status"], &reply["body"]), (&json!(200), &json!("hi")));
    let request = served.await.unwrap().remove(0);
    assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    let (port, _served) =
        server("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    let host = host(&format!("\"http://127.0.0.1:{port}\"")).await;
    let reply = fetch(&host, &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!((&reply["status"], &reply["location"]), (&json!(302), &json!("http://127.0.0.1:1/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn components_chain_in_memory() {
    let host = host(r#""http://hidden.spin.internal", "http://self""#).await;
    let reply = fetch(&host, "http://hidden.spin.internal/env").await;
    assert_eq!(reply["status"], 200, "{reply}");
    assert!(reply["body"].as_str().unwrap().contains("hidden"), "{reply}");
    let reply = fetch(&host, "http://hidden.spin.internal/a/headers?x=y").await;
    let body: Value = serde_json::from_str(reply["body"].as_str().unwrap()).unwrap();
    let has =
        |line: &str| assert!(body["headers"].as_array().unwrap().contains(&json!(line)), "{line}: {body}");
    has("spin-path-info: /a/headers");
    has("spin-matched-route: /...");
    has("spin-client-addr: 0.0.0.0:0");
    has("spin-full-url: http://hidden.spin.internal/a/headers?x=y");
    assert_eq!(fetch(&host, "http://hidden.spin.internal/trap").await["status"], 500);
    // The outside cannot reach it, nor pretend to.
    assert_eq!(host.get("/hidden").await.json()["path"], "/hidden");
    let spoofed = http::Request::get("/env").header("host", "hidden.spin.internal");
    assert_eq!(host.send(spoofed, "").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_reaches_itself_if_listed() {
    let host = host(r#""http://self""#).await;
    for url in ["/a/headers", "http://self.alt/a/headers"] {
        let reply = fetch(&host, url).await;
        let body: Value =
            serde_json::from_str(reply["body"].as_str().unwrap_or_else(|| panic!("{reply}"))).unwrap();
        assert_eq!(body["uri"], format!("http://{}/a/headers", host.running.address));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_config_can_block_networks() {
    let (port, served) = server("").await;
    let setup = Setup::new(&app(&format!("\"http://127.0.0.1:{port}\"")));
    let host =
        setup.runtime_config("[outbound_networking]\nblock_networks = [\"127.0.0.0/8\"]").start().await;
    let reply = fetch(&host, &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(reply["error"], "ErrorCode::DestinationIpProhibited");
    served.abort();
}
