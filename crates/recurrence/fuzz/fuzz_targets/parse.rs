#![no_main]
#[expect(dead_code, reason = "one target of two")]
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::parse(data));
