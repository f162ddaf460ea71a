//! What a start refuses.

use crate::support::{PROBE, Setup};

/// The variables that make an application ours, with one value changed.
fn ours(name: &str, value: &str) -> Setup {
    let values = [
        ("store", "sqlite"),
        ("durability", "full"),
        ("database_url", ""),
        ("database_host", "postgres://none.invalid:5432"),
        ("bus", "auto"),
        ("redis_url", "redis://127.0.0.1:6379"),
        ("redis_host", "redis://127.0.0.1:6379"),
        ("dapr_http_port", "3500"),
        ("dapr_pubsub", "pubsub"),
        ("dapr_state_store", ""),
        ("dapr_api_token", ""),
        ("bootstrap_token", ""),
        ("app_api_token", ""),
        ("metrics_token", ""),
        ("webhook_http_origin", "http://none.invalid"),
        ("jwt_issuer", ""),
        ("jwt_audience", ""),
        ("jwt_jwks_url", ""),
        ("jwt_jwks_host", "https://none.invalid"),
        ("jwt_jwks", ""),
        ("jwt_algorithms", "EdDSA"),
        ("keep_events", "30"),
        ("keep_conversations", "90"),
        ("hot_users", ""),
        ("quota_tasks", "1000000"),
        ("rate_limit_writes", ""),
        ("rate_limit_reads", ""),
        ("rate_limit_redis_url", ""),
        ("rate_limit_redis_host", "redis://none.invalid:6379"),
        ("audit_key", ""),
        ("audit_anchor_url", ""),
        ("audit_anchor_host", "https://none.invalid"),
        ("mcp_hosts", "localhost"),
        ("mcp_origins", ""),
        ("mcp_authorization_server", ""),
    ];
    let lines = values.map(|(known, default)| format!("{known} = {{ default = \"{default}\" }}\n")).concat();
    Setup::new(&format!("[variables]\n{lines}{PROBE}")).variable(name, value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_is_refused_by_its_name() {
    for (name, value) in [
        ("store", "mysql"),
        ("durability", "fast"),
        ("database_url", "postgres://db.example/perennial"),
        ("database_host", "postgres://db.example:5432"),
        ("bus", "kafka"),
        ("dapr_http_port", "none"),
        ("dapr_pubsub", "Pub Sub"),
        ("dapr_state_store", "statestore"),
        ("dapr_api_token", "two words"),
        ("webhook_http_origin", "ftp://x"),
        ("jwt_algorithms", "none"),
        ("keep_events", "0"),
        ("keep_conversations", "0"),
        ("hot_users", "ada"),
        ("quota_tasks", "0"),
        ("metrics_token", "two words"),
        ("rate_limit_writes", "often"),
        ("audit_key", "short"),
        ("mcp_hosts", ""),
        ("mcp_origins", "somewhere"),
        ("mcp_authorization_server", "http://id.example"),
    ] {
        let refusal = ours(name, value).refusal().await;
        assert!(refusal.contains(&format!("the variable {name} is wrong")), "{refusal}");
    }
    ours("bus", "local").start().await;
}

const TWO: &str = r#"
[[trigger.http]]
route = "/a/..."
component = "a"
[[trigger.http]]
route = "/b/..."
component = "b"
[component.a]
source = "{probe}"
[component.b]
source = "{probe}"
"#;

/// A host of these components on the state folder of another.
fn beside(first: &Setup, components: &[&str]) -> Setup {
    let mut setup = Setup::new(TWO);
    setup.options.state_dir = Some(first.folder.path().join("state"));
    setup.options.components = components.iter().map(|id| (*id).to_owned()).collect();
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn one_component_runs_once_on_a_state_folder() {
    let mut first = Setup::new(TWO);
    first.options.state_dir = Some(first.folder.path().join("state"));
    first.options.components = vec!["a".into()];
    let (same, both, other, later) =
        (beside(&first, &["a"]), beside(&first, &[]), beside(&first, &["b"]), beside(&first, &["a"]));
    let state = first.options.state_dir.clone().unwrap();
    let first = first.start().await;
    for second in [same, both] {
        let refusal = second.refusal().await;
        assert!(refusal.contains("component \"a\" already runs"), "{refusal}");
        assert!(refusal.contains(state.to_str().unwrap()), "{refusal}");
    }
    let other = other.start().await;
    assert_eq!(other.get("/b/seen").await.status, 200);
    // Once it has stopped, its component may run again; what a refused start had taken is free too.
    first.running.stop().await;
    assert_eq!(later.start().await.get("/a/seen").await.status, 200);
}
