//! Lists of tasks: conditions, orders, pages.

use axum::http::StatusCode;
use gauntlet_contract::task::Page;
use gauntlet_contract::{Task, UserId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::Api;

async fn page(api: &Api, path: &str) -> Page<Task> {
    api.read(path).await
}

async fn titles(api: &Api, path: &str) -> Vec<String> {
    let page = page(api, path).await;
    page.items.into_iter().map(|task| task.title).collect()
}

/// All titles of a list, page by page, and how many pages there were.
async fn all_pages(api: &Api, path: &str) -> (Vec<String>, usize) {
    let (mut seen, mut pages, mut next) = (Vec::new(), 0, path.to_owned());
    loop {
        let page = page(api, &next).await;
        seen.extend(page.items.into_iter().map(|task| task.title));
        pages += 1;
        match page.next_cursor {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return (seen, pages),
        }
    }
}

async fn make(api: &Api, bodies: &[Value]) -> Vec<Task> {
    let mut made = Vec::new();
    for body in bodies {
        made.push(api.made("/api/tasks", body).await);
    }
    made
}

fn in_hours(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

async fn complete(api: &Api, task: &Task) {
    let path = format!("/api/tasks/{}/complete", task.id);
    let answer = api.patch(&path, &json!({"completed": true})).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_follow_their_cursors_without_gaps() {
    let api = Api::new();
    let mut newest_first = Vec::new();
    for number in 0..7 {
        let title = format!("task {number}");
        api.created(&title).await;
        newest_first.insert(0, title);
    }
    let paged = all_pages(&api, "/api/tasks?limit=3").await;
    assert_eq!(paged, (newest_first, 3));
}

#[tokio::test]
async fn a_page_that_ends_exactly_at_the_last_task_is_the_last() {
    let api = Api::new();
    for number in 0..3 {
        api.created(&format!("task {number}")).await;
    }
    let page = page(&api, "/api/tasks?limit=3").await;
    assert_eq!((page.items.len(), page.next_cursor), (3, None));
}

#[tokio::test]
async fn a_list_has_what_meets_every_condition() {
    let api = Api::new();
    let (red, blue) = (api.tag("red").await, api.tag("blue").await);
    let home = api.category("home").await;
    let made = make(
        &api,
        &[
            json!({"title": "a", "priority": "low", "tags": [red.id], "category_id": home.id}),
            json!({"title": "b", "priority": "high", "tags": [red.id, blue.id]}),
            json!({"title": "c", "priority": "urgent", "category_id": home.id}),
            json!({"title": "d", "description": "see Käse-Brot"}),
        ],
    )
    .await;
    complete(&api, &made[2]).await;
    let started = format!("/api/tasks/{}", made[3].id);
    api.patch(&started, &json!({"status": "in_progress"})).await;
    api.call(axum::http::Method::POST, "/api/tasks")
        .with_token(api.issuer.token(UserId::generate()))
        .json(&json!({"title": "somebody else's"}))
        .await;

    let (red, blue, home) = (red.id, blue.id, home.id);
    for (query, found) in [
        (String::new(), "abcd"),
        ("status=pending".to_owned(), "ab"),
        ("status=completed,in_progress".to_owned(), "cd"),
        ("priority=urgent,low".to_owned(), "ac"),
        ("priority=urgent&status=pending".to_owned(), ""),
        (format!("category={home}"), "ac"),
        ("category=none".to_owned(), "bd"),
        (format!("tag={red}"), "ab"),
        (format!("tag={red}&tag={blue}"), "b"),
        (format!("tag={red},{blue}"), "b"),
        (format!("tag={blue}&category=none&priority=high"), "b"),
        ("q=KÄS".to_owned(), "d"),
        ("q=brot%20see".to_owned(), "d"),
        ("q=rot".to_owned(), ""),
    ] {
        let found: Vec<_> = found.chars().map(String::from).collect();
        let path = format!("/api/tasks?sort=title&{query}");
        assert_eq!(titles(&api, &path).await, found, "{query}");
    }
}

#[tokio::test]
async fn ranges_of_time_include_their_beginning_and_not_their_end() {
    let api = Api::new();
    let due = |at: &str| json!({"title": at, "due_date": format!("2026-11-{at}T12:00:00Z")});
    make(
        &api,
        &[due("10"), due("11"), due("12"), json!({"title": "never"})],
    )
    .await;
    for (query, found) in [
        ("due_from=2026-11-11T12:00:00Z", &["11", "12"][..]),
        ("due_to=2026-11-11T12:00:00Z", &["10"]),
        (
            "due_from=2026-11-11T13:00:00%2B01:00&due_to=2026-11-12T12:00:00Z",
            &["11"],
        ),
        ("due_to=2026-11-11T12:00:00.000000001Z", &["10", "11"]),
        ("due_from=2026-11-11T12:00:00.000000001Z", &["12"]),
    ] {
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        let path = format!("/api/tasks?sort=due_date&{query}");
        assert_eq!(titles(&api, &path).await, found, "{query}");
    }
    let created: Task = api
        .read::<Page<Task>>("/api/tasks?limit=1")
        .await
        .items
        .remove(0);
    let at = created.created_at;
    let from = titles(&api, &format!("/api/tasks?created_from={at}")).await;
    assert_eq!(from.first(), Some(&created.title));
    let before = titles(&api, &format!("/api/tasks?created_to={at}")).await;
    assert!(!before.contains(&created.title), "{before:?}");
}

#[tokio::test]
async fn overdue_is_what_should_be_done_by_now_and_upcoming_what_is_due_soon() {
    let api = Api::new();
    let due = |title: &str, hours| json!({"title": title, "due_date": in_hours(hours)});
    let made = make(
        &api,
        &[
            due("late", -1),
            due("late and done", -1),
            due("tomorrow", 20),
            due("tomorrow and done", 20),
            due("next month", 800),
            json!({"title": "whenever"}),
        ],
    )
    .await;
    complete(&api, &made[1]).await;
    complete(&api, &made[3]).await;
    assert_eq!(titles(&api, "/api/tasks?overdue=true").await, ["late"]);
    let path = "/api/tasks?overdue=false&sort=title";
    let others = [
        "late and done",
        "next month",
        "tomorrow",
        "tomorrow and done",
        "whenever",
    ];
    assert_eq!(titles(&api, path).await, others);
    let path = "/api/tasks/search?overdue=false&q=late";
    assert_eq!(titles(&api, path).await, ["late and done"]);
    assert_eq!(titles(&api, "/api/tasks?due_within=1d").await, ["tomorrow"]);
    let path = "/api/tasks?due_within=10w&sort=due_date";
    assert_eq!(titles(&api, path).await, ["tomorrow", "next month"]);
    let path = "/api/tasks?due_within=1d&status=in_progress,completed";
    assert_eq!(titles(&api, path).await, [""; 0]);
}

#[tokio::test]
async fn every_order_has_a_direction_of_its_own() {
    let api = Api::new();
    let made = make(
        &api,
        &[
            json!({"title": "b", "priority": "high", "due_date": "2026-11-12T12:00:00Z"}),
            json!({"title": "A", "priority": "low", "due_date": "2026-11-11T12:00:00Z"}),
            json!({"title": "c", "priority": "urgent"}),
        ],
    )
    .await;
    let first = format!("/api/tasks/{}", made[0].id);
    api.patch(&first, &json!({"description": "touched"})).await;
    for (query, found) in [
        ("", "cAb"),
        ("sort=created_at", "cAb"),
        ("sort=created_at&order=asc", "bAc"),
        ("sort=updated_at", "bcA"),
        ("sort=priority", "cbA"),
        ("sort=priority&order=asc", "Abc"),
        ("sort=title", "Abc"),
        ("sort=title&order=desc", "cbA"),
        ("sort=due_date", "Abc"),
        ("sort=due_date&order=desc", "bAc"),
        ("order=asc", "bAc"),
    ] {
        let found: Vec<_> = found.chars().map(String::from).collect();
        assert_eq!(
            titles(&api, &format!("/api/tasks?{query}")).await,
            found,
            "{query}"
        );
        let paged = all_pages(&api, &format!("/api/tasks?limit=1&{query}")).await;
        assert_eq!(paged, (found, 3), "{query}");
    }
}

#[tokio::test]
async fn a_search_answers_the_best_first() {
    let api = Api::new();
    make(
        &api,
        &[
            json!({"title": "buy milk and bread"}),
            json!({"title": "dairy", "description": "milk, butter, bread"}),
            json!({"title": "milkshake recipe", "description": "bread is not in it"}),
            json!({"title": "bread alone"}),
        ],
    )
    .await;
    let path = "/api/tasks/search?q=milk%20bread";
    let best_first = ["buy milk and bread", "milkshake recipe", "dairy"];
    assert_eq!(titles(&api, path).await, best_first);
    let paged = all_pages(&api, &format!("{path}&limit=1")).await;
    assert_eq!(paged, (best_first.map(str::to_owned).to_vec(), 3));
    let path = "/api/tasks?q=milk%20bread&sort=relevance";
    assert_eq!(titles(&api, path).await, best_first);
    let path = "/api/tasks/search?q=milk%20bread&sort=title";
    assert_eq!(
        titles(&api, path).await,
        ["buy milk and bread", "dairy", "milkshake recipe"]
    );
    let path = "/api/tasks?q=milk%20bread";
    assert_eq!(
        titles(&api, path).await,
        ["milkshake recipe", "dairy", "buy milk and bread"]
    );
}

#[tokio::test]
async fn a_cursor_is_good_for_the_list_that_it_is_of() {
    let api = Api::new();
    let tag = api.tag("tag").await;
    for number in 0..3 {
        api.made::<Task>(
            "/api/tasks",
            &json!({"title": format!("a{number}"), "tags": [tag.id]}),
        )
        .await;
    }
    let list = format!("status=pending,completed&tag={}", tag.id);
    let first = page(&api, &format!("/api/tasks?limit=1&{list}")).await;
    let cursor = first.next_cursor.unwrap();
    let again = format!(
        "status=completed,pending&sort=created_at&order=desc&tag={}",
        tag.id
    );
    for same in [list.clone(), again] {
        let second = page(&api, &format!("/api/tasks?limit=2&{same}&cursor={cursor}")).await;
        assert_eq!(second.items.len(), 2, "{same}");
    }
    for other in [
        format!("{list}&sort=title&order=desc"),
        format!("{list}&sort=updated_at"),
        format!("{list}&order=asc"),
        format!("{list}&q=a"),
        format!("{list}&overdue=true"),
        format!("{list}&overdue=false"),
        "status=pending,completed".to_owned(),
        format!("status=pending&tag={}", tag.id),
    ] {
        let path = format!("/api/tasks?limit=1&{other}&cursor={cursor}");
        let answer = api.get(&path).send("").await;
        let fields = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(fields, ["cursor"], "{other}");
        let detail = &answer.problem().errors[0].detail;
        assert!(detail.contains("another filter, sort or order"), "{detail}");
    }
}

#[tokio::test]
async fn all_pages_of_a_list_count_from_the_same_moment() {
    let api = Api::new();
    let due = |title: &str| json!({"title": title, "due_date": in_hours(1)});
    make(&api, &[due("a"), due("b"), due("c")]).await;
    for condition in [
        "due_within=2h",
        "overdue=true",
        "overdue=false",
        "due_within=2h&status=pending",
    ] {
        let path = format!("/api/tasks?sort=title&limit=1&{condition}");
        let (seen, _) = all_pages(&api, &path).await;
        let expected: &[&str] = if condition == "overdue=true" {
            &[]
        } else {
            &["a", "b", "c"]
        };
        assert_eq!(seen, expected, "{condition}");
    }
}

#[tokio::test]
async fn queries_are_read_strictly() {
    let api = Api::new();
    let no_id = "tag=urgent";
    let eleven: Vec<_> = (0..11).map(|_| UserId::generate().to_string()).collect();
    let long = format!("q={}", "x".repeat(201));
    for (query, fields) in [
        ("limit=0", &["limit"][..]),
        ("limit=101", &["limit"]),
        ("limit=ten", &["limit"]),
        ("limit=1&limit=2", &["limit"]),
        ("status=done", &["status"]),
        ("status=", &["status"]),
        ("status=pending,,completed", &["status"]),
        ("status=pending&status=completed", &["status"]),
        ("priority=Low", &["priority"]),
        ("category=home", &["category"]),
        (no_id, &["tag"]),
        (&format!("tag={}", eleven.join(",")), &["tag"]),
        ("due_from=today", &["due_from"]),
        ("due_to=2026-11-11", &["due_to"]),
        ("due_to=-009999-11-11T00:00:00Z", &["due_to"]),
        ("created_from=1", &["created_from"]),
        ("created_to=2026-13-01T00:00:00Z", &["created_to"]),
        ("overdue=yes", &["overdue"]),
        ("overdue=", &["overdue"]),
        ("overdue=true&overdue=false", &["overdue"]),
        ("due_within=soon", &["due_within"]),
        ("due_within=-1d", &["due_within"]),
        ("due_within=1d&status=completed", &["due_within"]),
        ("q=", &["q"]),
        ("q=%21%3F", &["q"]),
        (&long, &["q"]),
        ("sort=size", &["sort"]),
        ("sort=relevance", &["sort"]),
        ("sort=occurrence", &["sort"]),
        ("q=a&sort=relevance&order=asc", &["order"]),
        ("order=up", &["order"]),
        ("cursor=x", &["cursor"]),
        ("page=2", &["page"]),
        ("page=2&limit=0&sort=x", &["limit", "sort", "page"]),
    ] {
        let answer = api.get(&format!("/api/tasks?{query}")).send("").await;
        let found = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(found, fields, "{query}");
    }
    for query in ["", "status=pending"] {
        let answer = api
            .get(&format!("/api/tasks/search?{query}"))
            .send("")
            .await;
        let found = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(found.contains(&"q".to_owned()), "{found:?}");
    }
}

/// Whoever can read a cursor can write one.
#[tokio::test]
async fn forged_cursors_are_refused_like_any_other_mistake() {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    let api = Api::new();
    for title in ["a", "b"] {
        api.created(title).await;
    }
    let first = page(&api, "/api/tasks?limit=1").await;
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(first.next_cursor.unwrap())
        .unwrap();
    let cursor = String::from_utf8(bytes).unwrap();
    let position = cursor.find("\"value\":").unwrap();
    let id = cursor.find(",\"id\"").unwrap();
    for value in [
        r#"{"text":"a"}"#,
        r#"{"time":null}"#,
        r#"{"time":-99999999999999999}"#,
        r#"{"number":1}"#,
        "7",
    ] {
        let forged = format!("{}\"value\":{value}{}", &cursor[..position], &cursor[id..]);
        let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
        let answer = api
            .get(&format!("/api/tasks?limit=1&cursor={forged}"))
            .send("")
            .await;
        let fields = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(fields, ["cursor"], "{value}");
    }
}
