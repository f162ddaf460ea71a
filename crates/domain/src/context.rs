//! What a command may depend on besides its own content.

use perennial_recurrence::{Zone, tzdata_version};
use uuid::Uuid;

use crate::commit::{ExpectTask, Quota};
use crate::{Audit, Commit, Event, EventId, EventType, Expect, Task, Timestamp, UserId};

/// Makes fresh, unique ids. Real entry points make UUIDs of version 7; tests count.
pub trait Ids {
    /// The next id; never the same twice.
    fn next(&mut self) -> Uuid;
}

/// Longest name of who acts, in characters, and of the host and the agent within it.
const MAX_ACTOR: usize = 100;
const MAX_HOST: usize = 50;
const MAX_AGENT: usize = 40;

/// Who acts: recorded in the audit entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// A bearer token, by its id (never by its secret).
    pub fn token(id: &str) -> Self {
        Self(format!("token:{id}"))
    }

    /// A JWT, by the host of its issuer and its subject: 100 characters at most, those that are more are left out.
    pub fn jwt(issuer: &str, subject: &str) -> Self {
        let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host: String = host.chars().take(MAX_HOST).collect();
        Self(format!("jwt:{host}:{subject}").chars().take(MAX_ACTOR).collect())
    }

    /// One of our own components.
    pub fn component(name: &str) -> Self {
        Self(format!("component:{name}"))
    }

    /// The same through an agent, by the name that it gives itself: what follows ` by `, 40 characters of it at most, and 100 in all. A name
    /// proves nothing; the token does.
    #[must_use]
    pub fn by(self, agent: &str) -> Self {
        let plain = |character: char| if character.is_control() { ' ' } else { character };
        let agent: String = agent.trim().chars().map(plain).take(MAX_AGENT).collect();
        if agent.is_empty() {
            return self;
        }
        let room = MAX_ACTOR.saturating_sub(" by ".len()).saturating_sub(agent.chars().count());
        let who: String = self.0.chars().take(room).collect();
        Self(format!("{who} by {agent}"))
    }

    /// How the audit has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The circumstances of one command.
pub struct Context<'a> {
    /// Whose command it is, and whose rows it touches.
    pub user: UserId,
    /// The user's zone, in which dates and floating times fall due.
    pub zone: Zone,
    /// Now.
    pub now: Timestamp,
    /// Fresh ids.
    pub ids: &'a mut dyn Ids,
    /// Who acts.
    pub actor: Actor,
    /// Ties together everything that one request set in motion.
    pub correlation_id: String,
    /// The event that caused this command, if one did.
    pub causation_id: Option<EventId>,
    /// W3C Trace Context, passed through.
    pub traceparent: Option<String>,
}

impl Context<'_> {
    /// An empty commit of this command: to be filled with rows and events.
    pub(crate) fn commit(&mut self, action: &str, subject: &str) -> Commit {
        Commit {
            id: self.ids.next(),
            user: self.user.clone(),
            stream: self.user.stream(),
            at: self.now,
            expect: Expect { zone: Some(self.zone.name().to_owned()), ..Expect::default() },
            quota: Quota::default(),
            rate: None,
            settings: None,
            users: Vec::new(),
            deleted_users: Vec::new(),
            identities: Vec::new(),
            tokens: Vec::new(),
            channels: Vec::new(),
            projects: Vec::new(),
            tasks: Vec::new(),
            opened: Vec::new(),
            occurrences: Vec::new(),
            reopened: Vec::new(),
            parts_again: Vec::new(),
            overrides: Vec::new(),
            alarms: Vec::new(),
            notifications: Vec::new(),
            notices: Vec::new(),
            deliveries: Vec::new(),
            retried: Vec::new(),
            letters: None,
            events: Vec::new(),
            audit: Audit {
                actor: self.actor.as_str().to_owned(),
                action: action.to_owned(),
                subject: subject.to_owned(),
                after_those_of: None,
                correlation_id: self.correlation_id.clone(),
                tzdata: tzdata_version().to_owned(),
                before: None,
                after: None,
            },
            idempotency: None,
            inbox: None,
        }
    }

    /// An empty commit of a command on a task: applied only if the task is still as it was read.
    pub(crate) fn commit_on(&mut self, task: &Task, action: &str) -> Commit {
        let mut commit = self.commit(action, &task.id.to_string());
        commit.expect.tasks.push(ExpectTask { id: task.id, version: task.version });
        commit
    }

    /// An event of this command.
    pub(crate) fn event(&mut self, kind: EventType, subject: &str, data: serde_json::Value) -> Event {
        Event {
            id: EventId::new(self.ids.next()),
            kind,
            topic: kind.topic(),
            subject: subject.to_owned(),
            data,
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id,
            traceparent: self.traceparent.clone(),
            idempotency_key: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_is_named_by_the_host_of_its_issuer_and_its_subject() {
        for (issuer, subject, expected) in [
            ("https://id.example/realms/home", "ada", "jwt:id.example:ada"),
            ("https://id.example:8443?a", "auth0|5f7c", "jwt:id.example:8443:auth0|5f7c"),
            ("home", "a:b/c", "jwt:home:a:b/c"),
        ] {
            assert_eq!(Actor::jwt(issuer, subject).as_str(), expected);
        }
        let long = Actor::jwt(&format!("https://{}/", "i".repeat(200)), &"\u{e9}".repeat(255));
        assert_eq!(long.as_str(), format!("jwt:{}:{}", "i".repeat(50), "\u{e9}".repeat(45)));
    }

    #[test]
    fn an_agent_is_named_behind_the_token_and_never_instead_of_it() {
        let token = Actor::token("0198");
        assert_eq!(token.clone().by(" Desk \u{7}pal ").as_str(), "token:0198 by Desk  pal");
        assert_eq!(token.clone().by(" \n "), token);
        let long = Actor::jwt("https://issuer.example", &"s".repeat(200)).by(&"\u{e9}".repeat(200));
        assert_eq!(long.as_str().chars().count(), MAX_ACTOR);
        assert!(long.as_str().ends_with(&format!("s by {}", "\u{e9}".repeat(MAX_AGENT))));
    }
}
