//! The hostile rules.

const FREQUENCIES: [&str; 7] = ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

/// What is put behind every frequency; where RFC 5545 forbids it there, the parser's refusal is the answer.
const TAILS: [&str; 30] = [
    "",
    ";BYMONTH=2;BYMONTHDAY=30",
    ";BYMONTH=2,4,6,9,11;BYMONTHDAY=31",
    ";BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
    ";INTERVAL=100;BYMONTH=2;BYMONTHDAY=29",
    ";INTERVAL=7;BYMONTHDAY=31;BYDAY=SU;BYMONTH=12",
    ";INTERVAL=4294967295",
    ";INTERVAL=65537;BYMONTH=2",
    ";INTERVAL=1461;BYMONTHDAY=29;BYMONTH=2",
    ";INTERVAL=2;BYHOUR=1",
    ";INTERVAL=86400;BYSECOND=7",
    ";INTERVAL=3599;BYMINUTE=0;BYSECOND=0;BYHOUR=0;BYMONTH=1;BYMONTHDAY=1",
    ";COUNT=1000000000",
    ";COUNT=4294967295;BYMONTH=2;BYMONTHDAY=29",
    ";BYMONTH=12;BYMONTHDAY=31;BYHOUR=23;BYMINUTE=59;BYSECOND=59",
    ";BYDAY=MO;BYSETPOS=366",
    ";BYHOUR=9;BYSETPOS=-366,366",
    ";BYMONTHDAY=1,2,3;BYSETPOS=-4",
    ";BYYEARDAY=366;BYMONTHDAY=30;BYDAY=FR",
    ";BYYEARDAY=-366,366;BYMONTH=7",
    ";BYWEEKNO=53;BYMONTH=6",
    ";BYWEEKNO=53;BYDAY=MO;BYSETPOS=2",
    ";BYDAY=53MO,-53MO",
    ";INTERVAL=400;BYDAY=53MO",
    ";INTERVAL=12;BYDAY=5MO;BYMONTH=2",
    ";BYDAY=5MO;BYMONTHDAY=1",
    ";UNTIL=99991231T235959Z;BYMONTH=2;BYMONTHDAY=30",
    ";UNTIL=00010101",
    ";BYMONTHDAY=31;SKIP=FORWARD;BYMONTH=2;INTERVAL=999",
    ";WKST=WE;INTERVAL=5219;BYMONTH=2;BYDAY=MO",
];

fn every(end: u32) -> String {
    (0..end).map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

pub fn rules() -> Vec<String> {
    let mut rules: Vec<String> = FREQUENCIES
        .iter()
        .flat_map(|freq| TAILS.iter().map(move |tail| format!("FREQ={freq}{tail}")))
        .collect();
    let clock = format!(";BYHOUR={};BYMINUTE={};BYSECOND={}", every(24), every(60), every(60));
    for freq in FREQUENCIES {
        rules.push(format!("FREQ={freq}{clock}"));
        rules.push(format!("FREQ={freq}{clock};BYSETPOS=-1,366"));
        rules.push(format!("FREQ={freq}{clock};BYMONTH=2;BYMONTHDAY=30"));
    }
    let days: Vec<String> = (1..=366).flat_map(|day| [format!("{day}"), format!("-{day}")]).collect();
    rules.push(format!("FREQ=YEARLY;BYYEARDAY={}", days.join(",")));
    rules.push(format!("FREQ=YEARLY;INTERVAL=2;BYDAY=MO;BYSETPOS={}", days.join(",")));
    rules.push(format!("FREQ=DAILY;BYDAY={}", vec!["MO"; 350_000].join(",")));
    rules.push("FREQ=DAILY;".repeat(100_000));
    rules.push("=".repeat(1_000_000));
    rules.push(format!("FREQ=DAILY;BYMONTH={}", vec!["1"; 1_900].join(",")));
    let broken = [
        "",
        ";",
        "=",
        "FREQ",
        "FREQ=",
        "FREQ=DAILY;",
        ";FREQ=DAILY",
        "FREQ=DAILY;;COUNT=1",
        "FREQ=FORTNIGHTLY",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;COUNT=1e9",
        "FREQ=DAILY;COUNT=1;UNTIL=20240101",
        "FREQ=DAILY;BYDAY=\u{20ac}",
        "FREQ=DAILY;BYDAY=1\u{e9}O",
        "FREQ=DAILY;BYDAY=",
        "FREQ=DAILY;BYDAY=,",
        "FREQ=DAILY;BYDAY=M",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=99999MO",
        "FREQ=MONTHLY;BYDAY=XXMO",
        "FREQ=DAILY;BYDAY=1MO",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
        "FREQ=DAILY;BYMONTHDAY=0",
        "FREQ=DAILY;BYMONTHDAY=32",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYMINUTE=60",
        "FREQ=DAILY;BYSECOND=61",
        "FREQ=DAILY;BYSETPOS=1",
        "FREQ=YEARLY;BYSETPOS=0;BYDAY=MO",
        "FREQ=DAILY;UNTIL=2024",
        "FREQ=DAILY;UNTIL=20240230",
        "FREQ=DAILY;UNTIL=20240101T",
        "FREQ=DAILY;UNTIL=20240101T250000Z",
        "FREQ=DAILY;UNTIL=20240101T000000ZZ",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;X-FOO=1",
        "FREQ=DAILY;BYEASTER=1",
        "RSCALE=HEBREW;FREQ=DAILY",
        "FREQ=DAILY;SKIP=SIDEWAYS",
        "FREQ=DAILY COUNT=1",
        "FREQ=DAILY;\r\n COUNT=1",
        "FREQ=DAILY\0",
        "FREQ=DAILY;BYHOUR=1\u{660}",
        "\u{feff}FREQ=DAILY",
        "FREQ=DAILY;BYMONTHDAY=--1",
        "FREQ=DAILY;BYMONTHDAY=+-1",
        "FREQ=DAILY;BYMONTH=+1",
        "FREQ=DAILY;BYMONTH=001",
    ];
    rules.extend(broken.map(str::to_owned));
    rules
}
