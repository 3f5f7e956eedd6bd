use gauntlet_contract::{EventData, EventType, Label, LabelId, LabelKind, UserId};
use gauntlet_domain::{Decision, LabelCommand, Rejection, Row, decide_label};

use crate::support::{at, change, fields};

fn create(kind: LabelKind, name: &str, color: Option<&str>) -> LabelCommand {
    LabelCommand::Create {
        kind,
        name: name.to_owned(),
        color: color.map(str::to_owned),
    }
}

fn update(name: Option<&str>, color: Option<&str>) -> LabelCommand {
    LabelCommand::Update {
        name: name.map(str::to_owned),
        color: color.map(str::to_owned),
    }
}

fn decided(state: Option<&Label>, command: LabelCommand) -> Result<Decision<Label>, Rejection> {
    let (id, user_id) = (LabelId::generate(), UserId::generate());
    decide_label(state, command, at(100), id, user_id)
}

fn created(kind: LabelKind) -> Label {
    let created = decided(None, create(kind, " home ", Some("#F80")));
    change(created.unwrap()).after.unwrap()
}

#[test]
fn a_label_has_a_trimmed_name_and_a_colour_in_one_spelling() {
    let tag = created(LabelKind::Tag);
    assert_eq!((tag.name.as_str(), tag.color.as_str()), ("home", "#ff8800"));
    let grey = decided(None, create(LabelKind::Tag, "a", None)).unwrap();
    assert_eq!(change(grey).after.unwrap().color, "#808080");
    let wrong = decided(None, create(LabelKind::Tag, "\n", Some("red"))).unwrap_err();
    assert_eq!(fields(&wrong), ["name", "color"]);
    let long = "x".repeat(51);
    let wrong = decided(None, create(LabelKind::Tag, &long, None)).unwrap_err();
    assert_eq!(fields(&wrong), ["name"]);
}

#[test]
fn each_change_is_told_by_an_event_of_its_kind_with_both_states() {
    for (kind, types) in [
        (
            LabelKind::Tag,
            [
                EventType::TagCreated,
                EventType::TagUpdated,
                EventType::TagDeleted,
            ],
        ),
        (
            LabelKind::Category,
            [
                EventType::CategoryCreated,
                EventType::CategoryUpdated,
                EventType::CategoryDeleted,
            ],
        ),
    ] {
        let mut state: Option<Label> = None;
        let commands = [
            create(kind, "home", None),
            update(Some("work"), None),
            LabelCommand::Delete,
        ];
        for ((command, event_type), version) in commands.into_iter().zip(types).zip(1..) {
            let change = change(decided(state.as_ref(), command).unwrap());
            let [fact] = &change.facts[..] else {
                panic!("one event a change");
            };
            assert_eq!(fact.kind, event_type);
            let EventData::Label(event) = &fact.data else {
                panic!("an event of something else");
            };
            assert_eq!(event.version, version);
            assert_eq!(event.old, state);
            assert_eq!(event.new, change.after);
            state = change.after;
        }
        assert_eq!(state, None);
    }
}

#[test]
fn what_changes_nothing_has_no_event_and_what_is_not_there_cannot_change() {
    let tag = created(LabelKind::Tag);
    let same = decided(Some(&tag), update(Some("home "), Some("#FF8800")));
    assert_eq!(same, Ok(Decision::Unchanged(tag.clone())));
    let deleted = change(decided(Some(&tag), LabelCommand::Delete).unwrap());
    assert_eq!(deleted.rows, [Row::DeleteLabel(1, LabelKind::Tag, tag.id)]);
    for command in [update(None, None), LabelCommand::Delete] {
        assert_eq!(decided(None, command), Err(Rejection::NotFound));
    }
    let again = decided(Some(&tag), create(LabelKind::Tag, "b", None));
    assert_eq!(again, Err(Rejection::AlreadyExists));
}
