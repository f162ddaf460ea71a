//! Messages that can never be applied become dead letters, and those alone; the figures say so.

use http::Method;
use perennial_domain::{ErrorClass, UserId, delete_user};
use perennial_events::CloudEvent;
use perennial_fixture::{Fixture, NOON};
use perennial_store::{KeptLetter, LetterFilter, LetterStore, MetricsStore, Store};
use recurrence_scheduler::{Taken, metrics, take, take_given_up};

use crate::{owed, text};

fn letters(fixture: &Fixture) -> Vec<KeptLetter> {
    fixture.store.letters(&LetterFilter::default(), 0, 100).unwrap().letters
}

fn taken(fixture: &mut Fixture, messages: &[Vec<u8>]) -> Taken {
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    take(&fixture.store, &messages, NOON, &mut fixture.ids)
}

/// Among good ones, each of which has its effect: all of the bad ones, and only they.
#[test]
fn all_that_can_never_be_applied_and_only_that_becomes_a_letter() {
    let (mut fixture, user, good) = owed();
    let bad = |change: fn(&mut CloudEvent)| {
        let mut event = good.clone();
        event.id = format!("{}0", &good.id[..35]);
        change(&mut event);
        text(&event)
    };
    let mut other = good.clone();
    other.kind = "task.unheard-of".to_owned();
    let messages = [
        b"no event".to_vec(),
        text(&good),
        bad(|event| event.data = serde_json::json!({})),
        text(&other),
        bad(|event| {
            event.id = "no id".to_owned();
            event.subject = "x".to_owned()
        }),
        vec![b'x'; 300_000],
    ];
    let done = taken(&mut fixture, &messages);
    assert_eq!((done.done, done.written.len(), done.given_up.len()), (vec![true; 6], 1, 4));
    assert_eq!(fixture.count("occurrence WHERE status = 'open'"), 1, "the good one had its effect");
    let kept = letters(&fixture);
    assert_eq!(kept.len(), 4, "{kept:?}");
    assert!(
        kept.iter().all(|letter| letter.error_class == ErrorClass::Permanent && !letter.error.is_empty())
    );
    assert!(
        kept.iter().all(|letter| letter.consumer == "recurrence-scheduler" && letter.topic == "task-events")
    );
    let owners: Vec<&str> = kept.iter().map(|letter| letter.user_id.as_str()).collect();
    assert_eq!(owners, ["", user.as_str(), user.as_str(), ""]);
    // All over again, there are no more of them, and the good one has no second effect, which is counted.
    let again = taken(&mut fixture, &messages);
    assert_eq!((again.done, again.written.len()), (vec![true; 6], 0));
    assert_eq!(letters(&fixture).len(), 4);
    assert_eq!(fixture.count("tally WHERE name LIKE 'duplicate_events_total%' AND value = 1"), 1);
}

/// Where the store cannot keep them, they are to come again; so is what it could not apply.
#[test]
fn what_the_store_does_not_take_comes_again() {
    let (mut fixture, _, good) = owed();
    fixture.rows("ALTER TABLE dead_letter RENAME TO away");
    let done = taken(&mut fixture, &[b"no event".to_vec(), text(&good)]);
    assert_eq!((done.done, done.written.len(), done.failures.len()), (vec![false, true], 1, 1));
    let done = take_given_up(&fixture.store, "task-events", &[b"x", b"y"], NOON);
    assert_eq!(done.done, [false, false]);

    let (mut fixture, _, good) = owed();
    fixture.rows("ALTER TABLE task RENAME TO away");
    assert_eq!(taken(&mut fixture, &[text(&good)]).done, [false]);
    assert!(letters(&fixture).is_empty());
}

/// A row that nobody can read is no reason to deliver the event for ever.
#[test]
fn an_event_about_what_cannot_be_read_becomes_a_letter() {
    let (mut fixture, user, good) = owed();
    fixture.rows(fixture.dialect("UPDATE task SET recurrence = '[{'", "UPDATE task SET recurrence = '[7]'"));
    assert_eq!(taken(&mut fixture, &[text(&good)]).done, [true]);
    let kept = letters(&fixture);
    assert_eq!((kept.len(), kept[0].user_id.as_str()), (1, user.as_str()));
}

#[test]
fn what_a_broker_gave_up_is_of_the_consumer_that_has_not_applied_it() {
    let (mut fixture, _, good) = owed();
    let mut other = good.clone();
    let end = if good.id.ends_with('0') { '1' } else { '0' };
    (other.id, other.kind) = (format!("{}{end}", &good.id[..35]), "task.created".to_owned());
    let messages = [text(&good), text(&other), b"no event".to_vec()];
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let done = take_given_up(&fixture.store, "task-events", &messages, NOON);
    assert_eq!((done.done, done.given_up.len()), (vec![true; 3], 3));
    let said: Vec<_> = letters(&fixture).into_iter().map(|l| (l.consumer, l.error_class)).collect();
    let (transient, permanent) = (ErrorClass::Transient, ErrorClass::Permanent);
    assert_eq!(
        said,
        [
            ("recurrence-scheduler".to_owned(), transient),
            (String::new(), transient),
            (String::new(), permanent)
        ]
    );
    // One that was applied after all is no letter, and nothing is said of it but the figure.
    fixture.rows("DELETE FROM dead_letter");
    taken(&mut fixture, &[text(&good)]);
    let done = take_given_up(&fixture.store, "task-events", &messages[..1], NOON);
    assert_eq!((done.done, done.given_up.len(), letters(&fixture).len()), (vec![true], 0, 0));
    assert_eq!(fixture.count("tally WHERE name LIKE 'duplicate_events_total%' AND value = 1"), 1);
}

/// What is said of a message that is not kept is so.
#[test]
fn what_is_said_of_a_message_that_is_not_kept_is_so() {
    let (mut fixture, user, good) = owed();
    let gone = delete_user(&mut fixture.context(&UserId::admin()), &user);
    fixture.store.commit(&gone).unwrap();
    let done = take_given_up(&fixture.store, "task-events", &[&text(&good), b"no event"], NOON);
    assert_eq!(done.given_up.len(), 2);
    assert!(done.given_up[0].ends_with("(of a user who was deleted: not kept)"), "{done:?}");
    assert!(!done.given_up[1].contains("not kept"), "{done:?}");
    fixture.rows(
        "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 10000) \
         INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class, \
         tries, first_at, last_at, instance, status, status_at, event) \
         SELECT CAST(n AS TEXT), user_id, topic, CAST(n AS TEXT), consumer, stream_id, sequence, type, CAST(n AS TEXT), error, error_class, tries, first_at, last_at, instance, \
         status, status_at, event FROM dead_letter, n WHERE user_id = ''",
    );
    let done = take_given_up(&fixture.store, "task-events", &[b"nor this"], NOON);
    assert!(done.given_up[0].ends_with("(nobody's, of which too many are open: not kept)"), "{done:?}");
}

#[test]
fn the_figures_are_those_of_the_store() {
    let (mut fixture, ..) = owed();
    taken(&mut fixture, &[b"no event".to_vec(), b"nor this".to_vec()]);
    let now = NOON.plus_millis(1_500);
    let text = metrics::text(&fixture.store.metrics(now).unwrap(), now);
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    };
    assert_eq!(value("outbox_oldest_age_seconds"), 1.5);
    assert_eq!(value("work_oldest_due_age_seconds{kind=\"successor\"}"), 1.5);
    assert_eq!(value("consumer_lag_seconds{consumer=\"recurrence-scheduler\"}"), 1.5);
    assert_eq!(value("work_due{kind=\"successor\"}"), 1.0);
    assert_eq!(value("dead_letters_open"), 2.0);
    assert_eq!(value("dlq_events_total{topic=\"task-events\"}"), 2.0);
    assert_eq!(value("dlq_events_total{topic=\"reminders\"}"), 0.0);
    // A clock behind makes nothing older than it is.
    let behind = metrics::text(&fixture.store.metrics(now).unwrap(), NOON.plus_millis(-1));
    assert!(!behind.contains(" -"), "{behind}");
}

#[test]
fn the_metrics_are_for_who_has_their_token() {
    let admitted = |method: Method, token: Option<&str>, expected: &str| {
        let mut request = http::Request::builder().method(method).uri("/metrics");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        metrics::admit(&head, expected).map_or_else(|problem| problem.status().as_u16(), |()| 200)
    };
    assert_eq!(admitted(Method::GET, Some("a"), "a"), 200);
    assert_eq!(admitted(Method::HEAD, Some("a"), "a"), 200);
    assert_eq!(admitted(Method::GET, Some("b"), "a"), 401);
    assert_eq!(admitted(Method::GET, None, "a"), 401);
    assert_eq!(admitted(Method::POST, Some("a"), "a"), 405);
    for token in [None, Some(""), Some("a")] {
        assert_eq!(admitted(Method::GET, token, ""), 404, "closed where there is none");
    }
}
