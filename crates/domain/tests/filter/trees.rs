//! Conditions and tasks of all kinds.

use perennial_domain::filter::{Bounds, Condition, Facts, Part, Quantity, Test, lowered};
use perennial_domain::{Priority, TaskId, TaskStatus, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

/// Few values of each kind, so that tasks and tests meet.
fn instant() -> impl Strategy<Value = i64> {
    let near = (0_i64..12).prop_map(|hour| 1_795_000_000_000 + hour * 3_600_000);
    prop_oneof![9 => near, 1 => Just(253_370_851_200_000), 1 => Just(-86_400_000)]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[abc]", 1 => "[ -~é買🎂]{1,12}"]
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("blank", |text| !text.is_empty())
}

fn id() -> impl Strategy<Value = Uuid> {
    (1_u128..4).prop_map(Uuid::from_u128)
}

fn quantity() -> impl Strategy<Value = (Quantity, i64, i64)> {
    let times =
        vec![Quantity::Due, Quantity::Start, Quantity::Created, Quantity::Updated, Quantity::Completed];
    prop_oneof![
        (prop::sample::select(times), instant(), instant()),
        (0_i64..5, 0_i64..5).prop_map(|(one, other)| (Quantity::Priority, one, other)),
        (0_i64..6, 0_i64..6).prop_map(|(one, other)| (Quantity::Duration, one * 900, other * 900)),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let parts = vec![
        Part::Due,
        Part::Start,
        Part::Completed,
        Part::Duration,
        Part::Tag,
        Part::Project,
        Part::Parent,
        Part::Reminder,
        Part::Recurrence,
    ];
    let bounds = (quantity(), 0..4_u8).prop_map(|((quantity, one, other), kind)| {
        let bounds = match kind {
            0 => Bounds::From(one),
            1 => Bounds::Below(one),
            // Past the last that can be written.
            2 if one == 253_370_851_200_000 || quantity == Quantity::Priority && one == 4 => {
                Bounds::From(one + 1)
            }
            _ => Bounds::Between(one.min(other), one.max(other) + 1),
        };
        Test::Within(quantity, bounds)
    });
    prop_oneof![
        6 => bounds,
        3 => prop::sample::select(parts).prop_map(Test::Has),
        2 => name().prop_map(Test::Tag),
        1 => name().prop_map(Test::ProjectNamed),
        1 => id().prop_map(Test::Project),
        1 => id().prop_map(|id| Test::Parent(TaskId::new(id))),
        1 => prop_oneof![Just(TaskStatus::Open), Just(TaskStatus::Done)].prop_map(Test::Status),
        1 => name().prop_map(Test::TitleIs),
        1 => name().prop_map(|text| Test::TitleContains(lowered(&text))),
    ]
}

pub fn condition() -> impl Strategy<Value = Condition> {
    test().prop_map(Condition::Test).prop_recursive(4, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::all),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::any),
            inner.prop_map(Condition::opposite),
        ]
    })
}

pub fn facts() -> impl Strategy<Value = Facts> {
    let maybe = || prop::option::of(instant().prop_map(Timestamp::from_millis));
    let priorities = vec![Priority::None, Priority::Low, Priority::Medium, Priority::High, Priority::Urgent];
    let text = (
        name(),
        prop::collection::vec(name(), 0..3),
        prop::option::of((id(), name())),
        prop::option::of(id().prop_map(TaskId::new)),
    );
    let times = (maybe(), maybe(), instant(), instant(), maybe());
    let rest = (
        prop::sample::select(priorities),
        prop::option::of((0_i64..6).prop_map(|quarters| quarters * 900)),
        any::<[bool; 3]>(),
    );
    (text, times, rest).prop_map(
        |(
            (title, tags, project, parent),
            (due, start, created, updated, completed),
            (priority, duration, flags),
        )| Facts {
            title,
            status: if flags[0] { TaskStatus::Open } else { TaskStatus::Done },
            priority,
            due,
            start,
            created: Timestamp::from_millis(created),
            updated: Timestamp::from_millis(updated),
            completed,
            duration,
            tags,
            project,
            parent,
            has_reminders: flags[1],
            recurs: flags[2],
        },
    )
}
