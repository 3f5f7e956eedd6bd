//! Tags and categories, which behave alike.

use axum::http::{Method, StatusCode};
use gauntlet_contract::task::Page;
use gauntlet_contract::{EventType, Label, LabelKind, UserId};
use serde_json::json;

use crate::support::Api;

/// The path of each kind, and its events.
const KINDS: [(&str, LabelKind, [EventType; 3]); 2] = [
    (
        "/api/tags",
        LabelKind::Tag,
        [
            EventType::TagCreated,
            EventType::TagUpdated,
            EventType::TagDeleted,
        ],
    ),
    (
        "/api/categories",
        LabelKind::Category,
        [
            EventType::CategoryCreated,
            EventType::CategoryUpdated,
            EventType::CategoryDeleted,
        ],
    ),
];

#[tokio::test]
async fn a_label_is_created_read_changed_and_deleted() {
    for (path, kind, events) in KINDS {
        let api = Api::new();
        let answer = api
            .post(path, &json!({"name": " Home ", "color": "#F80"}))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED);
        assert_eq!(answer.header("etag"), Some("\"1\""));
        let label: Label = answer.json();
        assert_eq!((label.kind, label.user_id), (kind, api.user_id));
        assert_eq!(
            (label.name.as_str(), label.color.as_str()),
            ("Home", "#ff8800")
        );
        let own = format!("{path}/{}", label.id);
        assert_eq!(answer.header("location"), Some(own.as_str()));

        let read = api.get(&own).send("").await;
        assert_eq!(read.header("etag"), Some("\"1\""));
        assert_eq!(read.json::<Label>(), label);

        let answer = api.patch(&own, &json!({"name": "house"})).await;
        assert_eq!(answer.header("etag"), Some("\"2\""));
        let renamed: Label = answer.json();
        assert_eq!(
            (renamed.name.as_str(), renamed.color.as_str()),
            ("house", "#ff8800")
        );
        let unchanged: Label = api.patch(&own, &json!({})).await.json();
        assert_eq!(unchanged, renamed);

        assert_eq!(api.delete(&own).await.status, StatusCode::NO_CONTENT);
        api.delete(&own).await.refused(StatusCode::NOT_FOUND);
        api.get(&own).send("").await.refused(StatusCode::NOT_FOUND);
        let kinds: Vec<_> = api.store.events().iter().map(|event| event.kind).collect();
        assert_eq!(kinds, events);
    }
}

#[tokio::test]
async fn a_name_is_one_labels_alone_whatever_its_case() {
    for (path, _, _) in KINDS {
        let api = Api::new();
        let first: Label = api.made(path, &json!({"name": "Küche"})).await;
        let second: Label = api.made(path, &json!({"name": "bath"})).await;
        let before = api.store.events();
        let taken = api.post(path, &json!({"name": "KÜCHE "})).await;
        assert_eq!(taken.kind(StatusCode::CONFLICT), "/problems/name-taken");
        let second = format!("{path}/{}", second.id);
        let taken = api.patch(&second, &json!({"name": "küche"})).await;
        assert_eq!(taken.kind(StatusCode::CONFLICT), "/problems/name-taken");
        assert_eq!(api.store.events(), before);

        // Its own name in another case is free for it, and so is another user's.
        let own = format!("{path}/{}", first.id);
        let recased = api.patch(&own, &json!({"name": "KÜCHE"})).await;
        assert_eq!(recased.status, StatusCode::OK);
        let stranger = api.issuer.token(UserId::generate());
        let call = api.call(Method::POST, path).with_token(stranger);
        let theirs = call.json(&json!({"name": "Küche"})).await;
        assert_eq!(theirs.status, StatusCode::CREATED);
    }
    let api = Api::new();
    api.tag("both").await;
    api.category("both").await;
}

#[tokio::test]
async fn bad_labels_are_refused_by_field() {
    for (path, _, _) in KINDS {
        let api = Api::new();
        let label: Label = api.made(path, &json!({"name": "first"})).await;
        let own = format!("{path}/{}", label.id);
        for (body, fields) in [
            (json!({"name": ""}), &["name"][..]),
            (json!({"name": "x".repeat(51)}), &["name"]),
            (json!({"name": "a\nb"}), &["name"]),
            (json!({"name": "a", "color": "red"}), &["color"]),
            (json!({"name": " ", "color": "#12"}), &["name", "color"]),
            (json!({"name": "a", "kind": "tag"}), &["kind"]),
            (json!({"name": 1}), &["name"]),
        ] {
            for (method, path) in [(Method::POST, path), (Method::PATCH, own.as_str())] {
                let answer = api.call(method, path).json(&body).await;
                let found = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
                assert_eq!(found, fields, "{body}");
            }
        }
        let nameless = api.post(path, &json!({"color": "#fff"})).await;
        nameless.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(api.store.events().len(), 1);
    }
}

#[tokio::test]
async fn a_change_of_a_stale_version_is_refused() {
    for (path, _, _) in KINDS {
        let api = Api::new();
        let label: Label = api.made(path, &json!({"name": "first"})).await;
        let own = format!("{path}/{}", label.id);
        api.patch(&own, &json!({"name": "second"})).await;
        for method in [Method::PATCH, Method::DELETE] {
            let call = api.call(method, &own).header("if-match", "\"1\"");
            let answer = call.json(&json!({"name": "third"})).await;
            answer.refused(StatusCode::PRECONDITION_FAILED);
        }
        assert_eq!(api.read::<Label>(&own).await.name, "second");
        let call = api.call(Method::DELETE, &own).header("if-match", "\"2\"");
        assert_eq!(call.send("").await.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn lists_run_by_name_in_pages() {
    for (path, _, _) in KINDS {
        let api = Api::new();
        for name in ["delta", "Alpha", "charlie", "Bravo", "Ärger"] {
            api.made::<Label>(path, &json!({ "name": name })).await;
        }
        let (mut names, mut pages, mut next) = (Vec::new(), 0, format!("{path}?limit=2"));
        loop {
            let page: Page<Label> = api.read(&next).await;
            names.extend(page.items.into_iter().map(|label| label.name));
            pages += 1;
            let Some(cursor) = page.next_cursor else {
                break;
            };
            next = format!("{path}?limit=2&cursor={cursor}");
        }
        assert_eq!(
            (names, pages),
            (
                ["Alpha", "Bravo", "charlie", "delta", "Ärger"]
                    .map(str::to_owned)
                    .to_vec(),
                3,
            )
        );
    }
    let api = Api::new();
    for name in ["a", "b"] {
        api.tag(name).await;
    }
    let tags: Page<Label> = api.read("/api/tags?limit=1").await;
    let cursor = tags.next_cursor.unwrap();
    for query in [
        format!("cursor={cursor}"),
        "cursor=%00".to_owned(),
        "name=a".to_owned(),
    ] {
        let answer = api.get(&format!("/api/categories?{query}")).send("").await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn what_is_another_users_or_of_the_other_kind_is_not_there() {
    let api = Api::new();
    let tag = api.tag("mine").await;
    let stranger = api.issuer.token(UserId::generate());
    let own = format!("/api/tags/{}", tag.id);
    let other_kind = format!("/api/categories/{}", tag.id);
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let body = json!({"name": "stolen"});
        let call = api.call(method.clone(), &own).with_token(&stranger);
        call.json(&body).await.refused(StatusCode::NOT_FOUND);
        let call = api.call(method.clone(), &other_kind);
        call.json(&body).await.refused(StatusCode::NOT_FOUND);
        let call = api.call(method, &own).without_token();
        call.json(&body).await.refused(StatusCode::UNAUTHORIZED);
    }
    let call = api.call(Method::GET, "/api/tags").with_token(&stranger);
    assert_eq!(call.send("").await.json::<Page<Label>>().items, []);
    assert_eq!(api.read::<Label>(&own).await, tag);
}
