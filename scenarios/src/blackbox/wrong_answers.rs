//! A server that answers wrongly on purpose: each way of looking at an answer has to notice.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::answer::Answer;
use super::case::Case;
use super::stage::Stage;
use super::surprise::Checked;
use super::{Cast, Inputs, Site, Variant, play_all};

/// What the server answers, whatever it is asked.
#[derive(Clone)]
struct Planted {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Value,
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const PROBLEM: &[(&str, &str)] = &[("content-type", "application/problem+json")];

async fn answer(State(planted): State<Arc<Planted>>) -> impl IntoResponse {
    let headers: Vec<(HeaderName, &str)> = planted
        .headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), *value))
        .collect();
    let body = match &planted.body {
        Value::Null => Body::empty(),
        body => Body::from(body.to_string()),
    };
    let status = StatusCode::from_u16(planted.status).expect("a status");
    (status, AppendHeaders(headers), body)
}

async fn server(planted: Planted) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let app = Router::new().fallback(answer).with_state(Arc::new(planted));
    // Ends with the runtime of the test.
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Plays one case at a server that answers so; what surprised it.
async fn surprise(case: Case, planted: Planted) -> Option<String> {
    let site = format!("http://{}", server(planted).await);
    played(case, site).await
}

async fn played(case: Case, at: String) -> Option<String> {
    let site = Site {
        api: at.clone(),
        audit: at,
    };
    let inputs = Inputs::new(1, Timestamp::UNIX_EPOCH);
    let token = |_| anyhow::Ok("token".to_owned());
    let player = Cast::of(case, Variant::Ordinary, &inputs, token).expect("tokens");
    let all = play_all(vec![player], &inputs, &site, 1)
        .await
        .expect("a client");
    let [only] = <[_; 1]>::try_from(all).expect("one case");
    only.surprise.map(|surprise| surprise.to_string())
}

/// One way of looking at an answer, as a case.
fn looking(act: fn(Stage) -> BoxFuture<'static, Checked<()>>) -> Case {
    Case {
        act,
        ..super::all()[0]
    }
}

/// The look passes on the right answer and is surprised by the wrong one.
async fn tells_apart(
    act: fn(Stage) -> BoxFuture<'static, Checked<()>>,
    right: Planted,
    wrong: Planted,
) {
    assert_eq!(surprise(looking(act), right).await, None);
    let surprise = surprise(looking(act), wrong).await;
    assert!(
        surprise.is_some(),
        "the planted wrong answer was not noticed"
    );
}

fn ok(body: Value) -> Planted {
    Planted {
        status: 200,
        headers: JSON,
        body,
    }
}

fn problem(status: u16, body: Value) -> Planted {
    Planted {
        status,
        headers: PROBLEM,
        body,
    }
}

fn refusal(kind: &str, field: &str) -> Value {
    json!({
        "type": format!("/problems/{kind}"), "title": "Invalid", "status": 422, "detail": "see errors",
        "errors": [{"field": field, "detail": "wrong"}],
    })
}

async fn get(stage: Stage) -> Checked<Answer> {
    stage.me.get("/api/tasks").send().await
}

/// A test for each way of looking: the look, an answer that is right, and wrong ones.
macro_rules! tells_apart {
    ($($name:ident: $look:expr, $right:expr, [$($wrong:expr),+ $(,)?];)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                $(
                    tells_apart(
                        |stage| Box::pin(async move {
                            let look: fn(Answer) -> Checked<Answer> = $look;
                            look(get(stage).await?).map(drop)
                        }),
                        $right,
                        $wrong,
                    )
                    .await;
                )+
            }
        )+
    };
}

tells_apart! {
    planted_status_is_noticed: |answer| answer.status(200), ok(json!({})), [
        Planted { status: 201, ..ok(json!({})) },
        Planted { status: 500, ..ok(json!({})) },
    ];
    planted_failure_is_no_success: |answer| answer.succeeded(), ok(json!({})), [
        Planted { status: 404, ..ok(json!({})) },
        Planted { status: 302, ..ok(json!({})) },
    ];
    planted_header_is_noticed: |answer| answer.header("content-type", "application/json"), ok(json!({})), [
        Planted { headers: PROBLEM, ..ok(json!({})) },
        Planted { headers: &[], ..ok(json!({})) },
    ];
    planted_lack_of_a_header_is_noticed: |answer| answer.has_header("content-type"), ok(json!({})), [
        Planted { headers: &[], ..ok(json!({})) },
    ];
    planted_surplus_header_is_noticed: |answer| answer.without_header("etag"), ok(json!({})), [
        Planted { headers: &[("etag", "\"1\"")], ..ok(json!({})) },
    ];
    planted_gap_in_a_list_is_noticed: |answer| answer.header_lists("allow", &["GET", "POST"]),
        Planted { headers: &[("allow", "POST, GET,HEAD")], ..ok(json!({})) }, [
        Planted { headers: &[("allow", "GET, HEAD")], ..ok(json!({})) },
        Planted { headers: &[], ..ok(json!({})) },
    ];
    planted_field_is_noticed: |answer| answer.field("/a/b", 1), ok(json!({"a": {"b": 1}})), [
        ok(json!({"a": {"b": 2}})),
        ok(json!({"a": {"b": "1"}})),
        ok(json!({"a": {}})),
        ok(json!(null)),
    ];
    planted_null_is_not_given: |answer| answer.given("/a"), ok(json!({"a": 0})), [
        ok(json!({"a": null})),
        ok(json!({})),
    ];
    planted_inequality_is_noticed: |answer| answer.equal("/a", "/b"), ok(json!({"a": 1, "b": 1})), [
        ok(json!({"a": 1, "b": 2})),
        ok(json!({})),
    ];
    planted_body_is_noticed: |answer| answer.is(&json!({"a": 1})), ok(json!({"a": 1})), [
        ok(json!({"a": 1, "b": 2})),
        ok(json!({})),
    ];
    planted_body_is_not_empty: |answer| answer.empty(), ok(json!(null)), [
        ok(json!({})),
    ];
    planted_problem_is_noticed: |answer| answer.problem(422, "invalid"), problem(422, refusal("invalid", "a")), [
        problem(400, refusal("invalid", "a")),
        problem(422, refusal("other", "a")),
        problem(422, json!({"type": "/problems/invalid", "status": 422})),
        problem(422, json!({"type": "/problems/invalid", "status": 400, "title": "a", "detail": "b"})),
        Planted { headers: JSON, ..problem(422, refusal("invalid", "a")) },
    ];
    planted_blame_is_noticed: |answer| answer.refuses(&["a"]), problem(422, refusal("invalid", "a")), [
        problem(422, refusal("invalid", "b")),
        problem(422, json!({"type": "/problems/invalid", "status": 422, "title": "a", "detail": "b"})),
    ];
    planted_order_is_noticed: |answer| answer.titles(&["a", "b"]), ok(json!({"items": [{"title": "a"}, {"name": "b"}]})), [
        ok(json!({"items": [{"title": "b"}, {"title": "a"}]})),
        ok(json!({"items": [{"title": "a"}]})),
        ok(json!({"items": [{"title": "a"}, {"title": "b"}, {}]})),
    ];
    planted_other_titles_are_noticed: |answer| answer.titles_in_any_order(&["a", "b"]), ok(json!({"items": [{"title": "b"}, {"title": "a"}]})), [
        ok(json!({"items": [{"title": "b"}]})),
        ok(json!({"items": [{"title": "a"}, {"title": "c"}]})),
    ];
    planted_number_of_items_is_noticed: |answer| answer.count(0), ok(json!({"items": []})), [
        ok(json!({"items": [{}]})),
        ok(json!({})),
    ];
    planted_column_is_noticed: |answer| answer.columns("n", &[json!(1), json!(2)]), ok(json!({"items": [{"n": 1}, {"n": 2}]})), [
        ok(json!({"items": [{"n": 2}, {"n": 1}]})),
        ok(json!({"items": [{"n": 1}]})),
    ];
    planted_lack_of_a_text_is_noticed: |answer| { answer.text("/a")?; Ok(answer) }, ok(json!({"a": "b"})), [
        ok(json!({"a": 1})),
        ok(json!({})),
    ];
}

#[tokio::test]
async fn planted_silence_is_a_surprise_and_no_panic() {
    let unused = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = unused.local_addr().expect("an address");
    drop(unused);
    let look = looking(|stage| Box::pin(async move { get(stage).await.map(drop) }));
    let surprise = played(look, format!("http://{address}")).await;
    let surprise = surprise.expect("nobody listens");
    assert!(surprise.contains("no answer"), "{surprise}");
}

async fn eventually_empty(stage: Stage) -> Checked<()> {
    let is_empty = |answer: &Answer| answer.items().count() == 0;
    let call = stage.me.get("/api/tasks");
    stage
        .me
        .eventually(call, "an empty list", is_empty)
        .await
        .map(drop)
}

/// An answer without items would do, and a failure has none.
#[tokio::test]
async fn planted_failure_on_the_way_is_not_waited_away() {
    tells_apart(
        |stage| Box::pin(eventually_empty(stage)),
        ok(json!({"items": []})),
        Planted {
            status: 503,
            ..ok(json!({"items": []}))
        },
    )
    .await;
}

/// The suite itself: a server that finds everything in order and lists nothing satisfies no case.
#[tokio::test]
async fn planted_server_that_is_always_content_surprises_every_case() {
    let site = format!(
        "http://{}",
        server(ok(json!({"items": [], "next_cursor": null}))).await
    );
    let mut satisfied = Vec::new();
    for case in super::all() {
        if played(case, site.clone()).await.is_none() {
            satisfied.push(case.name);
        }
    }
    assert_eq!(satisfied, [""; 0]);
}
