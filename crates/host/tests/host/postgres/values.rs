//! Values of each type, both ways.

use serde_json::{Value, json};

use super::{APP, pg, server};
use crate::support::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn values_of_each_type_go_in_and_come_out() {
    let Some(server) = server() else { return };
    let (host, database) = (Setup::new(APP).start().await, server.lend_empty());
    let table = [
        ("boolean", "boolean", json!({ "boolean": true })),
        ("smallint", "int16", json!({ "int16": -7 })),
        ("integer", "int32", json!({ "int32": 2147483647 })),
        ("bigint", "int64", json!({ "int64": -9007199254740993_i64 })),
        ("real", "floating32", json!({ "floating32": 1.5 })),
        ("double precision", "floating64", json!({ "floating64": 0.1 })),
        ("text", "str", json!({ "str": "Äpfel & \"Birnen\"" })),
        ("varchar", "str", json!({ "str": "" })),
        ("char(3)", "str", json!({ "str": "abc" })),
        ("bytea", "binary", json!({ "binary": [0, 255, 10] })),
        ("date", "date", json!({ "date": [2026, 2, 28] })),
        ("time", "time", json!({ "time": [23, 59, 58, 123456000] })),
        ("timestamp", "datetime", json!({ "datetime": [2026, 2, 28, 1, 2, 3, 4000] })),
        ("uuid", "uuid", json!({ "uuid": "01890a5d-ac96-774b-bcce-b302099a8057" })),
        ("jsonb", "jsonb", json!({ "jsonb": "{\"a\":[1,null]}" })),
        ("numeric", "decimal", json!({ "decimal": "-12345678901234567890.123456" })),
        ("int4range", "rangeint32", json!({ "range-int32": [[1, "inclusive"], [5, "exclusive"]] })),
        ("int4range", "rangeint32", json!({ "range-int32": [null, [5, "exclusive"]] })),
        ("int8range", "rangeint64", json!({ "range-int64": [[-9000000000_i64, "inclusive"], null] })),
        ("int8range", "rangeint64", json!({ "range-int64": [null, null] })),
        (
            "numrange",
            "rangedecimal",
            json!({ "range-decimal": [["0.5", "exclusive"], ["1.50", "inclusive"]] }),
        ),
        ("integer[]", "arrayint32", json!({ "array-int32": [1, null, -3] })),
        ("bigint[]", "arrayint64", json!({ "array-int64": [9007199254740993_i64, null] })),
        ("numeric[]", "arraydecimal", json!({ "array-decimal": ["1.10", null] })),
        ("text[]", "arraystr", json!({ "array-str": ["a,b", null, ""] })),
        ("varchar[]", "arraystr", json!({ "array-str": [] })),
        ("interval", "interval", json!({ "interval": [86399000001_i64, -2, 14] })),
    ];
    let ask = |value: fn(&(&str, &str, Value)) -> Value| {
        let ask = move |row| json!(["query", format!("SELECT $1::{} AS x", row_type(row)), value(row)]);
        table.iter().map(ask).collect::<Vec<_>>()
    };
    let told = pg(&host, &database, json!(ask(|row| row.2.clone()))).await;
    let nulls = pg(&host, &database, json!(ask(|_| Value::Null))).await;
    for (n, (of, kind, value)) in table.iter().enumerate() {
        assert_eq!(told[n], json!({ "columns": [["x", kind]], "rows": [[value]] }), "{of}");
        assert_eq!(nulls[n], json!({ "columns": [["x", kind]], "rows": [[null]] }), "NULL of {of}");
    }
}

fn row_type<'a>(row: &(&'a str, &str, Value)) -> &'a str {
    row.0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_kind_of_its_own_is_told_as_spin_tells_it() {
    let Some(server) = server() else { return };
    let (host, database) = (Setup::new(APP).start().await, server.lend_empty());
    let told = pg(
        &host,
        &database,
        json!([
            ["query", "SELECT '{\"a\": 1}'::json AS x"],
            ["query", "SELECT $1::\"char\" AS x", { "int8": 65 }],
            ["query", "SELECT $1::timestamptz AS x", { "timestamp": 1772240523 }],
            ["query", "SELECT 'empty'::int4range AS x"],
            ["query", "SELECT $1::int4range AS x", { "range-int32": [[5, "inclusive"], [1, "inclusive"]] }],
            ["query", "SELECT $1::int4range AS x", { "range-int32": [[1, "exclusive"], [5, "inclusive"]] }],
            ["query", "SELECT '10.0.0.1'::inet AS x"],
            ["query", "SELECT 1 AS x WHERE false"],
            ["query", "SELECT"],
            ["query", "CREATE TABLE t (a int)"],
            ["query", "INSERT INTO t VALUES (1), (2) RETURNING a, a * 2 AS b"],
            ["execute", "UPDATE t SET a = 3"],
            ["execute", "SELECT * FROM t"],
            ["query", ""],
        ]),
    )
    .await;
    let rows = |n: usize| (&told[n]["columns"], &told[n]["rows"]);
    assert_eq!(rows(0), (&json!([["x", "other json"]]), &json!([[{ "unsupported": b"{\"a\": 1}" }]])));
    assert_eq!(rows(1), (&json!([["x", "other char"]]), &json!([[{ "unsupported": [65] }]])));
    assert_eq!(rows(2), (&json!([["x", "datetime"]]), &json!([[{ "datetime": [2026, 2, 28, 1, 2, 3, 0] }]])));
    assert_eq!(rows(3).1, &json!([[{ "range-int32": [null, null] }]]));
    assert_eq!(rows(4).1, &json!([[{ "range-int32": [null, null] }]]));
    assert_eq!(rows(5).1, &json!([[{ "range-int32": [[2, "inclusive"], [6, "exclusive"]] }]]));
    assert_eq!(
        rows(6),
        (&json!([["x", "other inet"]]), &json!([[{ "unsupported": [2, 32, 0, 4, 10, 0, 0, 1] }]]))
    );
    // Without a row no columns are told.
    assert_eq!(rows(7), (&json!([]), &json!([])));
    assert_eq!(rows(8), (&json!([]), &json!([[]])));
    assert_eq!(rows(9), (&json!([]), &json!([])));
    assert_eq!(
        rows(10),
        (
            &json!([["a", "int32"], ["b", "int32"]]),
            &json!([[{ "int32": 1 }, { "int32": 2 }], [{ "int32": 2 }, { "int32": 4 }]])
        )
    );
    assert_eq!(told[11], json!({ "changed": 2 }));
    assert_eq!(told[12], json!({ "changed": 2 }));
    assert_eq!(rows(13), (&json!([]), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_bounded() {
    let Some(server) = server() else { return };
    let (host, database) = (Setup::new(APP).start().await, server.lend_empty());
    let rows = |count: usize| format!("SELECT repeat('x', 1000000) FROM generate_series(1, {count})");
    let told =
        pg(&host, &database, json!([["count", rows(100)], ["query", rows(140)], ["query", "SELECT 1 AS x"]]))
            .await;
    assert_eq!(told[0], json!({ "count": 100 }), "{}", told[1]);
    assert_eq!(told[1]["error"]["text"], "query result exceeds limit of 134217728 bytes");
    assert_eq!(told[2]["rows"], json!([[{ "int32": 1 }]]));
}
