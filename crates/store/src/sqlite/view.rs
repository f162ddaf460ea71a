//! Which view a set of commits is written through.
//!
//! One takes any commit. What is written most has one of its own, which compiles less and costs less for each row.

use perennial_domain::{AlarmRow, Commit, Expect, ExpectAlarm};

/// The narrowest view that can write all of them.
pub(super) fn view(commits: &[Commit]) -> &'static str {
    // Such a commit comes alone, and does nothing else.
    if commits.iter().any(|commit| commit.letters.is_some()) {
        return "write_letters_v6";
    }
    let all: Vec<Does> = commits.iter().map(does).collect();
    if all.iter().all(|one| one.makes_tasks) {
        "write_new_v5"
    } else if all.iter().all(|one| one.fires_alarms) {
        "write_fired_v5"
    } else {
        "write_v5"
    }
}

/// What a commit does, and nothing else.
struct Does {
    /// It makes tasks, and all its rows are new with them.
    makes_tasks: bool,
    /// It fires alarms that it expects, and tells of them in one topic.
    fires_alarms: bool,
}

fn does(commit: &Commit) -> Does {
    // Every member is named, so that a new one is thought of here.
    let Commit {
        id: _,
        user: _,
        stream: _,
        at: _,
        expect:
            Expect {
                tasks: expected_tasks,
                changes: expected_changes,
                occurrences: expected_occurrences,
                alarms: expected_alarms,
                projects: expected_projects,
                in_projects: _,
                empty_projects,
                parents: _,
                places: expected_places,
                channels: expected_channels,
                answer: expected_answer,
                secrets: expected_secrets,
                settings: expected_settings,
                zone: _,
            },
        quota,
        rate,
        settings,
        users,
        deleted_users,
        identities,
        tokens,
        channels,
        projects,
        tasks,
        opened,
        occurrences,
        reopened,
        parts_again,
        overrides,
        alarms,
        notifications,
        notices,
        deliveries,
        retried,
        letters: _,
        events,
        audit: _,
        idempotency,
        inbox,
    } = commit;
    let neither = expected_changes.is_empty()
        && expected_occurrences.is_empty()
        && expected_places.is_empty()
        && expected_channels.is_none()
        && expected_answer.is_none()
        && expected_secrets.is_empty()
        && expected_settings.is_none()
        && settings.is_none()
        && quota.tokens.is_none()
        && users.is_empty()
        && deleted_users.is_empty()
        && identities.is_empty()
        && tokens.is_empty()
        && channels.is_empty()
        && projects.is_empty()
        && expected_projects.is_empty()
        && empty_projects.is_empty()
        && occurrences.is_empty()
        && reopened.is_empty()
        && parts_again.is_empty()
        && overrides.is_empty()
        && notices.is_empty()
        && deliveries.is_empty()
        && retried.is_empty()
        && inbox.is_none();
    let made = |id| expected_tasks.iter().any(|expected| expected.id == id && expected.version == 0);
    let makes_tasks = expected_tasks.iter().all(|task| task.version == 0)
        && expected_alarms.is_empty()
        && !tasks.is_empty()
        && tasks.iter().all(|task| made(task.id))
        && opened.iter().all(|row| made(row.task_id) && row.predecessor.is_none())
        && alarms.iter().all(|row| made(row.task_id))
        && notifications.is_empty();
    let fires_alarms = expected_tasks.is_empty()
        && tasks.is_empty()
        && opened.is_empty()
        && !alarms.is_empty()
        && alarms.len() == expected_alarms.len()
        && alarms.iter().zip(expected_alarms).all(is_expected)
        && events.windows(2).all(|pair| matches!(pair, [one, next] if one.topic == next.topic))
        && idempotency.is_none()
        && quota.tasks.is_none()
        && rate.is_none();
    Does { makes_tasks: neither && makes_tasks, fires_alarms: neither && fires_alarms }
}

/// Whether it is the alarm that is expected, for the same time.
fn is_expected((alarm, expected): (&AlarmRow, &ExpectAlarm)) -> bool {
    alarm.task_id == expected.task_id
        && alarm.recurrence_id == expected.recurrence_id
        && alarm.reminder_id == expected.reminder_id
        && alarm.fire_at == expected.fire_at
}
