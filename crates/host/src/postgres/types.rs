//! Values between guests and PostgreSQL: what Spin sends for each of its kinds, and what it makes of each type.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use super::numbers::{Months, Null, Number, Other, Span, decimal, decimals};
use crate::bindings::spin::postgres::postgres::{Column, DbDataType, DbValue, ParameterValue};

/// A parameter as the client sends it.
pub(super) type Parameter = Box<dyn ToSql + Send + Sync>;

type Result<T> = std::result::Result<T, String>;

/// Reads the parameters of a statement.
pub(super) fn parameters(values: &[ParameterValue]) -> Result<Vec<Parameter>> {
    values.iter().map(parameter).collect()
}

fn parameter(value: &ParameterValue) -> Result<Parameter> {
    Ok(match value {
        ParameterValue::Boolean(value) => Box::new(*value),
        ParameterValue::Int8(value) => Box::new(*value),
        ParameterValue::Int16(value) => Box::new(*value),
        ParameterValue::Int32(value) => Box::new(*value),
        ParameterValue::Int64(value) => Box::new(*value),
        ParameterValue::Floating32(value) => Box::new(*value),
        ParameterValue::Floating64(value) => Box::new(*value),
        ParameterValue::Str(value) => Box::new(value.clone()),
        ParameterValue::Binary(value) => Box::new(value.clone()),
        ParameterValue::Date(value) => Box::new(date(*value)?),
        ParameterValue::Time(value) => Box::new(time(*value)?),
        ParameterValue::Datetime((year, month, day, hour, minute, second, nanosecond)) => {
            Box::new(date((*year, *month, *day))?.and_time(time((*hour, *minute, *second, *nanosecond))?))
        }
        ParameterValue::Timestamp(seconds) => Box::new(
            DateTime::<Utc>::from_timestamp(*seconds, 0)
                .ok_or_else(|| format!("invalid epoch timestamp {seconds}"))?,
        ),
        ParameterValue::Uuid(value) => {
            Box::new(uuid::Uuid::parse_str(value).map_err(|error| format!("invalid UUID {value}: {error}"))?)
        }
        ParameterValue::Jsonb(value) => Box::new(
            serde_json::from_slice::<serde_json::Value>(value)
                .map_err(|error| format!("invalid JSON {}: {error}", String::from_utf8_lossy(value)))?,
        ),
        ParameterValue::Decimal(value) => Box::new(decimal(value)?),
        ParameterValue::RangeInt32(bounds) => Box::new(Span::of_numbers(*bounds)),
        ParameterValue::RangeInt64(bounds) => Box::new(Span::of_numbers(*bounds)),
        ParameterValue::RangeDecimal(bounds) => Box::new(Span::of_texts(bounds)?),
        ParameterValue::ArrayInt32(values) => Box::new(values.clone()),
        ParameterValue::ArrayInt64(values) => Box::new(values.clone()),
        ParameterValue::ArrayDecimal(values) => Box::new(decimals(values)?),
        ParameterValue::ArrayStr(values) => Box::new(values.clone()),
        ParameterValue::Interval(value) => Box::new(Months(*value)),
        ParameterValue::DbNull => Box::new(Null),
    })
}

fn date((year, month, day): (i32, u8, u8)) -> Result<NaiveDate> {
    let date = NaiveDate::from_ymd_opt(year, month.into(), day.into());
    date.ok_or_else(|| format!("invalid date y={year}, m={month}, d={day}"))
}

fn time((hour, minute, second, nanosecond): (u8, u8, u8, u32)) -> Result<NaiveTime> {
    let time = NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nanosecond);
    time.ok_or_else(|| format!("invalid time {hour}:{minute}:{second}:{nanosecond}"))
}

/// The columns of a row.
pub(super) fn columns(row: &Row) -> Vec<Column> {
    let columns = row.columns().iter();
    columns.map(|column| Column { name: column.name().to_owned(), data_type: kind(column.type_()) }).collect()
}

fn kind(of: &Type) -> DbDataType {
    match *of {
        Type::BOOL => DbDataType::Boolean,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::BYTEA => DbDataType::Binary,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        ref other => DbDataType::Other(other.name().to_owned()),
    }
}

/// The values of a row.
pub(super) fn values(row: &Row) -> Result<Vec<DbValue>> {
    let columns = row.columns().iter().enumerate();
    columns.map(|(at, column)| value(row, at, column.type_())).collect()
}

fn value(row: &Row, at: usize, of: &Type) -> Result<DbValue> {
    match *of {
        Type::BOOL => plain(row, at, DbValue::Boolean),
        Type::INT2 => plain(row, at, DbValue::Int16),
        Type::INT4 => plain(row, at, DbValue::Int32),
        Type::INT8 => plain(row, at, DbValue::Int64),
        Type::FLOAT4 => plain(row, at, DbValue::Floating32),
        Type::FLOAT8 => plain(row, at, DbValue::Floating64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => plain(row, at, DbValue::Str),
        Type::BYTEA => plain(row, at, DbValue::Binary),
        Type::DATE => read(row, at, |date: NaiveDate| Ok(DbValue::Date(of_date(date)?))),
        Type::TIME => read(row, at, |time: NaiveTime| Ok(DbValue::Time(of_time(time)?))),
        Type::TIMESTAMP => read(row, at, of_instant),
        // Spin reads no such column.
        Type::TIMESTAMPTZ => read(row, at, |instant: DateTime<Utc>| of_instant(instant.naive_utc())),
        Type::UUID => plain(row, at, |id: uuid::Uuid| DbValue::Uuid(id.to_string())),
        Type::JSONB => read(row, at, |json: serde_json::Value| {
            Ok(DbValue::Jsonb(serde_json::to_vec(&json).map_err(|error| error.to_string())?))
        }),
        Type::NUMERIC => plain(row, at, |number: Decimal| DbValue::Decimal(number.to_string())),
        Type::INT4_RANGE => {
            plain(row, at, |span: Span<i32>| DbValue::RangeInt32(span.bounds(|number| *number)))
        }
        Type::INT8_RANGE => {
            plain(row, at, |span: Span<i64>| DbValue::RangeInt64(span.bounds(|number| *number)))
        }
        Type::NUM_RANGE => {
            plain(row, at, |span: Span<Decimal>| DbValue::RangeDecimal(span.bounds(Decimal::to_string)))
        }
        Type::INT4_ARRAY => plain(row, at, DbValue::ArrayInt32),
        Type::INT8_ARRAY => plain(row, at, DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => plain(row, at, |numbers: Vec<Option<Decimal>>| {
            DbValue::ArrayDecimal(
                numbers.into_iter().map(|number| number.map(|number| number.to_string())).collect(),
            )
        }),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => plain(row, at, DbValue::ArrayStr),
        Type::INTERVAL => plain(row, at, |Months(interval)| DbValue::Interval(interval)),
        _ => plain(row, at, |Other(bytes)| DbValue::Unsupported(bytes)),
    }
}

fn plain<'a, T: FromSql<'a>>(row: &'a Row, at: usize, make: impl FnOnce(T) -> DbValue) -> Result<DbValue> {
    read(row, at, |value| Ok(make(value)))
}

fn read<'a, T: FromSql<'a>>(
    row: &'a Row,
    at: usize,
    make: impl FnOnce(T) -> Result<DbValue>,
) -> Result<DbValue> {
    let value: Option<T> = row.try_get(at).map_err(|error| format!("{error:?}"))?;
    value.map_or(Ok(DbValue::DbNull), make)
}

fn of_instant(instant: NaiveDateTime) -> Result<DbValue> {
    let (year, month, day) = of_date(instant.date())?;
    let (hour, minute, second, nanosecond) = of_time(instant.time())?;
    Ok(DbValue::Datetime((year, month, day, hour, minute, second, nanosecond)))
}

fn of_date(date: NaiveDate) -> Result<(i32, u8, u8)> {
    Ok((date.year(), small(date.month())?, small(date.day())?))
}

fn of_time(time: NaiveTime) -> Result<(u8, u8, u8, u32)> {
    Ok((small(time.hour())?, small(time.minute())?, small(time.second())?, time.nanosecond()))
}

fn small(number: u32) -> Result<u8> {
    u8::try_from(number).map_err(|error| error.to_string())
}

/// How much memory a value takes.
pub(super) fn size(value: &DbValue) -> usize {
    let content = match value {
        DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
        DbValue::Binary(bytes) | DbValue::Jsonb(bytes) | DbValue::Unsupported(bytes) => bytes.len(),
        DbValue::ArrayInt32(numbers) => size_of_val(numbers.as_slice()),
        DbValue::ArrayInt64(numbers) => size_of_val(numbers.as_slice()),
        DbValue::ArrayDecimal(texts) | DbValue::ArrayStr(texts) => {
            texts.iter().fold(size_of_val(texts.as_slice()), |sum, text| {
                sum.saturating_add(text.as_ref().map_or(0, String::len))
            })
        }
        _ => 0,
    };
    content.saturating_add(size_of::<DbValue>())
}

/// A number that has ranges.
impl Number for i32 {}
impl Number for i64 {}
impl Number for Decimal {}
