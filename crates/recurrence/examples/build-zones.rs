//! Rebuilds `zones/zones.bin`, the zone data compiled into this crate, from an unpacked `tzdata` wheel:
//!
//! ```text
//! pip download tzdata --no-deps && unzip tzdata-*.whl -d wheel
//! cargo run -p perennial-recurrence --example build-zones -- wheel crates/recurrence/zones/zones.bin
//! ```
//!
//! The layout is described in `src/zone/blob.rs`, which reads it. Names with the same data (links) share a
//! table. Changes of abbreviation alone are dropped: recurrence needs offsets, not their names.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a tool run by hand on a released file: stopping with a panic is an answer"
)]

use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use tz::timezone::{RuleDay, TimeZone, TransitionRule};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(wheel), Some(out)) = (args.next(), args.next()) else {
        bail!("usage: build-zones <unpacked tzdata wheel> <output file>");
    };
    let root = Path::new(&wheel).join("tzdata");
    let version = version(&std::fs::read_to_string(root.join("__init__.py"))?)?;
    let list = std::fs::read_to_string(root.join("zones")).context("the wheel's list of zones")?;
    let mut tables: Vec<Vec<u8>> = Vec::new();
    let mut names = BTreeMap::new();
    for name in list.split_whitespace() {
        let data = std::fs::read(root.join("zoneinfo").join(name)).with_context(|| name.to_owned())?;
        let table = encode(&data).with_context(|| name.to_owned())?;
        let at = tables.iter().position(|known| *known == table).unwrap_or_else(|| {
            tables.push(table);
            tables.len() - 1
        });
        names.insert(name, u16::try_from(at)?);
    }
    let blob = assemble(&version, &names, &tables)?;
    std::fs::write(&out, &blob)?;
    println!("IANA {version}: {} names, {} tables, {} bytes", names.len(), tables.len(), blob.len());
    Ok(())
}

fn version(init: &str) -> Result<String> {
    let line =
        init.lines().find_map(|line| line.strip_prefix("IANA_VERSION = \"")).context("IANA_VERSION")?;
    Ok(line.trim_end_matches('"').to_owned())
}

fn assemble(version: &str, names: &BTreeMap<&str, u16>, tables: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut blob = b"PZB1".to_vec();
    blob.push(u8::try_from(version.len())?);
    blob.extend(version.as_bytes());
    blob.extend(u16::try_from(names.len())?.to_be_bytes());
    blob.extend(u16::try_from(tables.len())?.to_be_bytes());
    let mut text_at = blob.len() + names.len() * 7 + tables.len() * 4;
    for (name, table) in names {
        blob.extend(u32::try_from(text_at)?.to_be_bytes());
        blob.push(u8::try_from(name.len())?);
        blob.extend(table.to_be_bytes());
        text_at += name.len();
    }
    let mut table_at = text_at;
    for table in tables {
        blob.extend(u32::try_from(table_at)?.to_be_bytes());
        table_at += table.len();
    }
    names.keys().for_each(|name| blob.extend(name.as_bytes()));
    tables.iter().for_each(|table| blob.extend(table));
    Ok(blob)
}

fn encode(tzif: &[u8]) -> Result<Vec<u8>> {
    let zone = TimeZone::from_tz_data(tzif)?;
    let zone = zone.as_ref();
    ensure!(zone.leap_seconds().is_empty(), "leap seconds are not expected here");
    let types = zone.local_time_types();
    let mut offsets = vec![types[0].ut_offset()];
    let mut kind = |offset: i32| -> Result<u8> {
        let at = offsets.iter().position(|&known| known == offset).unwrap_or_else(|| {
            offsets.push(offset);
            offsets.len() - 1
        });
        Ok(u8::try_from(at)?)
    };
    let (mut times, mut kinds, mut current) = (Vec::new(), Vec::new(), types[0].ut_offset());
    let transitions = zone.transitions();
    for (index, transition) in transitions.iter().enumerate() {
        let offset = types[transition.local_time_type_index()].ut_offset();
        // The yearly rule holds from the last change on, so that one counts even if it changes the name only.
        if offset != current || index + 1 == transitions.len() {
            times.extend(transition.unix_leap_time().to_be_bytes());
            kinds.push(kind(offset)?);
            current = offset;
        }
    }
    let rule = match zone.extra_rule() {
        Some(TransitionRule::Alternate(rule)) => {
            let (std, dst) = (rule.std().ut_offset(), rule.dst().ut_offset());
            let mut bytes = change(rule.dst_start(), kind(dst)?, rule.dst_start_time() - std)?;
            bytes.extend(change(rule.dst_end(), kind(std)?, rule.dst_end_time() - dst)?);
            bytes
        }
        Some(TransitionRule::Fixed(fixed)) => {
            ensure!(fixed.ut_offset() == current, "the footer contradicts the last transition");
            Vec::new()
        }
        None => Vec::new(),
    };
    let mut table = u16::try_from(kinds.len())?.to_be_bytes().to_vec();
    table.push(u8::try_from(offsets.len())?);
    table.push(u8::from(!rule.is_empty()));
    offsets.iter().for_each(|offset| table.extend(offset.to_be_bytes()));
    table.extend(rule);
    table.extend(times);
    table.extend(kinds);
    Ok(table)
}

/// One yearly change: month, week (5 = last), weekday (0 = Sunday), offset index after it, and its time in
/// seconds of UTC from that day's midnight.
fn change(day: &RuleDay, kind: u8, utc_seconds: i32) -> Result<Vec<u8>> {
    let RuleDay::MonthWeekDay(day) = day else {
        bail!("a footer with a day of year: teach src/zone/yearly.rs to read it first");
    };
    let mut bytes = vec![day.month(), day.week(), day.week_day(), kind];
    bytes.extend(utc_seconds.to_be_bytes());
    Ok(bytes)
}
