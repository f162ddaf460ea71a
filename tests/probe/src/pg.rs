//! Statements of PostgreSQL told by JSON:
//! `{"address": "postgres://…", "statements": [["query", "SELECT $1::int", {"int32": 1}], ["execute", "…"], ["sleep", 100]]}`.

use std::time::Duration;

use serde_json::{Value as Json, json};
use spin_sdk::pg4::{
    Connection, DbDataType, DbValue, Interval, ParameterValue, PgError as Error, QueryError, RangeBoundKind,
    RowSet,
};

/// Runs a script on one connection and tells the result of each statement.
pub fn run(script: &Json) -> Json {
    match open_and_run(script) {
        Ok((_, results)) => results,
        Err(error) => json!({ "error": describe(error) }),
    }
}

/// The same, keeping the connection.
pub fn open_and_run(script: &Json) -> Result<(Connection, Json), Error> {
    let connection = Connection::open(script["address"].as_str().unwrap_or_default())?;
    let statements = script["statements"].as_array().cloned().unwrap_or_default();
    let results: Vec<Json> = statements
        .iter()
        .map(|statement| {
            one(&connection, statement).unwrap_or_else(|error| json!({ "error": describe(error) }))
        })
        .collect();
    Ok((connection, json!({ "results": results })))
}

fn one(connection: &Connection, statement: &Json) -> Result<Json, Error> {
    let parts = statement.as_array().cloned().unwrap_or_default();
    let text = parts.get(1).and_then(Json::as_str).unwrap_or_default();
    let parameters: Vec<ParameterValue> = parts.iter().skip(2).map(parameter).collect();
    Ok(match parts.first().and_then(Json::as_str).unwrap_or_default() {
        "sleep" => {
            std::thread::sleep(Duration::from_millis(
                parts.get(1).and_then(Json::as_u64).unwrap_or_default(),
            ));
            json!({})
        }
        "execute" => json!({ "changed": connection.execute(text, &parameters)? }),
        "count" => json!({ "count": connection.query(text, &parameters)?.rows.len() }),
        _ => told(connection.query(text, &parameters)?),
    })
}

/// `null`, or an object whose one member names the kind.
fn parameter(value: &Json) -> ParameterValue {
    let Some((kind, value)) = value.as_object().and_then(|object| object.iter().next()) else {
        return ParameterValue::DbNull;
    };
    let text = || value.as_str().unwrap_or_default().to_owned();
    let integer = || value.as_i64().unwrap_or_default();
    let at = |at: usize| value[at].as_i64().unwrap_or_default();
    let small = |n: usize| u8::try_from(at(n)).unwrap_or(u8::MAX);
    let items = || value.as_array().cloned().unwrap_or_default();
    let texts = || items().iter().map(|item| item.as_str().map(str::to_owned)).collect();
    match kind.as_str() {
        "boolean" => ParameterValue::Boolean(value.as_bool().unwrap_or_default()),
        "int8" => ParameterValue::Int8(integer().try_into().unwrap_or_default()),
        "int16" => ParameterValue::Int16(integer().try_into().unwrap_or_default()),
        "int32" => ParameterValue::Int32(integer().try_into().unwrap_or_default()),
        "int64" => ParameterValue::Int64(integer()),
        "floating32" => ParameterValue::Floating32(value.as_f64().unwrap_or_default() as f32),
        "floating64" => ParameterValue::Floating64(value.as_f64().unwrap_or_default()),
        "str" => ParameterValue::Str(text()),
        "binary" => ParameterValue::Binary(
            items().iter().map(|byte| byte.as_u64().unwrap_or_default() as u8).collect(),
        ),
        "date" => ParameterValue::Date((at(0) as i32, small(1), small(2))),
        "time" => ParameterValue::Time((small(0), small(1), small(2), at(3) as u32)),
        "datetime" => ParameterValue::Datetime((
            at(0) as i32,
            small(1),
            small(2),
            small(3),
            small(4),
            small(5),
            at(6) as u32,
        )),
        "timestamp" => ParameterValue::Timestamp(integer()),
        "uuid" => ParameterValue::Uuid(text()),
        "jsonb" => ParameterValue::Jsonb(text().into_bytes()),
        "decimal" => ParameterValue::Decimal(text()),
        "range-int32" => ParameterValue::RangeInt32((bound(&value[0], int32), bound(&value[1], int32))),
        "range-int64" => ParameterValue::RangeInt64((bound(&value[0], int64), bound(&value[1], int64))),
        "range-decimal" => ParameterValue::RangeDecimal((bound(&value[0], string), bound(&value[1], string))),
        "array-int32" => {
            ParameterValue::ArrayInt32(items().iter().map(|item| item.as_i64().map(|n| n as i32)).collect())
        }
        "array-int64" => ParameterValue::ArrayInt64(items().iter().map(Json::as_i64).collect()),
        "array-decimal" => ParameterValue::ArrayDecimal(texts()),
        "array-str" => ParameterValue::ArrayStr(texts()),
        "interval" => {
            ParameterValue::Interval(Interval { micros: at(0), days: at(1) as i32, months: at(2) as i32 })
        }
        _ => ParameterValue::DbNull,
    }
}

fn int32(value: &Json) -> i32 {
    value.as_i64().unwrap_or_default() as i32
}

fn int64(value: &Json) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn string(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `null`, or `[value, "inclusive"]`.
fn bound<T>(told: &Json, read: impl Fn(&Json) -> T) -> Option<(T, RangeBoundKind)> {
    let kind = match told[1].as_str()? {
        "inclusive" => RangeBoundKind::Inclusive,
        _ => RangeBoundKind::Exclusive,
    };
    Some((read(&told[0]), kind))
}

fn told(set: RowSet) -> Json {
    let columns: Vec<Json> =
        set.columns.iter().map(|column| json!([column.name, data_type(&column.data_type)])).collect();
    let rows: Vec<Vec<Json>> = set.rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect();
    json!({ "columns": columns, "rows": rows })
}

fn data_type(of: &DbDataType) -> String {
    match of {
        DbDataType::Other(name) => format!("other {name}"),
        known => format!("{known:?}").trim_start_matches("DbDataType::").to_lowercase(),
    }
}

fn value(of: DbValue) -> Json {
    match of {
        DbValue::DbNull => Json::Null,
        DbValue::Boolean(value) => json!({ "boolean": value }),
        DbValue::Int8(value) => json!({ "int8": value }),
        DbValue::Int16(value) => json!({ "int16": value }),
        DbValue::Int32(value) => json!({ "int32": value }),
        DbValue::Int64(value) => json!({ "int64": value }),
        DbValue::Floating32(value) => json!({ "floating32": value }),
        DbValue::Floating64(value) => json!({ "floating64": value }),
        DbValue::Str(value) => json!({ "str": value }),
        DbValue::Binary(value) => json!({ "binary": value }),
        DbValue::Date((year, month, day)) => json!({ "date": [year, month, day] }),
        DbValue::Time((hour, minute, second, nano)) => json!({ "time": [hour, minute, second, nano] }),
        DbValue::Datetime((year, month, day, hour, minute, second, nano)) => {
            json!({ "datetime": [year, month, day, hour, minute, second, nano] })
        }
        DbValue::Timestamp(value) => json!({ "timestamp": value }),
        DbValue::Uuid(value) => json!({ "uuid": value }),
        DbValue::Jsonb(value) => json!({ "jsonb": String::from_utf8_lossy(&value) }),
        DbValue::Decimal(value) => json!({ "decimal": value }),
        DbValue::RangeInt32((lower, upper)) => json!({ "range-int32": [side(lower), side(upper)] }),
        DbValue::RangeInt64((lower, upper)) => json!({ "range-int64": [side(lower), side(upper)] }),
        DbValue::RangeDecimal((lower, upper)) => json!({ "range-decimal": [side(lower), side(upper)] }),
        DbValue::ArrayInt32(value) => json!({ "array-int32": value }),
        DbValue::ArrayInt64(value) => json!({ "array-int64": value }),
        DbValue::ArrayDecimal(value) => json!({ "array-decimal": value }),
        DbValue::ArrayStr(value) => json!({ "array-str": value }),
        DbValue::Interval(value) => json!({ "interval": [value.micros, value.days, value.months] }),
        DbValue::Unsupported(value) => json!({ "unsupported": value }),
    }
}

fn side<T: Into<Json>>(bound: Option<(T, RangeBoundKind)>) -> Json {
    bound.map_or(Json::Null, |(value, kind)| {
        let kind = match kind {
            RangeBoundKind::Inclusive => "inclusive",
            RangeBoundKind::Exclusive => "exclusive",
        };
        json!([value.into(), kind])
    })
}

fn describe(error: Error) -> Json {
    match error {
        Error::ConnectionFailed(text) => json!({ "connection-failed": text }),
        Error::BadParameter(text) => json!({ "bad-parameter": text }),
        Error::ValueConversionFailed(text) => json!({ "value-conversion-failed": text }),
        Error::Other(text) => json!({ "other": text }),
        Error::QueryFailed(QueryError::Text(text)) => json!({ "text": text }),
        Error::QueryFailed(QueryError::DbError(said)) => json!({
            "code": said.code,
            "severity": said.severity,
            "message": said.message,
            "detail": said.detail,
            "extras": said.extras.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        }),
    }
}
