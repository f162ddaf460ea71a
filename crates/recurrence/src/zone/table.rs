//! One zone's offsets through time, read in place.
//!
//! Layout of a table: number of changes n (u16), number of offsets m (u8), whether yearly changes follow (u8);
//! m × offset in seconds (i32, the first one holds before every change); 2 × yearly change (8 bytes, see
//! `yearly`); n × instant (i64, Unix seconds); n × which offset holds from then on (u8).

use super::blob;
use super::yearly::Yearly;

/// A stretch of time with one offset: `start ≤ instant < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Unix seconds; `i64::MIN` before the first change.
    pub(crate) start: i64,
    /// Unix seconds; `i64::MAX` after the last change.
    pub(crate) end: i64,
    /// Seconds east of UTC.
    pub(crate) offset: i64,
    /// The offset before `start`.
    pub(crate) before: i64,
}

#[derive(Clone, Copy)]
pub(super) struct Table {
    offsets: &'static [[u8; 4]],
    yearly: Option<Yearly>,
    times: &'static [[u8; 8]],
    kinds: &'static [u8],
}

impl Table {
    /// UTC, which needs no data.
    pub(super) const UTC: Table = Table { offsets: &[[0; 4]], yearly: None, times: &[], kinds: &[] };

    pub(super) fn read(at: usize) -> Option<Table> {
        let changes = blob::short(at)?;
        let offsets = blob::byte(at.checked_add(2)?)?.checked_mul(4)?;
        let has_yearly = blob::byte(at.checked_add(3)?)? == 1;
        let at = at.checked_add(4)?;
        let offset_bytes = blob::bytes(at, offsets)?.as_chunks().0;
        let mut at = at.checked_add(offsets)?;
        let mut yearly = None;
        if has_yearly {
            yearly = Some(Yearly::read(blob::bytes(at, 16)?, offset_bytes)?);
            at = at.checked_add(16)?;
        }
        let length = changes.checked_mul(8)?;
        let times = blob::bytes(at, length)?.as_chunks().0;
        let kinds = blob::bytes(at.checked_add(length)?, changes)?;
        Some(Table { offsets: offset_bytes, yearly, times, kinds })
    }

    /// Whether both are the same bytes; a name that links to a zone has that zone's.
    pub(super) fn is_same_as(&self, other: &Table) -> bool {
        std::ptr::eq(self.offsets, other.offsets) || self.is_fixed_at(other)
    }

    fn is_fixed_at(&self, other: &Table) -> bool {
        let fixed = |table: &Table| table.times.is_empty() && table.yearly.is_none();
        fixed(self) && fixed(other) && self.offset(None) == other.offset(None)
    }

    /// The stretch an instant lies in.
    pub(super) fn span(&self, at: i64) -> Span {
        let passed = self.times.partition_point(|time| i64::from_be_bytes(*time) <= at);
        let previous = passed.checked_sub(1);
        let span = Span {
            start: previous.and_then(|index| self.time(index)).unwrap_or(i64::MIN),
            end: self.time(passed).unwrap_or(i64::MAX),
            offset: self.offset(previous),
            before: self.offset(previous.and_then(|index| index.checked_sub(1))),
        };
        match self.yearly {
            Some(yearly) if span.end == i64::MAX => yearly.span(at, span),
            _ => span,
        }
    }

    /// Every offset in force at some time from an instant on.
    pub(super) fn offsets(&self, from: i64) -> Vec<i64> {
        let passed = self.times.partition_point(|time| i64::from_be_bytes(*time) <= from);
        let listed = (passed..self.times.len()).map(|change| self.offset(Some(change)));
        let yearly = self.yearly.map(|yearly| yearly.offsets()).into_iter().flatten();
        let mut offsets: Vec<i64> = listed.chain(yearly).chain([self.span(from).offset]).collect();
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }

    fn time(&self, index: usize) -> Option<i64> {
        self.times.get(index).copied().map(i64::from_be_bytes)
    }

    /// The offset after a change; `None` = before all changes.
    fn offset(&self, change: Option<usize>) -> i64 {
        let kind = change.and_then(|index| self.kinds.get(index)).copied().map_or(0, usize::from);
        self.offsets.get(kind).map_or(0, |bytes| i64::from(i32::from_be_bytes(*bytes)))
    }
}
