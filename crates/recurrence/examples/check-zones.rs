//! Compares the zone data compiled in with the TZif files they were built from, read by another library: every
//! zone at every hour around its changes and every 20 days from 1850 to 2250.
//!
//! ```text
//! cargo run --release -p perennial-recurrence --example check-zones -- <unpacked tzdata wheel>
//! ```

use anyhow::{Context, Result, bail, ensure};
use chrono::DateTime;
use perennial_recurrence::{Zone, tzdata_version, zone_names};
use std::path::Path;
use tz::timezone::TimeZone;

fn main() -> Result<()> {
    let Some(wheel) = std::env::args().nth(1) else { bail!("usage: check-zones <unpacked tzdata wheel>") };
    let root = Path::new(&wheel).join("tzdata/zoneinfo");
    let mut compared = 0_u64;
    for name in zone_names() {
        let file = TimeZone::from_tz_data(&std::fs::read(root.join(name)).with_context(|| name.to_owned())?)?;
        let zone = Zone::parse(name)?;
        let around =
            |time: i64| (-30..30_i64).map(move |hour| time.saturating_add(hour.saturating_mul(3_600)));
        let changes = file.as_ref().transitions().iter().flat_map(|change| around(change.unix_leap_time()));
        let far = (-3_786_912_000_i64..8_835_955_200).step_by(20 * 86_400 + 3_600);
        for at in changes.chain(far) {
            let theirs = file.find_local_time_type(at)?.ut_offset();
            let ours = zone.offset(DateTime::from_timestamp(at, 0).context("a time chrono knows")?);
            ensure!(ours == theirs, "{name} at {at}: {ours} here, {theirs} in the file");
            compared = compared.saturating_add(1);
        }
    }
    println!("IANA {}: {compared} offsets agree", tzdata_version());
    Ok(())
}
