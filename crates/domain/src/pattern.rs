//! What texts look like, for the descriptions of documents: regular expressions (ECMA-262, the same in other dialects) and names
//! of formats. What no pattern can say (a rule's grammar, a day of the calendar, a zone there is) is checked where it is read.

/// Not a control character.
macro_rules! printed {
    () => {
        r"[^\u0000-\u001f\u007f-\u009f]"
    };
}

macro_rules! year {
    ($last:literal) => {
        concat!("(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-", $last, "])")
    };
}

/// A month and a day that it has in some year.
macro_rules! day {
    () => {
        "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"
    };
}

macro_rules! time {
    ($seconds:literal) => {
        concat!("T([01][0-9]|2[0-3]):[0-5][0-9]", $seconds)
    };
}

/// A name that programs give: visible ASCII characters.
pub const NAME: &str = "^[!-~]+$";

/// One line that is not blank.
pub const LINE: &str = concat!(
    "^",
    printed!(),
    r"*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    printed!(),
    "*$"
);

/// Characters that are no controls, one at least.
pub const PRINTED: &str = concat!("^", printed!(), "+$");

/// Visible ASCII characters without spaces, one at least.
pub const VISIBLE: &str = "^[!-~]+$";

/// Several lines, or none.
pub const TEXT: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";

/// A local date or date-time of which an instant is made.
pub const DUE: &str = concat!("^", year!("8"), day!(), "(", time!("(:[0-5][0-9])?"), ")?$");

/// A local date or date-time.
pub const LOCAL: &str = concat!("^", year!("9"), day!(), "(", time!("(:[0-5][0-9])?"), ")?$");

/// An instant in UTC (RFC 3339).
pub const INSTANT: &str = concat!("^[0-9]{4}", day!(), time!(r":[0-5][0-9](\.[0-9]{1,9})?Z"), "$");

/// An instant in UTC, or a local time.
pub const BOUND: &str = concat!(
    "^[0-9]{4}",
    day!(),
    "(",
    time!(r":[0-5][0-9](\.[0-9]{1,9})?Z"),
    "|",
    time!("(:[0-5][0-9])?"),
    ")?$"
);

/// A minute of the clock.
pub const CLOCK: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

/// A web address in ASCII.
pub const URL: &str = "^https?://[!-~]+$";

/// A RECUR value (RFC 5545 §3.3.10).
pub const RECUR: &str = "recur";

/// A TRIGGER value (RFC 5545 §3.8.6.3).
pub const TRIGGER: &str = "trigger";

/// A duration (RFC 5545 §3.3.6) that is not negative.
pub const DURATION: &str = "positive-duration";

/// The name of a zone of the IANA time zone database.
pub const ZONE: &str = "time-zone";
