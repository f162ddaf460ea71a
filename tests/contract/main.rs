//! The description of the API, held against the service that serves it: by schemathesis, with whatever a document allows and
//! does not allow, as the owner and as a stranger. `CASES` is how many an operation gets.

use std::process::{Command, Output};
use std::sync::OnceLock;

use perennial_tests::{Service, Setup, repository};

/// Runs the tool; `None` where it cannot be installed on this machine, which is a failure where CI runs.
fn tool(arguments: &[&str]) -> Option<Output> {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let run = |arguments: &[&str]| {
        Command::new(repository().join("tests/tools/contract")).args(arguments).output().unwrap()
    };
    let installed = *INSTALLED.get_or_init(|| {
        let output = run(&["install"]);
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(std::env::var_os("CI").is_none(), "schemathesis cannot be installed: {why}");
            eprintln!("the contract is not tested: schemathesis cannot be installed: {why}");
        }
        output.status.success()
    });
    installed.then(|| run(arguments))
}

fn passes(arguments: &[&str]) {
    let Some(output) = tool(arguments) else { return };
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    // What was tried, and how much of it.
    for line in said.lines().filter(|line| line.contains("generated") || line.contains("Tested:")) {
        println!("{}", line.trim());
    }
}

#[test]
fn the_document_is_one_of_openapi_3_1() {
    passes(&["check"]);
}

#[test]
fn the_service_keeps_its_contract() {
    let variables = vec![("audit_key", "a-key-of-at-least-thirty-two-characters".to_owned())];
    let service = Service::with(Setup { variables, ..Setup::default() });
    let address = format!("http://{}", service.address());
    passes(&["run", &address, &service.token()]);
    passes(&["run", &address]);
    // Nothing that was made stands in the way of what everyone does.
    let owner = service.owner();
    for list in
        ["/v1/tasks", "/v1/users", "/v1/tokens", "/v1/channels", "/v1/notifications", "/v1/parked?all=true"]
    {
        owner.all(list);
    }
    service.user("Ada").create(&serde_json::json!({ "title": "Still here" }));
    assert!(!service.output().contains("panicked"), "{}", service.output());
}
