//! What is not understood is refused at start, by name and with its line.

use crate::support::{PROBE, Setup};

async fn refused(body: &str, parts: &[&str]) {
    let refusal = Setup::new(body).refusal().await;
    for part in parts {
        assert!(refusal.contains(part), "no {part:?} in: {refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_with_something_unknown() {
    // The head of the manifest is five lines, PROBE begins at the sixth.
    refused(&format!("{PROBE}allowed_hosts = []\n"), &["line 13", "unknown field `allowed_hosts`"]).await;
    refused(&format!("{PROBE}[extra]\n"), &["line 13", "unknown field `extra`"]).await;
    refused(&PROBE.replace("route", "path"), &["line 8", "unknown field `path`"]).await;
    refused(
        &PROBE.replace("component = \"probe\"", "component = \"prob\""),
        &["line 7", "component \"prob\", which is not declared"],
    )
    .await;
    refused(
        &format!("{PROBE}[[trigger.kafka]]\ncomponent = \"probe\"\n"),
        &["line 13", "No built-in trigger named 'kafka', and no plugin named 'trigger-kafka' was found"],
    )
    .await;
    refused(&format!("{PROBE}[[trigger.cron]]\ncomponent = \"probe\"\ncron_expression = \"* * * * * *\"\nzone = \"UTC\"\n"), &["line 16", "unknown field `zone`"]).await;
    refused(&PROBE.replace("\"/...\"", "{ private = false }"), &["line 7", "'{ private = true }'"]).await;
    refused(&PROBE.replace("component = \"probe\"\n", ""), &["line 7", "neither is given"]).await;
    refused(
        &PROBE.replace("[component.probe]", "[component.Probe_x]"),
        &["line 10", "invalid component id \"Probe_x\""],
    )
    .await;
    refused(&format!("{PROBE}[variables]\nx = {{ }}\n"), &["line 14", "`required = true` or a `default`"])
        .await;
    refused(&PROBE.replace("{probe}", "missing.wasm"), &["component \"probe\"", "missing.wasm"]).await;
    refused(
        &format!("{PROBE}[component.probe.build]\ncomand = \"x\"\n"),
        &["line 14", "unknown field `comand`"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_this_host_and_is_not_known() {
    let tool = |table: &str| format!("{PROBE}[component.probe.tool.{table}\n");
    refused(&tool("perennial]\nmax_instance = 2"), &["line 14", "unknown field `max_instance`"]).await;
    for wrong in ["0", "-1", "70000", "\"200\"", "1.5"] {
        refused(&tool(&format!("perennial]\nmax_instances = {wrong}")), &["line 14", "max_instances"]).await;
    }
    // What is said to others is theirs.
    Setup::new(&tool("another]\nmax_instance = 2")).start().await.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_with_something_not_supported() {
    for (key, value) in [
        ("key_value_stores", "[\"default\"]"),
        ("ai_models", "[\"llama2-chat\"]"),
        ("files", "[\"assets/*\"]"),
        ("dependencies", "{ \"a:b/c\" = \"1.0\" }"),
        ("dependencies_inherit_configuration", "true"),
        ("allowed_http_hosts", "[\"https://example.com\"]"),
    ] {
        let expected = format!("`{key}` is not supported by the embedded host");
        refused(&format!("{PROBE}{key} = {value}\n"), &["line 13", &expected]).await;
    }
    refused(
        &PROBE.replace("\"{probe}\"", "{ url = \"https://x\", digest = \"sha256:1\" }"),
        &["line 11", "not supported by the embedded host"],
    )
    .await;
    // What asks for nothing passes.
    let harmless = format!(
        "{PROBE}key_value_stores = []\nai_models = []\nfiles = []\ndependencies = {{}}\ntargets = [\"spin-up:3.3\"]\ndependencies_inherit_configuration = false\n"
    );
    Setup::new(&harmless).start().await.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_config_with_something_unknown_or_not_supported() {
    for (text, parts) in [
        ("colour = \"red\"", ["line 1", "unknown field `colour`"]),
        ("[sqlite_database.default]\ntype = \"spin\"\npaht = \"x\"", ["line", "unknown field `paht`"]),
        (
            "[sqlite_database.default]\ntype = \"libsql\"\nurl = \"x\"\ntoken = \"y\"",
            ["libsql", "not supported by the embedded host"],
        ),
        (
            "[key_value_store.default]\ntype = \"spin\"",
            ["key_value_store", "not supported by the embedded host"],
        ),
        ("[llm_compute]\ntype = \"spin\"", ["llm_compute", "not supported by the embedded host"]),
        ("[[client_tls]]\ncomponent_ids = []", ["client_tls", "not supported by the embedded host"]),
        ("[outbound_networking]\nblock_networks = [\"nonsense\"]", ["nonsense", "block_networks"]),
        ("[outbound_http]\npooling = true", ["line 2", "unknown field `pooling`"]),
    ] {
        let refusal = Setup::new(PROBE).runtime_config(text).refusal().await;
        for part in parts {
            assert!(refusal.contains(part), "no {part:?} in: {refusal}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_host_that_spin_would_refuse() {
    for (entry, why) in [
        ("", "<scheme>://<host>"),
        ("*", "<scheme>://<host>"),
        ("example.com", "<scheme>://<host>"),
        ("http://example.com/path", "has a path but is not allowed to"),
        ("http://example.com:80/path", "has a path but is not allowed to"),
        ("redis://user:password@example.com:6379", "user name or password"),
        ("redis://:password@example.com", "is not a number"),
        ("rediss://example.com", "does not have a known default port"),
        ("http://*.example.*", "wildcards are allowed only as prefixes"),
        ("http://a*.example.com", "wildcards are allowed only as subdomains"),
        ("http://{a,b}", "host lists are not yet supported"),
        ("http://example.com:http", "is not a number"),
        ("{{ nothing }}", "unknown variable"),
    ] {
        refused(&format!("{PROBE}allowed_outbound_hosts = [\"{entry}\"]\n"), &["line 13", why]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn service_chaining_outside_of_http() {
    let body = format!(
        "{PROBE}allowed_outbound_hosts = [\"http://probe.spin.internal\"]\n[[trigger.cron]]\ncomponent = \"probe\"\ncron_expression = \"* * * * * *\"\n"
    );
    refused(&body, &["\"probe\" allows service chaining", "has a trigger that is not http"]).await;
    refused(
        &format!("{PROBE}allowed_outbound_hosts = [\"http://other.spin.internal\"]\n"),
        &["service chaining to \"other\""],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_named_components_are_kept() {
    let body = format!(
        "{PROBE}[[trigger.http]]\nroute = \"/other\"\ncomponent = \"other\"\n[component.other]\nsource = \"missing.wasm\"\n"
    );
    let mut setup = Setup::new(&body);
    setup.options.components = vec!["probe".into()];
    let host = setup.start().await;
    assert_eq!(host.running.routes.len(), 1);
    let mut setup = Setup::new(&body);
    setup.options.components = vec!["third".into()];
    assert!(setup.refusal().await.contains("\"third\" not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_needs_or_lacks_something() {
    let folder = tempfile::TempDir::new().unwrap();
    let needy = folder.path().join("needy.wasm");
    std::fs::write(
        &needy,
        wat::parse_str(
            r#"(component (import "fermyon:spin/key-value@2.0.0" (instance (export "x" (func)))))"#,
        )
        .unwrap(),
    )
    .unwrap();
    let body = PROBE.replace("{probe}", needy.to_str().unwrap());
    refused(&body, &["component \"probe\"", "fermyon:spin/key-value@2.0.0"]).await;
    let empty = folder.path().join("empty.wasm");
    std::fs::write(&empty, wat::parse_str("(component)").unwrap()).unwrap();
    let body = PROBE.replace("{probe}", empty.to_str().unwrap());
    refused(
        &body,
        &["component \"probe\" has a http trigger but does not export wasi:http/incoming-handler"],
    )
    .await;
}
