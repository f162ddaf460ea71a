//! What is seen of a store that was restored: it is another history, and the work goes on.

use chrono::{SecondsFormat, TimeDelta, Utc};
use http::{Method, StatusCode};
use perennial_tests::{Client, Receiver, SOON, Service, Stream, until};
use serde_json::json;

/// How long before its reminder a task is made: longer than it takes to stop the service.
const LATER: TimeDelta = TimeDelta::seconds(15);

/// Somebody who waits for a reminder, and has read their events to the end.
pub struct Reader {
    user: Client,
    receiver: Receiver,
    task: String,
    epoch: String,
    after: i64,
}

impl Reader {
    /// Somebody new, who is to be reminded in a moment.
    pub fn new(service: &Service) -> Self {
        let user = service.user("Ada");
        let receiver = Receiver::start();
        let channel = json!({ "type": "webhook", "url": receiver.url() });
        user.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
        let due = (Utc::now() + LATER).to_rfc3339_opts(SecondsFormat::Millis, true);
        let task = user.create(&json!({ "title": "Restored", "reminders": [{ "trigger": due }] }));
        let read = user.get("/v1/events?limit=200");
        Self {
            user,
            receiver,
            task: task["id"].as_str().unwrap().to_owned(),
            epoch: read["epoch"].as_str().unwrap().to_owned(),
            after: read["next_after"].as_i64().unwrap(),
        }
    }

    /// The task.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// They come again, to the service on the restored store: are told, and reminded.
    pub fn comes_again(&self, service: &Service) {
        let user = service.anyone().with_token(self.user.token());
        let Self { epoch, after, task, .. } = self;
        let gone = user.call(Method::GET, format!("/v1/events?after={after}&epoch={epoch}")).answer();
        gone.is_problem(410, "gone");
        let now = user.get("/v1/events?limit=200");
        assert!(now["epoch"] != epoch.as_str() && now["items"][0]["epoch"] == now["epoch"], "{now}");

        let place = [("last-event-id", &*format!("{epoch}.{after}"))];
        let mut stream = Stream::open(service.address(), user.token().unwrap(), "", &place).unwrap();
        let (_, event, data) = stream.event(SOON);
        assert_eq!(
            (event.as_str(), &data["reason"], &data["epoch"]),
            ("reset", &json!("restored"), &now["epoch"])
        );

        let reminded = until("the reminder's notification is delivered", SOON * 2, || {
            let list = user.all(&format!("/v1/notifications?task={task}"));
            list.into_iter().find(|notification| notification["state"] == "delivered")
        });
        let [webhook] = &self.receiver.wait_for(1, SOON)[..] else { panic!("it is sent once") };
        assert_eq!(webhook.header("webhook-id"), reminded["id"]);
        user.create(&json!({ "title": "After it" }));
    }
}
