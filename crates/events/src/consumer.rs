//! Who hears what: the one list that spin.toml, the buses and the callback routes are held against.

/// A handler that is woken by events. An event is a hint where to look: what is owed is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumer {
    /// Its name: the component's, and that of its inbox.
    pub name: &'static str,
    /// The topic that it listens to.
    pub topic: &'static str,
    /// The types of events that wake it; others would start it for nothing. Where there is none, nothing within this application
    /// wakes it: it takes what a broker delivers for a hint, and finds without one what is to be done.
    pub types: &'static [&'static str],
    /// Whether it reads each event. Where it does not, the first of a batch wakes it for all of them: what they are about was
    /// in the store before the first went out.
    pub each: bool,
    /// Its address within this application, on every bus that calls it: `/events/<name>/<topic>`.
    pub route: &'static str,
    /// Its channel on Redis, if anything wakes it there, beside the topic's own, which is for readers outside.
    pub channel: Option<&'static str>,
}

/// The consumers.
pub const CONSUMERS: &[Consumer] = &[
    Consumer {
        name: "recurrence-scheduler",
        topic: "task-events",
        types: &["task.completed"],
        each: true,
        route: "/events/recurrence-scheduler/task-events",
        channel: Some("task-events.recurrence-scheduler"),
    },
    Consumer {
        name: "notifier",
        topic: "reminders",
        types: &["reminder.fired"],
        each: false,
        route: "/events/notifier/reminders",
        channel: Some("reminders.notifier"),
    },
    Consumer {
        name: "audit",
        topic: "task-events",
        types: &[],
        each: false,
        route: "/events/audit/task-events",
        channel: None,
    },
];

/// Those that act upon an event of this type on this topic.
pub fn hearing(topic: &str, kind: &str) -> impl Iterator<Item = &'static Consumer> {
    CONSUMERS.iter().filter(move |consumer| consumer.topic == topic && consumer.types.contains(&kind))
}

/// The one that hears at an address, if any does.
pub fn heard_at(route: &str) -> Option<&'static Consumer> {
    CONSUMERS.iter().find(|consumer| consumer.route == route)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_and_a_channel_are_named_by_consumer_and_topic() {
        for Consumer { name, topic, route, channel, .. } in CONSUMERS {
            assert_eq!(*route, format!("/events/{name}/{topic}"));
            assert!(channel.is_none_or(|channel| channel == format!("{topic}.{name}")));
        }
    }
}
