//! The zone data compiled in: `zones/zones.bin`, written by `examples/build-zones.rs`.
//!
//! Big-endian: `PZB1`; the IANA version (length, text); number of names n and of tables t (u16 each);
//! n × (offset of the text u32, its length u8, table u16), sorted; t × offset of the table u32; then the texts
//! and the tables. Nothing is decoded ahead of time: a name is found by bisection and its table read in place,
//! so a fresh Wasm instance pays for the one zone it asks for.

static BLOB: &[u8] = include_bytes!("../../zones/zones.bin");

const NAME_ENTRY: usize = 7;
const TABLE_ENTRY: usize = 4;

/// Bytes of the blob; `None` past its end.
pub(super) fn bytes(at: usize, length: usize) -> Option<&'static [u8]> {
    BLOB.get(at..at.checked_add(length)?)
}

pub(super) fn byte(at: usize) -> Option<usize> {
    BLOB.get(at).copied().map(usize::from)
}

pub(super) fn short(at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes(at, 2)?.try_into().ok()?)))
}

fn long(at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(bytes(at, 4)?.try_into().ok()?)).ok()
}

/// The IANA version, such as `2026f`.
pub(super) fn version() -> Option<&'static str> {
    std::str::from_utf8(bytes(5, byte(4)?)?).ok()
}

/// Where the names start, and how many there are.
fn names() -> Option<(usize, usize)> {
    let counts = byte(4)?.checked_add(5)?;
    Some((counts.checked_add(4)?, short(counts)?))
}

/// The name at a place of the sorted list, with its table's number.
pub(super) fn name(index: usize) -> Option<(&'static str, usize)> {
    let (start, count) = names()?;
    if index >= count {
        return None;
    }
    let entry = start.checked_add(index.checked_mul(NAME_ENTRY)?)?;
    let text = bytes(long(entry)?, byte(entry.checked_add(4)?)?)?;
    Some((std::str::from_utf8(text).ok()?, short(entry.checked_add(5)?)?))
}

/// Finds a name, spelt exactly: the name as stored and where its table starts.
pub(super) fn find(wanted: &str) -> Option<(&'static str, usize)> {
    let (start, count) = names()?;
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        let (found, table) = name(middle)?;
        match found.cmp(wanted) {
            std::cmp::Ordering::Less => low = middle.checked_add(1)?,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => {
                let tables = start.checked_add(count.checked_mul(NAME_ENTRY)?)?;
                return Some((found, long(tables.checked_add(table.checked_mul(TABLE_ENTRY)?)?)?));
            }
        }
    }
    None
}
