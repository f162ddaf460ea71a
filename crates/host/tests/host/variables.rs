//! Variables: sources, templates, errors.

use serde_json::json;

use crate::support::Setup;

const APP: &str = r#"
[variables]
plain = { default = "default" }
needed = { required = true }
secret = { default = "hush", secret = true }
[[trigger.http]]
route = "/..."
component = "probe"
[component.probe]
source = "{probe}"
variables = { plain = "{{ plain }}", both = "<{{plain}}|{{  needed }}>", literal = "{ not a template }" }
"#;

const STATIC: &str = r#"
[[variables_provider]]
type = "static"
values = { plain = "first provider", needed = "provided" }
[[config_provider]]
type = "static"
values = { plain = "second provider" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_beats_providers_and_providers_beat_defaults() {
    let config = STATIC.replace("config_provider", "variables_provider");
    let host = Setup::new(APP).runtime_config(&config).variable("needed", "flag").start().await;
    assert_eq!(host.get("/variable?plain").await.json(), json!({ "value": "first provider" }));
    assert_eq!(host.get("/variable?both").await.json(), json!({ "value": "<first provider|flag>" }));
    assert_eq!(host.get("/variable?literal").await.json(), json!({ "value": "{ not a template }" }));
    let host = Setup::new(APP).variable("needed", "n").variable("plain", "p").start().await;
    assert_eq!(host.get("/variable?both").await.json(), json!({ "value": "<p|n>" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_only_its_own_variables() {
    let host = Setup::new(APP).variable("needed", "n").start().await;
    assert_eq!(
        host.get("/variable?secret").await.json(),
        json!({ "undefined": "no variable for \"probe\".\"secret\"" })
    );
    let upper = host.get("/variable?PLAIN").await.json();
    assert!(
        upper["invalid-name"].as_str().unwrap().starts_with("\"PLAIN\": invalid character 'P'"),
        "{upper}"
    );
    assert_eq!(host.get("/variable?").await.json(), json!({ "invalid-name": "\"\": must not be empty" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_wrong_is_refused_by_name() {
    let refusal = Setup::new(APP).refusal().await;
    assert!(refusal.contains("no provider resolved required variable(s): [\"needed\"]"), "{refusal}");
    let refusal = Setup::new(APP).variable("neded", "x").refusal().await;
    assert!(
        refusal.contains("--variable neded: the application declares no variable of this name"),
        "{refusal}"
    );
    let unknown = APP.replace("{{ plain }}", "{{ plane }}");
    let refusal = Setup::new(&unknown).variable("needed", "x").refusal().await;
    assert!(refusal.contains("unknown variable \"plane\"") && refusal.contains("line 16"), "{refusal}");
    for kind in ["vault", "azure_key_vault"] {
        let config = format!("[[variables_provider]]\ntype = \"{kind}\"\nurl = \"x\"\n");
        let refusal = Setup::new(APP).runtime_config(&config).refusal().await;
        assert!(refusal.contains(&format!("`{kind}` is not supported by the embedded host")), "{refusal}");
    }
}
