//! Whatever is done, both stores say the same to it, and hold the same: random commands, sweeps and repetitions on both at once.
//! It runs where tests run on PostgreSQL. `ALIKE_SEED` does one seed again; `ALIKE_SEEDS` and `ALIKE_STEPS` say how many, and how long.

use std::fmt::Debug;

use perennial_domain::*;
use perennial_fixture::{Counting, Fixture, NOON, TestStore, WEEKLY, context};
use perennial_recurrence::tzdata_version;
use perennial_store::*;
use serde_json::{Value as Json, json};

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// What tasks are made of.
const TASKS: [&str; 8] = [
    WEEKLY,
    r#"{"title": "Walk the dog", "tags": ["home", "out"], "due": {"local": "2026-11-22T09:00:00", "tz": "Europe/Berlin"},
        "recurrence": {"rrule": "FREQ=DAILY", "overlap": "stack", "misfire": "all"}, "reminders": [{"trigger": "PT0S"}]}"#,
    r#"{"title": "Buy milk", "priority": "high", "tags": ["home"]}"#,
    r#"{"title": "Call Ada", "due": {"local": "2026-11-22T10:00:00"}, "reminders": [{"trigger": "-PT10M"}, {"trigger": "PT0S"}]}"#,
    r#"{"title": "Water plants", "due": {"local": "2026-11-21T18:00:00", "tz": "Asia/Tokyo"},
        "recurrence": {"rrule": "FREQ=DAILY;INTERVAL=3", "anchor": "completion"}, "priority": "low"}"#,
    r#"{"title": "Pills", "due": {"local": "2026-11-22"}, "recurrence": {"rrule": "FREQ=DAILY;COUNT=2"}, "description": "with water"}"#,
    r#"{"title": "Read \"Émile\"", "start": {"local": "2026-11-23"}, "duration": "PT2H", "metadata": {"page": "7"}}"#,
    r#"{"title": "Now", "due": {"local": "2026-11-21T13:00:00", "tz": "Europe/Berlin"}, "priority": "urgent",
        "recurrence": {"rrule": "FREQ=WEEKLY", "overlap": "skip", "misfire": "skip"}, "reminders": [{"trigger": "PT0S"}]}"#,
];

/// Tables and what of them must be the same, in which order: not the numbers that a store gives by itself, nor what it draws by chance.
const TABLES: [(&str, &str, &str); 27] = [
    ("user", "*", "id"),
    ("identity", "*", "1, 2"),
    ("token", "*", "id"),
    ("usage WHERE tasks <> 0", "user_id, tasks", "user_id"),
    ("channel_v2", "*", "id"),
    ("channel_type", "*", "1, 2, 3"),
    ("project", "*", "id"),
    ("task", "*", "id"),
    ("task_tag", "*", "1, 2, 3, 4"),
    ("task_word", "*", "1, 2"),
    ("occurrence", "- id", "task_id, recurrence_id"),
    ("override", "*", "1, 2"),
    ("alarm", "*", "1, 2, 3"),
    ("notification_v2", "*", "id"),
    ("notice", "- id", "event_id, subject, channel_id"),
    ("idempotency", "*", "1, 2"),
    ("inbox", "*", "1, 2"),
    ("stream WHERE sequence > 0 OR audited > 0", "- relay_by fence", "id"),
    ("stream_topic", "*", "1, 2"),
    ("outbox", "- id", "1, 2"),
    ("audit_v4", "- salt place", "user_id, seq"),
    ("seal", "user_id, seq, audit_id, at", "1, 2"),
    ("work WHERE task_id <> item", "- id", "kind, task_id, recurrence_id, item"),
    // That of a notice, which each store names by itself, is known by the notice's own id.
    ("work WHERE task_id = item", "- id task_id item", "user_id, lane, wake_at"),
    ("zone_change", "user_id, version, after", "1"),
    ("dead_letter", "- id place", "event_id, consumer, topic"),
    ("replay_stream", "*", "1"),
];

/// Numbers that look like chance, the same at every run of a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len())])
    }
}

/// Both stores, and what is known of what is in them.
struct Both {
    stores: [Fixture; 2],
    dice: Dice,
    ids: Counting,
    now: Timestamp,
    users: Vec<UserId>,
    tasks: Vec<(UserId, TaskId)>,
    /// Commits of before, some of which come again.
    before: Vec<Commit>,
}

/// What a store says, without what it alone can know.
fn said<T: Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        // Of two reasons either may be told.
        Err(StoreError::Changed(Refusal { index, .. })) => format!("commit {index} has changed"),
        // What is unique is named by its columns, or by the constraint.
        Err(StoreError::Duplicate(Refusal { index, .. })) => format!("commit {index} exists"),
        Err(error) => format!("{error:?}"),
    }
}

/// A document as it means, however it is written.
fn meant(value: &Value) -> String {
    match value {
        Value::Text(text) if text.starts_with(['{', '[', '"']) => {
            serde_json::from_str::<Json>(text).map_or_else(|_| text.clone(), |document| document.to_string())
        }
        other => format!("{other:?}"),
    }
}

/// The same with payloads as they mean, in whatever order a store keeps their members.
fn parsed(mut claimed: Vec<Claimed<DueNotification>>) -> Vec<Claimed<DueNotification>> {
    for due in claimed.iter_mut().filter_map(|one| one.what.as_mut().unwrap().as_mut()) {
        let mut payload: Json = serde_json::from_str(&due.notification.payload).unwrap();
        payload.sort_all_objects();
        due.notification.payload = payload.to_string();
    }
    claimed
}

impl Both {
    fn new(seed: u64) -> Self {
        let mut both = Self {
            stores: Fixture::both(),
            dice: Dice(seed),
            ids: Counting::default(),
            now: NOON,
            users: Vec::new(),
            tasks: Vec::new(),
            before: Vec::new(),
        };
        for name in ["ada", "bo", "eve"] {
            let input = UserInput { name: name.to_owned(), tz: "Europe/Berlin".to_owned(), identity: None };
            let admin = UserId::admin();
            let (commit, user) = both.with(&admin, |ctx| create_user(ctx, &input).unwrap());
            both.apply(vec![commit], Mode::All);
            both.users.push(user.id);
        }
        both
    }

    /// Decides as the user, at the time that it is.
    fn with<T>(&mut self, user: &UserId, decide: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let zone = self.stores[0].store.user(user).unwrap().map(|user| user.zone);
        let mut ctx = context(user, &mut self.ids);
        ctx.now = self.now;
        if let Some(zone) = zone {
            ctx.zone = zone;
        }
        decide(&mut ctx)
    }

    /// Says what is done, for whoever reads a failure.
    fn tell(&self, what: &str) {
        println!("{:>10} s: {what}", (self.now.as_millis() - NOON.as_millis()) / 1_000);
    }

    /// Asks both the same, and gives what they say.
    fn ask<T>(
        &self,
        what: &str,
        ask: impl Fn(&TestStore) -> Result<T, StoreError>,
        show: impl Fn(&T) -> String,
    ) -> T {
        let [one, other] = [0, 1].map(|at| ask(&self.stores[at].store));
        let shown = |answer: &Result<T, StoreError>| match answer {
            Ok(answer) => show(answer),
            // Of two reasons either may be told.
            Err(StoreError::Changed(Refusal { index, .. })) => format!("commit {index} has changed"),
            // What is unique is named by its columns, or by the constraint.
            Err(StoreError::Duplicate(Refusal { index, .. })) => format!("commit {index} exists"),
            Err(error) => format!("{error:?}"),
        };
        let (sqlite, postgres) = (shown(&one), shown(&other));
        assert_eq!(sqlite, postgres, "{what}");
        one.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    fn same<T: Debug>(&self, what: &str, ask: impl Fn(&TestStore) -> Result<T, StoreError>) -> T {
        self.ask(what, ask, |answer| format!("{answer:?}"))
    }

    /// Applies commits on both.
    fn apply(&mut self, commits: Vec<Commit>, mode: Mode) {
        let relay_for = if self.dice.one_in(4) { 2_000 } else { 0 };
        let names: Vec<&str> = commits.iter().map(|commit| commit.audit.action.as_str()).collect();
        self.tell(&format!("{} {mode:?}", names.join(", ")));
        let how = Apply { mode, relay_for };
        let [one, other] = [0, 1].map(|at| said(self.stores[at].store.apply(&commits, how)));
        assert_eq!(one, other);
        self.before.extend(commits);
    }

    /// A command of a user, or none where nothing is there for it.
    fn command(&mut self) -> Option<Commit> {
        let user = self.dice.of(&self.users)?.clone();
        match self.dice.below(22) {
            0..=4 => self.creates(&user),
            5 => {
                let projects = self.stores[0].store.projects(&user, &page()).unwrap();
                let name = format!("Project {}", self.dice.below(9));
                let input = ProjectInput { name, ..ProjectInput::default() };
                match self.dice.of(&projects).cloned() {
                    Some(project) if self.dice.one_in(3) => {
                        Some(self.with(&user, |ctx| delete_project(ctx, &project)))
                    }
                    Some(project) if self.dice.one_in(2) => {
                        self.with(&user, |ctx| update_project(ctx, &project, &input).ok()).map(|made| made.0)
                    }
                    _ => self.with(&user, |ctx| create_project(ctx, &input).ok()).map(|made| made.0),
                }
            }
            6 => self.of_channels(&user),
            7 => {
                let own = self.stores[0].store.user(&user).unwrap()?;
                let zones = ["Europe/Berlin", "Asia/Tokyo", "America/New_York", "UTC"];
                let tz = (*self.dice.of(&zones)?).to_owned();
                let quiet =
                    self.dice.one_in(2).then(|| QuietInput { from: "22:00".into(), to: "07:00".into() });
                let input = SettingsInput { tz, quiet_hours: quiet, ..SettingsInput::from(&own) };
                self.with(&user, |ctx| update_settings(ctx, &own, &input).ok()).map(|made| made.0)
            }
            8 => self.of_tokens(&user),
            9 if self.dice.one_in(6) && self.users.len() > 2 => {
                let at = self.dice.below(self.users.len());
                let gone = self.users.remove(at);
                self.tasks.retain(|(user, _)| *user != gone);
                Some(self.with(&UserId::admin(), |ctx| delete_user(ctx, &gone)))
            }
            _ => self.of_a_task(),
        }
    }

    fn creates(&mut self, user: &UserId) -> Option<Commit> {
        let document = *self.dice.of(&TASKS)?;
        let mut input: TaskInput = serde_json::from_str(document).unwrap();
        if self.dice.one_in(4) {
            let projects = self.stores[0].store.projects(user, &page()).unwrap();
            input.project = self.dice.of(&projects).map(|project| project.id);
        }
        if self.dice.one_in(4) {
            let own: Vec<TaskId> =
                self.tasks.iter().filter(|(owner, _)| owner == user).map(|(_, task)| *task).collect();
            input.parent = self.dice.of(&own).copied();
        }
        let (commit, task, _) = self.with(user, |ctx| create_task(ctx, &input).ok())?;
        self.tasks.push((user.clone(), task.id));
        Some(commit)
    }

    fn of_channels(&mut self, user: &UserId) -> Option<Commit> {
        let channels = self.stores[0].store.channels(user).unwrap();
        let types = [
            ["reminder.fired"].as_slice(),
            &["task.created", "task.completed"],
            &["project.created", "reminder.fired"],
        ];
        let names: Vec<String> = self.dice.of(&types)?.iter().map(|name| (*name).to_owned()).collect();
        let types = Subscription::parse(&names).unwrap();
        let fresh = format!("whsec_{}", self.dice.below(1_000));
        match (self.dice.of(&channels).cloned(), self.dice.below(6)) {
            (Some(channel), 0) => Some(self.with(user, |ctx| delete_channel(ctx, &channel))),
            (Some(channel), 1) => Some(self.with(user, |ctx| update_channel(ctx, &channel, types)).0),
            (Some(channel), 2) => {
                self.with(user, |ctx| rotate_secret(ctx, &channel, fresh).ok()).map(|made| made.0)
            }
            (Some(channel), 3) => Some(self.with(user, |ctx| test_channel(ctx, &channel)).0),
            _ => {
                let at = ("https://hooks.example.com", types);
                let policy = WebhookPolicy::default();
                let made =
                    self.with(user, |ctx| create_channel_for(ctx, at, fresh, channels.len(), &policy).ok());
                made.map(|made| made.0)
            }
        }
    }

    fn of_tokens(&mut self, user: &UserId) -> Option<Commit> {
        let tokens = self.stores[0].store.own_tokens(user, &page()).unwrap();
        if let Some(token) = self.dice.of(&tokens).cloned().filter(|_| self.dice.one_in(2)) {
            return Some(self.with(&UserId::admin(), |ctx| revoke_token(ctx, &token)));
        }
        let owner = self.stores[0].store.user(user).unwrap();
        let input = TokenInput {
            user: user.clone(),
            name: "phone".to_owned(),
            scopes: vec![Plain(Scope::TasksRead)],
            expires_at: None,
        };
        let secret = TokenSecret::new(format!("secret {}", self.ids.next()));
        let made = self.with(&UserId::admin(), |ctx| {
            create_token(ctx, &input, owner.as_ref(), &[Scope::TasksRead], &secret).ok()
        });
        made.map(|made| made.0)
    }

    /// A command on a task that is there, or in the bin.
    fn of_a_task(&mut self) -> Option<Commit> {
        let (user, id) = self.dice.of(&self.tasks)?.clone();
        let store = &self.stores[0].store;
        if let Some(state) = store.deleted_series(&user, id).unwrap() {
            return self.with(&user, |ctx| restore_task(ctx, &state).ok()).map(|made| made.0);
        }
        let all = store.occurrences(&user, id, &page()).unwrap();
        let asked = self.dice.of(&all).map(|occurrence| occurrence.recurrence_id.clone());
        let state = self.stores[0].store.series(&user, id, asked.as_ref()).unwrap()?;
        let name = asked.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
        match self.dice.below(12) {
            0..=3 => match self.with(&user, |ctx| complete(ctx, &state).ok())? {
                Completion::Closes(commit, _) => Some(*commit),
                Completion::AlreadyClosed => None,
            },
            4 => match self.with(&user, |ctx| reopen(ctx, &state).ok())? {
                Reopening::Opens(commit, _) => Some(*commit),
                Reopening::AlreadyOpen => None,
            },
            5 => match self.with(&user, |ctx| skip(ctx, &state, &name).ok())? {
                Skipping::Skips(commit, _) => Some(*commit),
                Skipping::AlreadySkipped(_) => None,
            },
            6 => {
                let input = OverrideInput {
                    recurrence_id: name,
                    title: Some(format!("Other {}", self.dice.below(9))),
                    ..OverrideInput::default()
                };
                self.with(&user, |ctx| override_occurrence(ctx, &state, &input).ok()).map(|made| made.0)
            }
            7 => Some(self.with(&user, |ctx| delete_task(ctx, &state))),
            8 => {
                let reminder = self.dice.of(&state.task.spec.reminders)?.id;
                let input = json!({ "recurrence_id": name, "reminder": reminder, "for": "PT15M" });
                let input: SnoozeInput = serde_json::from_value(input).unwrap();
                self.with(&user, |ctx| snooze(ctx, &state, &input).ok()).map(|made| made.0)
            }
            9 => {
                let own: Vec<TaskId> = self
                    .tasks
                    .iter()
                    .filter(|(owner, other)| *owner == user && *other != id)
                    .map(|(_, task)| *task)
                    .collect();
                let beside = *self.dice.of(&own)?;
                let after = self.dice.one_in(2);
                let between = self.stores[0].store.beside(&user, beside, after).unwrap();
                let (before, after) = if after { (None, Some(beside)) } else { (Some(beside), None) };
                let input = MoveInput { before, after, ..MoveInput::default() };
                self.with(&user, |ctx| move_task(ctx, &state, &input, between.as_ref()).ok())
                    .map(|made| made.0)
            }
            _ => {
                let other: TaskInput = serde_json::from_str(self.dice.of(&TASKS)?).unwrap();
                let input =
                    TaskInput { project: state.task.spec.project, parent: state.task.spec.parent, ..other };
                self.with(&user, |ctx| update_task(ctx, &state, &input).ok()).map(|made| made.0)
            }
        }
    }

    /// Some commands at once, some of which have come before.
    fn write(&mut self) {
        let many = if self.dice.one_in(3) { 1 + self.dice.below(4) } else { 1 };
        let mut commits: Vec<Commit> = Vec::new();
        for _ in 0..many {
            let again = self.dice.of(&self.before).cloned().filter(|_| self.dice.one_in(8));
            let mut next = match again {
                Some(commit) => Some(commit),
                None => self.command(),
            };
            if let Some(commit) = next.as_mut().filter(|_| self.dice.one_in(3)) {
                commit.idempotency = Some(IdempotencyRecord {
                    key: self.dice.below(40).to_string(),
                    fingerprint: "x".to_owned(),
                    status: 200,
                    etag: None,
                    location: None,
                    body: commit.id.to_string(),
                    change_id: None,
                });
            }
            if let Some(commit) = next.as_mut().filter(|_| self.dice.one_in(5)) {
                commit.rate = Some(Rate { token: "t".to_owned(), limit: 5, window: MINUTE });
            }
            if let Some(commit) = next.as_mut().filter(|_| self.dice.one_in(9)) {
                let event_id =
                    EventId::parse(&format!("00000000-0000-0000-0000-{:012}", self.dice.below(9))).unwrap();
                commit.inbox = Some(InboxRecord { consumer: "test".to_owned(), event_id });
            }
            commits.extend(next);
        }
        let mode = if self.dice.one_in(3) { Mode::All } else { Mode::Each };
        if !commits.is_empty() {
            self.apply(commits, mode);
        }
    }

    /// Claims a list on both, and gives the items in one order with the tickets of either.
    fn claim<T: Clone + Debug>(
        &mut self,
        what: &str,
        claims: impl Fn(&TestStore, &Claim) -> Result<Vec<Claimed<T>>, StoreError>,
    ) -> Vec<(Option<T>, [Ticket; 2])> {
        let claim = Claim {
            id: self.ids.next().to_string(),
            again: self.dice.one_in(4),
            now: self.now,
            lease_for: 10_000,
            hold_for: 0,
            lanes: 1_000,
            per_lane: 1_000,
            shard: None,
        };
        self.tell(&format!("claims {what}, again {}", claim.again));
        let mut all = [0, 1].map(|at| {
            let mut found: Vec<_> = claims(&self.stores[at].store, &claim)
                .unwrap()
                .into_iter()
                .map(|Claimed { ticket, what }| {
                    let what = what.unwrap();
                    let known = Ticket { id: 0, ..ticket.clone() };
                    // Work of a notice is named by the notice's own id, which each store draws.
                    let mut text = format!("{known:?} {what:?}");
                    let named = ticket.task.to_string();
                    if !named.starts_with("00000000-0000-") {
                        text = text.replace(&named, "it");
                    }
                    (text, what, ticket)
                })
                .collect();
            found.sort_by(|one, other| one.0.cmp(&other.0));
            found
        });
        let shown = |found: &[(String, Option<T>, Ticket)]| {
            found.iter().map(|(text, ..)| text.clone()).collect::<Vec<_>>()
        };
        assert_eq!(shown(&all[0]), shown(&all[1]));
        let [one, other] = std::mem::take(&mut all).map(Vec::into_iter);
        one.zip(other).map(|((_, what, ticket), (.., its))| (what, [ticket, its])).collect()
    }

    /// What becomes of what was claimed and made no commit.
    fn settle(&mut self, tickets: Vec<[Ticket; 2]>, drops: bool) {
        for tickets in tickets {
            let settlement = match self.dice.below(if drops { 5 } else { 3 }) {
                0 => Settlement::Release { after: 0 },
                1 => Settlement::Retry { after: 5_000, reason: "later".to_owned() },
                2 => Settlement::Park { reason: "never".to_owned() },
                _ => Settlement::Drop,
            };
            for (fixture, ticket) in self.stores.iter().zip(tickets) {
                fixture.store.settle(&[(ticket, settlement.clone())], self.now).unwrap();
            }
        }
    }

    /// One list, or what else a clock sees to.
    fn sweep(&mut self) {
        let mut left = Vec::new();
        let mut commits = Vec::new();
        let list = self.dice.below(9);
        match list {
            0 | 1 => {
                for (due, tickets) in self.claim("successors", |store, claim| store.claim_successors(claim)) {
                    let plan = due.map(|due| {
                        let owner = due.user.id.clone();
                        self.with(&owner, |ctx| plan_successor(ctx, &due.state))
                    });
                    match plan {
                        Some(Ok(
                            Plan::Opens(commit, _) | Plan::Ends(commit) | Plan::WaitsForRoom(commit),
                        )) if !self.dice.one_in(6) => {
                            commits.push(*commit);
                        }
                        _ => left.push(tickets),
                    }
                }
            }
            2 | 3 => {
                for (due, tickets) in self.claim("reminders", |store, claim| store.claim_reminders(claim)) {
                    match due {
                        Some(due) if !self.dice.one_in(6) => {
                            commits.push(self.with(&due.user.id, |ctx| fire(ctx, &due.alarm, &due.channels)));
                        }
                        _ => left.push(tickets),
                    }
                }
            }
            4 => {
                for (due, tickets) in
                    self.claim("notifications", |store, claim| Ok(parsed(store.claim_notifications(claim)?)))
                {
                    let attempt = match self.dice.below(5) {
                        0 => Attempt::Refused { error: "503".to_owned(), retry_after: None },
                        1 => Attempt::Hung { error: "slow".to_owned() },
                        2 => Attempt::Gone { error: "410".to_owned() },
                        _ => Attempt::Accepted,
                    };
                    match due {
                        // A notice that each store has named by itself is settled by its tickets alone.
                        Some(due) if tickets[0].task == tickets[1].task && !self.dice.one_in(6) => commits
                            .push(self.with(&due.user.id, |ctx| {
                                record_attempt(ctx, &due.notification, &attempt, 100)
                            })),
                        _ => left.push(tickets),
                    }
                }
            }
            5 => {
                let tzdata = if self.dice.one_in(2) { "9999z" } else { tzdata_version() };
                self.tell(&format!("offers {tzdata}"));
                self.same("offer_zones", |store| store.offer_zones(tzdata, 1_000));
                for (due, tickets) in self.claim("zones", |store, claim| store.claim_zones(claim)) {
                    let made =
                        due.and_then(|due| self.with(&due.user.id, |ctx| refresh_zone(ctx, &due.state)));
                    match made {
                        Some(commit) => commits.push(commit),
                        None => left.push(tickets),
                    }
                }
            }
            6 => {
                self.tell("prunes, seals, makes words");
                self.same("prune", |store| store.prune(self.now, 1_000));
                self.same("seal", |store| store.seal(self.now, 1_000));
                self.same("make_words", |store| store.make_words(1_000));
            }
            7 => self.relay(),
            _ => self.letters(),
        }
        if !commits.is_empty() {
            self.apply(commits, Mode::Each);
        }
        // Some are never settled, as by one who was cut off.
        if !self.dice.one_in(4) {
            // A notice that is dropped all the same comes back, by SQLite's own clock.
            self.settle(left, list != 4);
        }
    }

    /// Publishes what waits, or a part of it.
    fn relay(&mut self) {
        self.tell("relays");
        let sorted = |leases: &Vec<Lease>| {
            let mut shown: Vec<String> = leases.iter().map(|lease| format!("{lease:?}")).collect();
            shown.sort();
            shown.join("\n")
        };
        let leases =
            self.ask("lease_streams", |store| store.lease_streams(self.now, 10_000, 100, None), sorted);
        let events = self.same("waiting_events", |store| {
            let mut events = store.waiting_events(&leases, 1_000)?;
            events.sort_by(|one, other| (&one.stream, one.sequence).cmp(&(&other.stream, other.sequence)));
            Ok(events)
        });
        if self.dice.one_in(5) {
            return;
        }
        let marks: Vec<Mark> = leases
            .into_iter()
            .map(|lease| {
                let own: Vec<i64> = events
                    .iter()
                    .filter(|event| event.stream == lease.stream)
                    .map(|event| event.sequence)
                    .collect();
                let (whole, pause) = (self.dice.below(3) > 0, self.dice.one_in(4).then_some(2_000));
                let up_to = if whole { own.last() } else { self.dice.of(&own) };
                Mark {
                    up_to: up_to.copied().unwrap_or(lease.published),
                    lease,
                    pause,
                    refused: pause.is_some(),
                }
            })
            .collect();
        self.same("mark_published", |store| {
            let mut more = store.mark_published(&marks, self.now)?;
            more.sort();
            Ok(more)
        });
    }

    /// Events are given up, and sent again.
    fn letters(&mut self) {
        let Some(user) = self.dice.of(&self.users).cloned() else { return };
        let events = self.stores[0].store.events(&user, 0, 20).unwrap().events;
        let Some(event) = self.dice.of(&events).cloned() else { return };
        self.tell(&format!("gives {} up", event.kind));
        let consumer = self.dice.one_in(2).then_some("recurrence-scheduler");
        let letter = Letter {
            topic: event.topic.clone(),
            event_id: event.event_id.clone(),
            consumer,
            consumers: if consumer.is_none() { vec!["recurrence-scheduler", "notifier"] } else { Vec::new() },
            hearers: std::collections::BTreeMap::new(),
            user: user.to_string(),
            stream: user.to_string(),
            sequence: event.sequence,
            kind: event.kind.clone(),
            subject: event.subject.clone(),
            event: "{}".to_owned(),
            error: "no".to_owned(),
            error_class: ErrorClass::Transient,
            instance: "test",
        };
        self.same("keep_letters", |store| store.keep_letters(std::slice::from_ref(&letter), self.now));
        let open = LetterFilter { status: Some(LetterStatus::Open), ..LetterFilter::default() };
        let action = if self.dice.one_in(3) { LetterAction::Discard } else { LetterAction::Replay };
        // Each store has places of its own.
        let id = self.ids.next();
        for fixture in &self.stores {
            let kept = fixture.store.letters(&open, 0, 100).unwrap().letters;
            let expected = kept.iter().map(|letter| ExpectLetter {
                place: letter.place,
                user_id: letter.user_id.clone(),
                status: letter.status,
            });
            let mut ids = Same(id);
            let mut ctx = context(&UserId::admin(), &mut ids);
            ctx.now = self.now;
            let commit = change_letters(&mut ctx, action, expected.collect(), "dead-letters", true.into());
            fixture.store.commit(&commit).unwrap();
        }
        if self.dice.one_in(2) {
            return;
        }
        self.tell("sends letters again");
        let sent: Vec<String> = self
            .stores
            .iter()
            .map(|fixture| {
                let Some(replays) = fixture.store.take_replays(self.now, 1_000, 50).unwrap() else {
                    return "none".to_owned();
                };
                let replayed = |letter: &Replay| Replayed {
                    place: letter.place,
                    status: LetterStatus::Replayed,
                    tries: 0,
                    error: None,
                };
                let done: Vec<Replayed> = replays.letters.iter().map(replayed).collect();
                let mut turns: Vec<Turn> = replays
                    .letters
                    .iter()
                    .map(|letter| Turn { stream: letter.stream.clone(), pause: 0 })
                    .collect();
                turns.dedup();
                fixture.store.settle_replays(replays.fence, (&done, &turns), self.now, self.now).unwrap();
                let shown = |letter: &Replay| {
                    format!("{:?}", Replay { place: 0, id: String::new(), ..letter.clone() })
                };
                replays.letters.iter().map(shown).collect::<Vec<_>>().join("\n")
            })
            .collect();
        assert_eq!(sent[0], sent[1]);
    }

    /// All that either holds, as its reads tell it; lists in all their orders, or in one.
    fn look(&self, whole: bool) {
        let nobody = UserId::new("nobody");
        for user in self.users.iter().chain([&nobody, &UserId::admin()]) {
            self.look_at(user, whole);
        }
        self.same("users", |store| store.users(&page()));
        self.same("tokens", |store| store.tokens(&page()));
        self.same("due_work", |store| {
            let mut due = store.due_work(self.now, tzdata_version())?;
            due.kinds.sort_by_key(|kind| format!("{kind:?}"));
            // Each tidies up in its own way, and at its own time.
            Ok(DueWork { old: false, ..due })
        });
        self.same("metrics", |store| {
            let mut metrics = Metrics { schema: 0, ..store.metrics(self.now)? };
            // The first of those that are owed at once, which is whichever is found.
            metrics.due.get_mut("successor").unwrap().since = None;
            Ok(metrics)
        });
        self.same("parked_of_all", |store| Ok(numberless(store.parked_of_all(&page())?)));
        self.same("parked_count_of_all", AccountStore::parked_count_of_all);
        self.same("letters", |store| {
            let letters = store.letters(&LetterFilter::default(), 0, 200)?.letters.into_iter();
            Ok(letters.map(|letter| KeptLetter { place: 0, id: String::new(), ..letter }).collect::<Vec<_>>())
        });
        for (table, columns, order) in TABLES {
            let name = table.split(' ').next().unwrap();
            let rows = |fixture: &Fixture| {
                let columns = match columns.strip_prefix("- ") {
                    _ if columns == "*" => fixture.columns(name).join(", "),
                    None => columns.to_owned(),
                    Some(without) => {
                        let without: Vec<&str> = without.split(' ').collect();
                        let mut columns = fixture.columns(name);
                        columns.retain(|column| !without.contains(&column.as_str()));
                        columns.join(", ")
                    }
                };
                let rows = fixture.rows(&format!("SELECT {columns} FROM {table} ORDER BY {order}"));
                let named: Vec<&str> = columns.split(", ").collect();
                let row = |row: Vec<Value>| {
                    let mut columns: Vec<String> = named
                        .iter()
                        .zip(&row)
                        // What is not said and what is not so are one.
                        .filter(|(_, value)| !matches!(value, Value::Null | Value::Integer(0)))
                        .map(|(name, value)| format!("{name}: {}", meant(value)))
                        .collect();
                    columns.sort();
                    columns.join(", ")
                };
                rows.into_iter().map(row).collect::<Vec<_>>()
            };
            let [one, other] = [0, 1].map(|at| rows(&self.stores[at]));
            let lacks: Vec<_> = one.iter().filter(|row| !other.contains(row)).collect();
            let more: Vec<_> = other.iter().filter(|row| !one.contains(row)).collect();
            assert!(
                lacks.is_empty() && more.is_empty() && one.len() == other.len(),
                "{table} of SQLite has {lacks:#?}, of PostgreSQL {more:#?}"
            );
        }
    }

    fn look_at(&self, user: &UserId, whole: bool) {
        let page = &page();
        let of = |what: &str| format!("{what} of {user}");
        self.same(&of("user"), |store| store.user(user));
        self.same(&of("identity"), |store| store.identity(user));
        self.same(&of("projects"), |store| store.projects(user, page));
        self.same(&of("tags"), |store| store.tags(user, page));
        self.same(&of("changes"), |store| store.changes(user, None, page));
        self.same(&of("events"), |store| store.events(user, 0, 100));
        self.same(&of("channels"), |store| store.channels(user));
        self.same(&of("tokens"), |store| store.own_tokens(user, page));
        self.same(&of("notifications"), |store| {
            // Those of events are named by the store that makes them.
            let all = store.notifications(user, None, page)?.into_iter();
            let mut all: Vec<String> = all
                .map(|mut one| {
                    if one.reminder_id.is_none() {
                        one.id = NotificationId::new(uuid::Uuid::nil());
                    }
                    format!("{one:?}")
                })
                .collect();
            all.sort();
            Ok(all)
        });
        self.same(&of("parked"), |store| Ok(numberless(store.parked(user, page)?)));
        self.same(&of("chain"), |store| Ok(perennial_audit::ChainState { hash: None, ..store.chain(user)? }));
        self.same(&of("audit"), |store| {
            let entries = store.audited(user, &Audited::default(), None, 100)?.entries.into_iter();
            let entry = |(mut entry, seal): (perennial_audit::Entry, Option<perennial_audit::Seal>)| {
                entry.salt = String::new();
                let document =
                    |text: Option<String>| text.map(|text| serde_json::from_str::<Json>(&text).unwrap());
                let (before, after) = (document(entry.before.take()), document(entry.after.take()));
                format!("{entry:?} {before:?} {after:?} {}", seal.is_some())
            };
            Ok(entries.map(entry).collect::<Vec<_>>())
        });
        for part in [
            ExportPart::Projects,
            ExportPart::Tasks,
            ExportPart::Occurrences,
            ExportPart::Overrides,
            ExportPart::Changes,
        ] {
            self.same(&of("export"), |store| {
                let piece = store.export(user, part, "", (200, 200_000))?;
                Ok((piece.rows.into_iter().map(|row| row.place).collect::<Vec<_>>(), piece.next))
            });
        }
        for among in [Among::All, Among::Deleted, Among::Tag("home".to_owned())] {
            for status in [None, Some(TaskStatus::Open), Some(TaskStatus::Done)] {
                for sort in [Sort::Due, Sort::Created, Sort::Priority, Sort::Updated, Sort::Position] {
                    for descending in [false, true] {
                        let listing =
                            Listing { among: among.clone(), status, sort, descending, ..Listing::default() };
                        if whole || (status.is_none() && sort == Sort::Due && !descending) {
                            self.lists(user, &listing);
                        }
                    }
                }
            }
        }
        for text in ["dog", "wa", "\"walk the\"", "milk -pay", "émile"] {
            let search = Some(search::Query::parse(text).unwrap());
            self.lists(user, &Listing { search, sort: Sort::Relevance, ..Listing::default() });
        }
        for (_, id) in self.tasks.iter().filter(|(owner, _)| owner == user) {
            self.same(&of("series"), |store| store.series(user, *id, None));
            self.same(&of("deleted series"), |store| store.deleted_series(user, *id));
            self.same(&of("projection"), |store| store.projection(user, *id));
            self.same(&of("beside"), |store| {
                Ok((store.beside(user, *id, true)?, store.beside(user, *id, false)?))
            });
            self.same(&of("occurrences"), |store| {
                let all = store.occurrences(user, *id, page)?.into_iter();
                Ok(all.map(|one| OccurrenceRecord { id: 0, ..one }).collect::<Vec<_>>())
            });
            self.same(&of("occurrences between"), |store| {
                let bound = |text| Bound::parse(text, "from").unwrap();
                let bounds = (bound("2026-11-20"), bound("2026-12-20"));
                let all = store.occurrences_between(user, *id, bounds, 100)?.into_iter();
                Ok(all.map(|one| OccurrenceRecord { id: 0, ..one }).collect::<Vec<_>>())
            });
        }
    }

    fn lists(&self, user: &UserId, listing: &Listing) {
        self.same(&format!("{listing:?} of {user}"), |store| {
            let tasks = store.tasks(user, listing, None, 100)?;
            let shown = |task: &TaskRecord<'_>| {
                let raw = |text: Option<&serde_json::value::RawValue>| {
                    text.map(|text| serde_json::from_str::<Json>(text.get()).unwrap())
                };
                let occurrence = task.occurrence.clone().map(|one| OccurrenceRecord { id: 0, ..one });
                let parked = task.parked.as_ref().map(|parked| (&parked.reason, parked.parked_at));
                format!(
                    "{} {} {:?} {:?} {:?} {:?} {occurrence:?} {parked:?} {:?}",
                    task.id,
                    task.version,
                    [task.title, task.description, task.due, task.start, task.duration]
                        .map(|text| raw(Some(text))),
                    [task.tags.as_raw(), task.metadata.as_raw(), task.reminders.as_raw()].map(raw),
                    (task.priority, task.project, task.parent, task.position, &task.recurrence, task.status),
                    (
                        task.created_at,
                        task.updated_at,
                        task.completed_at,
                        task.deleted_at,
                        task.next_due_at,
                        task.rank
                    ),
                    tasks.place(task, listing),
                )
            };
            Ok((tasks.read()?.iter().map(shown).collect::<Vec<_>>(), tasks.cut(), tasks.end().cloned()))
        });
    }
}

/// One id, time and again.
struct Same(uuid::Uuid);

impl Ids for Same {
    fn next(&mut self) -> uuid::Uuid {
        self.0
    }
}

/// Without the numbers that each store gives, and the names that each draws, in one order.
fn numberless(mut items: Vec<ParkedItem>) -> Vec<String> {
    for item in &mut items {
        item.id = 0;
        // A notice.
        if item.task_id == item.item {
            (item.task_id, item.item) = Default::default();
        }
    }
    let mut shown: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
    shown.sort();
    shown
}

fn page() -> Page {
    Page { after: None, limit: 200 }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn whatever_is_done_both_stores_say_and_hold_the_same() {
    if !perennial_fixture::is_postgres() {
        println!("skipped: there is no PostgreSQL");
        return;
    }
    let first = number("ALIKE_SEED", 0);
    let seeds =
        if std::env::var("ALIKE_SEED").is_ok() { first..=first } else { 1..=number("ALIKE_SEEDS", 3) };
    let steps = number("ALIKE_STEPS", 150);
    for seed in seeds {
        println!("ALIKE_SEED={seed} ALIKE_STEPS={steps}");
        let mut both = Both::new(seed);
        for step in 1..=steps {
            match both.dice.below(10) {
                0..=5 => both.write(),
                6..=8 => both.sweep(),
                _ => {
                    let pause = [1_000, MINUTE, 60 * MINUTE, DAY][both.dice.below(4)];
                    both.now = both.now.plus_millis(pause);
                }
            }
            if step % 20 == 0 {
                both.look(false);
            }
        }
        both.now = both.now.plus_millis(31 * DAY);
        for _ in 0..5 {
            both.sweep();
        }
        both.look(true);
    }
}
