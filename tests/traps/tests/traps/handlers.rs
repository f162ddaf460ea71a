//! The handlers of events and of the clock trapped at each of their calls, with something of everything to do.

use std::collections::BTreeSet;

use perennial_fixture::is_postgres;
use perennial_host::Moment;
use perennial_tests::Receiver;
use perennial_traps::House;
use serde_json::json;

use crate::{FIRST, MANY, MOMENTS, bins, completed, created};

const SCHEDULER: &str = "recurrence-scheduler-cron";
const PLANNER: &str = "recurrence-scheduler-redis";
const CLOCK: &str = "notifier-cron";
const WOKEN: &str = "notifier-redis";

/// How often the calls of a handler are gone through at most.
const ROUNDS: usize = 3;

/// The same calls on PostgreSQL.
const ON_POSTGRES: [(&str, &str); 7] = [
    ("INSERT INTO claim_v6", "perennial_claim("),
    ("INSERT INTO claim_notification_v3", "perennial_claim_shares("),
    ("INSERT INTO write_v5", "perennial_apply("),
    ("INSERT INTO write_fired_v5", "perennial_apply("),
    ("UPDATE work SET wake_at", "perennial_settle("),
    ("UPDATE stream SET relay_at", "UPDATE stream AS s SET relay_at"),
    ("UPDATE stream SET published", "UPDATE stream AS s SET published"),
];

/// What each handler must have been trapped at, on both sides: parts of calls.
const CALLS: [(&str, &[&str]); 4] = [
    (
        SCHEDULER,
        &[
            "INSERT INTO claim_v6",
            "INSERT INTO write_v5",
            "INSERT INTO write_fired_v5",
            "UPDATE work SET wake_at",
            "UPDATE stream SET relay_at",
            "PUBLISH",
            "UPDATE stream SET published",
        ],
    ),
    (PLANNER, &["INSERT INTO write_v5", "PUBLISH", "UPDATE stream SET published"]),
    (
        CLOCK,
        &[
            "INSERT INTO claim_notification_v3",
            "POST http://127.0.0.1",
            "INSERT INTO write_v5",
            "UPDATE stream SET relay_at",
            "PUBLISH",
            "UPDATE stream SET published",
        ],
    ),
    (
        WOKEN,
        &[
            "INSERT INTO claim_notification_v3",
            "POST http://127.0.0.1",
            "INSERT INTO write_v5",
            "UPDATE stream SET relay_at",
            "PUBLISH",
            "UPDATE stream SET published",
        ],
    ),
];

/// One of everything: a successor owed, a reminder that comes due, and a series that nobody can read any more.
struct Things {
    series: String,
    reminded: String,
    broken: String,
}

impl Things {
    async fn new(house: &House) -> Self {
        house.switch.deafen(&[PLANNER]);
        let broken = created(house, &bins(house)).await;
        completed(house, &broken).await;
        house.switch.deafen(&[]);
        let never = match is_postgres() {
            true => r#"recurrence || '{"rrule": "FREQ=NEVER"}'"#,
            false => "json_set(recurrence, '$.rrule', 'FREQ=NEVER')",
        };
        house.write(&format!("UPDATE task SET recurrence = {never} WHERE id = '{broken}'"));
        let soon =
            json!({ "title": "Soon", "due": house.due_in(3_600), "reminders": [{ "trigger": "-PT59M" }] });
        Self { series: created(house, &bins(house)).await, reminded: created(house, &soon).await, broken }
    }

    /// Lets everything happen, with nobody but `component` awake for its work.
    async fn happen(&self, house: &House, component: &str) {
        let planner = if component == PLANNER { None } else { Some(PLANNER) };
        let woken = if component == WOKEN { None } else { Some(WOKEN) };
        house.switch.deafen(&planner.into_iter().chain(woken).collect::<Vec<_>>());
        completed(house, &self.series).await;
        house.pass(61);
        house.tick(SCHEDULER).await;
        house.tick(CLOCK).await;
        house.switch.deafen(&[]);
    }

    /// Each effect once; the webhook at least once, under one id.
    fn assert_done(&self, house: &House, receiver: &Receiver, at: &str) {
        let Self { series, reminded, broken } = self;
        for (what, query) in [
            ("successors", format!("occurrence WHERE task_id = '{series}' AND predecessor = '{FIRST}'")),
            (
                "occurrences planned",
                format!("occurrence WHERE task_id = '{series}' AND succession = 'planned'"),
            ),
            ("armed alarms", format!("alarm WHERE task_id = '{series}' AND state = 'armed'")),
            ("cancelled alarms", format!("alarm WHERE task_id = '{series}' AND state = 'cancelled'")),
            ("alarms of the reminded", format!("alarm WHERE task_id = '{reminded}'")),
            ("fired alarms", format!("alarm WHERE task_id = '{reminded}' AND state = 'fired'")),
            ("events of it", format!("outbox WHERE subject = '{reminded}' AND type = 'reminder.fired'")),
            ("notifications", format!("notification_v2 WHERE task_id = '{reminded}'")),
            ("delivered", format!("notification_v2 WHERE task_id = '{reminded}' AND state = 'delivered'")),
            (
                "deliveries told",
                format!("outbox WHERE subject = '{reminded}' AND type = 'notification.delivered'"),
            ),
            ("completions told", format!("outbox WHERE subject = '{series}' AND type = 'task.completed'")),
            ("parked", format!("work WHERE task_id = '{broken}' AND parked_at IS NOT NULL AND reason <> ''")),
        ] {
            assert_eq!(house.number(&format!("SELECT count(*) FROM {query}")), 1, "{what}, {at}");
        }
        let came = receiver.deliveries();
        let ids: Vec<_> = came
            .iter()
            .filter(|webhook| webhook.json()["data"]["task_id"] == **reminded)
            .map(|webhook| webhook.header("webhook-id").to_owned())
            .collect();
        let sent = house.text(&format!("SELECT id FROM notification_v2 WHERE task_id = '{reminded}'"));
        assert!(
            (1..=2).contains(&ids.len()) && ids.iter().all(|id| *id == sent),
            "{at}: {ids:?}, not {sent}"
        );
    }
}

/// Traps a handler at each of its calls in turn, and adds those that it was trapped at.
async fn go_through(
    house: &House,
    receiver: &Receiver,
    (component, moment): (&'static str, Moment),
    reached: &mut BTreeSet<String>,
) {
    for index in 0..MANY {
        let things = Things::new(house).await;
        house.switch.arm(component, moment, index);
        things.happen(house, component).await;
        let trapped = house.switch.disarm();
        let at = format!("{moment:?} call {index} of {component} ({trapped:?})");
        house.assert_whole(&at);
        house.settle().await;
        house.assert_whole(&format!("{at}, once settled"));
        house.assert_done(&at);
        things.assert_done(house, receiver, &at);
        let Some(call) = trapped else { break };
        reached.insert(call);
    }
}

/// A call as the store that is tested has it.
fn of_the_store(call: &str) -> &str {
    let other = ON_POSTGRES.iter().find(|(sqlite, _)| is_postgres() && *sqlite == call);
    other.map_or(call, |(_, postgres)| postgres)
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_events_and_of_the_clock_may_be_trapped_anywhere() {
    let house = House::start().await;
    let receiver = Receiver::start();
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    assert_eq!(house.call("POST", "/v1/channels", &channel).await.0, 201);
    for (component, calls) in CALLS {
        for moment in MOMENTS {
            let mut reached = BTreeSet::new();
            let is_reached = |call: &&str, reached: &BTreeSet<String>| {
                reached.iter().any(|one| one.contains(of_the_store(call)))
            };
            // Where others load the machine, the clock may be faster than a handler, and leave it less to do.
            for _ in 0..ROUNDS {
                if calls.iter().all(|call| is_reached(call, &reached)) {
                    break;
                }
                go_through(&house, &receiver, (component, moment), &mut reached).await;
            }
            println!("{component}: trapped {moment:?} each of its {} calls", reached.len());
            for call in calls {
                assert!(
                    is_reached(call, &reached),
                    "{component} was never trapped {moment:?} {call}, but at {reached:#?}"
                );
            }
        }
    }
    house.stop().await;
}
