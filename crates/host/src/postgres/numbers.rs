//! What the client has no types for: ranges, intervals, decimals as texts, NULL of any type, and values of any type.

use std::error::Error;

use postgres_protocol::IsNull as Sent;
use postgres_protocol::types::{Range, RangeBound, range_from_sql, range_to_sql};
use rust_decimal::Decimal;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::bindings::spin::postgres::postgres::{Interval, RangeBoundKind};

type Result<T> = std::result::Result<T, Box<dyn Error + Sync + Send>>;

/// A bound of a range as guests have it; `None`: there is none.
pub(super) type Bound<T> = Option<(T, RangeBoundKind)>;

/// A decimal from its text, as exact as it says.
pub(super) fn decimal(text: &str) -> std::result::Result<Decimal, String> {
    Decimal::from_str_exact(text).map_err(|error| format!("invalid decimal {text}: {error}"))
}

/// Likewise many.
pub(super) fn decimals(texts: &[Option<String>]) -> std::result::Result<Vec<Option<Decimal>>, String> {
    texts.iter().map(|text| text.as_deref().map(decimal).transpose()).collect()
}

/// A number that has ranges.
pub(super) trait Number: ToSql + for<'a> FromSql<'a> + PartialOrd + std::fmt::Debug {}

/// A range. Guests tell no empty one: with bounds that exclude each other it is.
#[derive(Debug)]
pub(super) struct Span<T> {
    lower: Bound<T>,
    upper: Bound<T>,
}

impl<T: Copy> Span<T> {
    pub fn of_numbers((lower, upper): (Bound<T>, Bound<T>)) -> Self {
        Self { lower, upper }
    }
}

impl Span<Decimal> {
    pub fn of_texts((lower, upper): &(Bound<String>, Bound<String>)) -> std::result::Result<Self, String> {
        let read = |bound: &Bound<String>| {
            let read = bound.as_ref().map(|(text, kind)| decimal(text).map(|number| (number, *kind)));
            read.transpose()
        };
        Ok(Self { lower: read(lower)?, upper: read(upper)? })
    }
}

impl<T: Number> Span<T> {
    /// Its bounds as guests have them.
    pub fn bounds<U>(&self, make: impl Fn(&T) -> U) -> (Bound<U>, Bound<U>) {
        let told = |bound: &Bound<T>| bound.as_ref().map(|(value, kind)| (make(value), *kind));
        (told(&self.lower), told(&self.upper))
    }

    fn is_empty(&self) -> bool {
        let (Some((lower, from)), Some((upper, to))) = (&self.lower, &self.upper) else { return false };
        let both = matches!((from, to), (RangeBoundKind::Inclusive, RangeBoundKind::Inclusive));
        lower > upper || (lower == upper && !both)
    }
}

impl<T: Number> ToSql for Span<T> {
    fn to_sql(&self, of: &Type, into: &mut BytesMut) -> Result<IsNull> {
        let Kind::Range(of) = of.kind() else { return Err("not a range".into()) };
        if self.is_empty() {
            postgres_protocol::types::empty_range_to_sql(into);
            return Ok(IsNull::No);
        }
        let write = |bound: &Bound<T>, into: &mut BytesMut| {
            let Some((value, kind)) = bound else { return Ok(RangeBound::Unbounded) };
            let sent = match value.to_sql(of, into)? {
                IsNull::Yes => Sent::Yes,
                IsNull::No => Sent::No,
            };
            Ok(match kind {
                RangeBoundKind::Inclusive => RangeBound::Inclusive(sent),
                RangeBoundKind::Exclusive => RangeBound::Exclusive(sent),
            })
        };
        range_to_sql(|into| write(&self.lower, into), |into| write(&self.upper, into), into)?;
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        matches!(of.kind(), Kind::Range(of) if <T as ToSql>::accepts(of))
    }

    to_sql_checked!();
}

impl<'a, T: Number> FromSql<'a> for Span<T> {
    fn from_sql(of: &Type, bytes: &'a [u8]) -> Result<Self> {
        let Kind::Range(of) = of.kind() else { return Err("not a range".into()) };
        let read = |bound: RangeBound<Option<&[u8]>>| {
            let (bytes, kind) = match bound {
                RangeBound::Inclusive(Some(bytes)) => (bytes, RangeBoundKind::Inclusive),
                RangeBound::Exclusive(Some(bytes)) => (bytes, RangeBoundKind::Exclusive),
                _ => return Ok(None),
            };
            // What is read keeps nothing of the bytes.
            Ok::<_, Box<dyn Error + Sync + Send>>(Some((T::from_sql(of, bytes)?, kind)))
        };
        Ok(match range_from_sql(bytes)? {
            Range::Empty => Self { lower: None, upper: None },
            Range::Nonempty(lower, upper) => Self { lower: read(lower)?, upper: read(upper)? },
        })
    }

    fn accepts(of: &Type) -> bool {
        matches!(of.kind(), Kind::Range(of) if <T as FromSql>::accepts(of))
    }
}

/// An interval: months, days and microseconds, which are no multiples of each other.
#[derive(Debug)]
pub(super) struct Months(pub Interval);

impl ToSql for Months {
    fn to_sql(&self, _: &Type, into: &mut BytesMut) -> Result<IsNull> {
        into.extend_from_slice(&self.0.micros.to_be_bytes());
        into.extend_from_slice(&self.0.days.to_be_bytes());
        into.extend_from_slice(&self.0.months.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::INTERVAL
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Months {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self> {
        let wrong = || "unexpected binary format for Postgres INTERVAL";
        let (micros, rest) = bytes.split_first_chunk().ok_or_else(wrong)?;
        let (days, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
        let months = rest.try_into().map_err(|_| wrong())?;
        Ok(Self(Interval {
            micros: i64::from_be_bytes(*micros),
            days: i32::from_be_bytes(*days),
            months: i32::from_be_bytes(months),
        }))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::INTERVAL
    }
}

/// NULL of any type.
#[derive(Debug)]
pub(super) struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value of a type that guests are not told in another way: as the server sends it.
#[derive(Debug)]
pub(super) struct Other(pub Vec<u8>);

impl<'a> FromSql<'a> for Other {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self> {
        Ok(Self(bytes.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
