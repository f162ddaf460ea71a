//! What guests are told when something is wrong.

use serde_json::{Value, json};

use super::{APP, pg, server};
use crate::support::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_says_is_told_in_full() {
    let Some(server) = server() else { return };
    let (host, database) = (Setup::new(APP).start().await, server.lend_empty());
    let told = pg(
        &host,
        &database,
        json!([
            ["execute", "CREATE TABLE t (a int CONSTRAINT positive CHECK (a > 0), CONSTRAINT one UNIQUE (a))"],
            ["execute", "INSERT INTO t VALUES (1)"],
            ["execute", "INSERT INTO t VALUES (1)"],
            ["query", "INSERT INTO t VALUES (1) RETURNING a"],
            ["query", "INSERT INTO t VALUES (0)"],
            ["query", "SELEC"],
            ["query", "SELECT * FROM nothing"],
            ["query", "SELECT 1 / (n - 3) FROM generate_series(1, 5) n"],
            ["execute", "CREATE FUNCTION refuse() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'expect:task#3' USING HINT = 'again'; END $$"],
            ["query", "SELECT refuse()"],
            ["query", "SELECT 1; SELECT 2"],
            ["query", "SELECT 1 AS fine"],
        ]),
    )
    .await;
    let code =
        |n: usize| told[n]["error"]["code"].as_str().unwrap_or_else(|| panic!("{n}: {}", told[n])).to_owned();
    for n in [2, 3] {
        let error = &told[n]["error"];
        assert_eq!(code(n), "23505");
        assert_eq!(error["severity"], "ERROR");
        assert_eq!(error["message"], "duplicate key value violates unique constraint \"one\"");
        assert_eq!(error["detail"], "Key (a)=(1) already exists.");
        assert_eq!((&error["extras"]["constraint"], &error["extras"]["table"]), (&json!("one"), &json!("t")));
        assert_eq!(
            (&error["extras"]["schema"], &error["extras"]["routine"]),
            (&json!("public"), &json!("_bt_check_unique"))
        );
    }
    assert_eq!((code(4), &told[4]["error"]["extras"]["constraint"]), ("23514".into(), &json!("positive")));
    assert_eq!([code(5), code(6), code(7), code(10)], ["42601", "42P01", "22012", "42601"]);
    let refused = &told[9]["error"];
    assert_eq!(
        (code(9), &refused["message"], &refused["extras"]["hint"]),
        ("P0001".into(), &json!("expect:task#3"), &json!("again"))
    );
    assert!(refused["extras"]["where_"].as_str().unwrap().contains("refuse()"), "{refused}");
    assert_eq!(told[11]["rows"], json!([[{ "int32": 1 }]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_do_not_fit_are_refused_and_the_session_goes_on() {
    let Some(server) = server() else { return };
    let (host, database) = (Setup::new(APP).start().await, server.lend_empty());
    let wrong = [
        ("uuid", json!({ "uuid": "no" }), "invalid UUID no"),
        ("date", json!({ "date": [2026, 2, 30] }), "invalid date y=2026, m=2, d=30"),
        ("time", json!({ "time": [25, 0, 0, 0] }), "invalid time 25:0:0:0"),
        ("timestamp", json!({ "datetime": [2026, 13, 1, 0, 0, 0, 0] }), "invalid date"),
        ("jsonb", json!({ "jsonb": "{" }), "invalid JSON {"),
        ("numeric", json!({ "decimal": "1,5" }), "invalid decimal 1,5"),
        ("numrange", json!({ "range-decimal": [["x", "inclusive"], null] }), "invalid decimal x"),
    ];
    let mut statements = vec![json!(["query", "BEGIN"])];
    for (of, value, _) in &wrong {
        statements.push(json!(["query", format!("SELECT $1::{of}"), value]));
        statements.push(json!(["execute", format!("SELECT $1::{of}"), value]));
    }
    statements.push(json!(["query", "SELECT $1::int", { "int64": 1 }]));
    statements.push(json!(["query", "SELECT $1::int"]));
    statements.push(json!(["query", "SELECT $1::date", { "str": "2026-02-28" }]));
    statements.push(json!(["query", "SELECT 'NaN'::numeric"]));
    // The transaction is none the worse for it.
    statements.push(json!(["query", "SELECT pg_current_xact_id_if_assigned() IS NULL AS x"]));
    let told = pg(&host, &database, json!(statements)).await;
    for (n, (of, _, expected)) in wrong.iter().enumerate() {
        let error = |kind: &str, n: usize| {
            told[n]["error"][kind].as_str().unwrap_or_else(|| panic!("{of}: {}", told[n])).to_owned()
        };
        assert!(error("bad-parameter", 1 + 2 * n).starts_with(expected), "{of}: {}", told[1 + 2 * n]);
        assert!(
            error("value-conversion-failed", 2 + 2 * n).starts_with(expected),
            "{of}: {}",
            told[2 + 2 * n]
        );
    }
    let text =
        |n: usize| told[n]["error"]["text"].as_str().unwrap_or_else(|| panic!("{}", told[n])).to_owned();
    let next = 1 + 2 * wrong.len();
    assert!(text(next).contains("ToSql(0)") && text(next).contains("WrongType"), "{}", text(next));
    assert!(text(next + 1).contains("Parameters(0, 1)"), "{}", text(next + 1));
    assert!(text(next + 2).contains("WrongType"), "{}", text(next + 2));
    assert!(text(next + 3).contains("FromSql(0)"), "{}", text(next + 3));
    assert_eq!(told[next + 4]["rows"], json!([[{ "boolean": true }]]));
}

fn refused(reply: &Value) -> String {
    reply["error"]["connection-failed"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_must_be_allowed() {
    let Some(server) = server() else { return };
    let port = server.port();
    let body = APP.replace("127.0.0.1:*", &format!("127.0.0.1:{port}"));
    let (host, database) = (Setup::new(&body).start().await, server.lend_empty());
    let name = database.name();
    for (address, expected) in [
        ("postgres://postgres@127.0.0.1/x".to_owned(), "address postgres://127.0.0.1:5432 is not permitted"),
        (format!("postgres://postgres@localhost:{port}/x"), "is not permitted"),
        (format!("host=127.0.0.1,127.0.0.2 port={port} user=postgres"), "address postgres://127.0.0.2:"),
        (format!("host=127.0.0.1 hostaddr=127.0.0.2 port={port} user=postgres"), "hostaddr is not supported"),
        ("host=/run/postgresql user=postgres".to_owned(), "Unix sockets are not supported"),
        ("user=postgres".to_owned(), "names no host"),
        (format!("postgres://postgres@127.0.0.1:{port}/x?sslmode=verify-full"), "invalid"),
        ("nonsense".to_owned(), "invalid connection string"),
        (String::new(), "names no host"),
        (format!("postgres://postgres@127.0.0.1:{port}/nowhere"), "database \"nowhere\" does not exist"),
    ] {
        let told = refused(&pg(&host, &address, json!([])).await);
        assert!(told.contains(expected), "{address}: {told}");
    }
    for address in ["postgress://u:S3cretPw@127.0.0.1/x?a=b", "postgres://u:p@127.0.0.1/x?S3cretPw=1"] {
        let told = refused(&pg(&host, address, json!([])).await);
        assert!(told.contains("invalid connection string") && !told.contains("S3cretPw"), "{told}");
    }
    // Words as libpq has them name the same.
    let words = format!("host=127.0.0.1 port={port} user=postgres dbname={name}");
    assert_eq!(
        pg(&host, &words, json!([["query", "SELECT 1 AS x"]])).await[0]["rows"],
        json!([[{ "int32": 1 }]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_leads_to_no_private_server_even_where_another_may_go() {
    let Some(server) = server() else { return };
    let two = r#"
[[trigger.http]]
route = "/other/..."
component = "other"
[component.other]
source = "{probe}"
allowed_outbound_hosts = ["postgres://*:*"]
"#;
    let (host, database) = (Setup::new(&format!("{APP}{two}")).start().await, server.lend_empty());
    let script = json!({ "address": &*database, "statements": [["query", "SELECT 1 AS x"]] });
    assert_eq!(host.post("/pg", &script).await["results"][0]["rows"], json!([[{ "int32": 1 }]]));
    let told = refused(&host.post("/other/pg", &script).await);
    assert!(told.contains("destination IP address is prohibited"), "{told}");
}
