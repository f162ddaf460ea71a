//! Every `curl` example of README.md and docs/*.md, run as it stands by the real curl against a fresh service, comes to the
//! status that is written below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use perennial_tests::{Service, Setup, repository};
use serde_json::Value;

/// Where the examples expect the service.
const ADDRESS: &str = "http://127.0.0.1:3000";

/// Has curl write down what was asked and answered, and print the body as it would.
const PRELUDE: &str = r#"
curl() {
    asked=$(wc -l <"$ANSWERS/asked")
    command curl -sS --max-time 60 -D "$ANSWERS/$asked.head" -o "$ANSWERS/$asked.body" \
        -w '%{http_code} %{method} %{url}\n' "$@" >>"$ANSWERS/asked"
    cat "$ANSWERS/$asked.body" 2>/dev/null || true
}
"#;

/// What each page of the API must show an example of, with names in the place of ids.
const SHOWN: [&str; 16] = [
    "POST /v1/tasks",
    "GET /v1/tasks",
    "PATCH /v1/tasks/$TASK",
    "POST /v1/tasks/$TASK/complete",
    "POST /v1/tasks/$SERIES/skip",
    "POST /v1/tasks/$SERIES/move",
    "POST /v1/tasks/quick",
    "POST /v1/bulk",
    "GET /v1/events",
    "POST /v1/projects",
    "POST /v1/channels",
    "PATCH /v1/settings",
    "GET /v1/changes",
    "POST /v1/changes/$CHANGE/undo",
    "POST /v1/recurrence/preview",
    "POST /v1/users",
];

/// One request that an example made.
struct Asked {
    status: String,
    method: String,
    path: String,
    head: String,
    body: Value,
}

/// The first line of an example that needs more than this machine.
const ELSEWHERE: &str = "# a real cluster";

/// The examples of a page: shell blocks with a `curl` in them.
fn examples(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned());
    let here = blocks.filter(|block| !block.starts_with(ELSEWHERE));
    here.filter(|block| block.lines().any(|line| line.starts_with("curl "))).collect()
}

/// The statuses that stand below the requests of an example: `# 201`, `# 412: it has changed since`.
fn stated(example: &str) -> Vec<String> {
    let comments = example.lines().filter_map(|line| line.strip_prefix("# "));
    let numbers = comments.filter_map(|comment| comment.get(..3));
    numbers.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
}

/// Runs one example and gives what it asked.
fn run(example: &str, folder: &Path, url: &str, variables: &BTreeMap<&str, String>) -> Vec<Asked> {
    let answers = tempfile::tempdir().unwrap();
    fs::write(answers.path().join("asked"), "").unwrap();
    let ran = Command::new("sh")
        .args(["-eu", "-c", &format!("{PRELUDE}\n{}", example.replace(ADDRESS, url))])
        .current_dir(folder)
        .env("ANSWERS", answers.path())
        .env_remove("http_proxy")
        .envs(variables)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{example}\n{}", String::from_utf8_lossy(&ran.stderr));
    let read = |name: String| fs::read_to_string(answers.path().join(name)).unwrap_or_default();
    let asked = read("asked".to_owned());
    let lines = asked.lines().enumerate().map(|(number, line)| {
        let [status, method, address] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        Asked {
            status: status.to_owned(),
            method: method.to_owned(),
            path: address.trim_start_matches(url).split('?').next().unwrap().to_owned(),
            head: read(format!("{number}.head")),
            body: serde_json::from_str(&read(format!("{number}.body"))).unwrap_or_default(),
        }
    });
    lines.collect()
}

/// What later examples call by a name: ids that this one was answered.
fn remember(asked: &Asked, variables: &mut BTreeMap<&'static str, String>) {
    let mut set = |name, value: &Value| {
        if let Some(text) = value.as_str() {
            variables.insert(name, text.to_owned());
        }
    };
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/v1/tasks") => set("TASK", &asked.body["id"]),
        ("POST", "/v1/projects") => set("PROJECT", &asked.body["id"]),
        ("POST", "/v1/channels") => set("CHANNEL", &asked.body["id"]),
        ("POST", "/v1/tasks/quick") if asked.status == "201" => {
            set("SERIES", &asked.body["task"]["id"]);
            set("OCCURRENCE", &asked.body["task"]["occurrence"]["recurrence_id"]);
        }
        (_, path) if variables.get("TASK").is_some_and(|task| path.contains(task.as_str())) => {
            let change = asked.head.lines().find_map(|line| line.strip_prefix("change-id: "));
            if let Some(change) = change {
                variables.insert("CHANGE", change.trim().to_owned());
            }
        }
        _ => {}
    }
}

/// Runs the examples of a page against a service of its own; gives what they asked for, with names for ids.
fn run_all(page: &Path, examples: &[String]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = Some(folder.path().join(".perennial"));
    let service = Service::with(Setup { state_dir, ..Setup::default() });
    let url = format!("http://{}", service.address());
    let mut variables = BTreeMap::from([("URL", url.clone()), ("TOKEN", service.token())]);
    let mut shown = BTreeSet::new();
    for example in examples {
        let asked = run(example, folder.path(), &url, &variables);
        let statuses: Vec<&str> = asked.iter().map(|asked| asked.status.as_str()).collect();
        let told = asked.iter().map(|asked| asked.body.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(statuses, stated(example), "{}:\n{example}\n{told}", page.display());
        for asked in &asked {
            remember(asked, &mut variables);
            let name =
                |path: String, (name, value): (&&str, &String)| path.replace(value, &format!("${name}"));
            let path = variables.iter().fold(asked.path.clone(), name);
            shown.insert(format!("{} {path}", asked.method));
        }
    }
    shown
}

#[test]
fn every_curl_example_comes_to_the_status_that_it_states() {
    if Command::new("curl").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "curl is not installed");
        println!("skipped: curl is not installed");
        return;
    }
    let mut pages: Vec<PathBuf> =
        fs::read_dir(repository().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(repository().join("README.md"));
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let mut shown = BTreeSet::new();
    for page in pages {
        let examples = examples(&page);
        if !examples.is_empty() {
            shown.extend(run_all(&page, &examples));
            println!("{}: {} examples", page.display(), examples.len());
        }
    }
    let missing: Vec<_> = SHOWN.iter().filter(|what| !shown.contains(**what)).collect();
    assert!(missing.is_empty(), "no example of {missing:?} among {shown:?}");
}
