//! The lines of a stream (HTML standard §9.2.5, `text/event-stream`).

use perennial_events::EventPlace;

/// An event. `data` is JSON on one line, as its serializers write it: no line break is in it that is not escaped.
pub(crate) fn event(place: &EventPlace, name: &str, data: &str) -> String {
    // A name that another build has written could hold a line of its own.
    let name = name.split(['\r', '\n']).next().unwrap_or_default();
    format!("id: {place}\nevent: {name}\ndata: {data}\n\n")
}

/// A line that readers do not hand on: it keeps the connection open, and tells people something.
pub(crate) fn comment(words: &str) -> String {
    format!(": {words}\n\n")
}

/// How long a client that was cut off waits before it comes again.
pub(crate) fn retry(millis: u64) -> String {
    format!("retry: {millis}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line() {
        let place = EventPlace { epoch: "a".to_owned(), sequence: 7 };
        assert_eq!(event(&place, "task.created", "{}"), "id: a.7\nevent: task.created\ndata: {}\n\n");
        assert_eq!(event(&place, "x\ndata: forged\n\n", "{}"), "id: a.7\nevent: x\ndata: {}\n\n");
        assert_eq!(event(&place, "x\rid: b.9", "{}").matches("\nid:").count(), 0);
        // A carriage return ends a line there too.
        assert_eq!(event(&place, "x\rid: b.9", "{}"), "id: a.7\nevent: x\ndata: {}\n\n");
    }
}
