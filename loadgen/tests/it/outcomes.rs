use std::time::Duration;

use gauntlet_contract::TaskId;
use gauntlet_loadgen::client::{
    Client, Completion, ListQuery, Outcome, Request, Target, UnknownReason,
};

use crate::api::{Reply, TestApi, user};

const CREATE: Request = Request::Create { description: None };

async fn outcome_of(reply: Reply) -> Outcome {
    let api = TestApi::start(reply);
    api.client().call("key", &user(), &CREATE).await
}

#[tokio::test]
async fn each_operation_is_the_call_that_the_api_documents() {
    let api = TestApi::start(Reply::created());
    let client = api.client();
    let task = TaskId::generate();
    let described = Request::Create {
        description: Some("say \"hi\"".to_owned()),
    };
    for request in [
        CREATE,
        described,
        Request::Get { task },
        Request::List,
        Request::Find(ListQuery::search("milk & more").with("sort", "title")),
        Request::Find(ListQuery::list().with("status", "pending").behind("c=")),
        Request::Update { task },
        Request::Complete {
            task,
            to: Completion::Done,
        },
        Request::Complete {
            task,
            to: Completion::Undone,
        },
        Request::Delete { task },
    ] {
        let outcome = client.call("key-7", &user(), &request).await;
        assert!(outcome.is_ok(), "{request:?}: {outcome:?}");
    }

    let seen = api.seen();
    let calls: Vec<_> = seen
        .iter()
        .map(|seen| (seen.line.as_str(), seen.body.as_str()))
        .collect();
    let one = |method: &str| format!("{method} /api/tasks/{task}");
    let complete = format!("PATCH /api/tasks/{task}/complete");
    assert_eq!(
        calls,
        [
            ("POST /api/tasks", r#"{"title":"key-7"}"#),
            (
                "POST /api/tasks",
                r#"{"description":"say \"hi\"","title":"key-7"}"#
            ),
            (&one("GET"), ""),
            ("GET /api/tasks", ""),
            ("GET /api/tasks/search?q=milk+%26+more&sort=title", ""),
            ("GET /api/tasks?status=pending&cursor=c%3D", ""),
            (&one("PATCH"), r#"{"title":"key-7"}"#),
            (&complete, r#"{"completed":true}"#),
            (&complete, r#"{"completed":false}"#),
            (&one("DELETE"), ""),
        ]
    );
    for seen in &seen {
        assert!(
            seen.head.contains("authorization: Bearer token"),
            "{seen:?}"
        );
        assert_eq!(
            seen.head.contains("content-type: application/json"),
            !seen.body.is_empty()
        );
    }
}

#[tokio::test]
async fn an_answer_is_read_for_the_task_and_its_version() {
    let Outcome::Ok {
        status,
        task_id,
        version,
        ..
    } = outcome_of(Reply::created()).await
    else {
        panic!("not acknowledged");
    };
    assert_eq!((status, version), (201, Some(1)));
    assert_eq!(
        task_id.map(|id| id.to_string()).as_deref(),
        Some("01890a5d-ac96-774b-bcce-b302099a8057")
    );
}

#[tokio::test]
async fn nothing_is_sent_where_nobody_listens() {
    // Bound and released again, so that nothing listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port");
    let target = Target::new(&format!("http://{address}")).expect("loopback");
    let client = Client::new(target).expect("a client");
    let outcome = client.call("key", &user(), &CREATE).await;
    assert!(outcome.is_unsent(), "{outcome:?}");
}

#[tokio::test]
async fn a_lost_connection_is_unknown() {
    for reply in [Reply::HangUp, Reply::BreakOff] {
        let outcome = outcome_of(reply.clone()).await;
        assert!(
            matches!(
                outcome,
                Outcome::Unknown {
                    why: UnknownReason::ConnectionLost { .. }
                }
            ),
            "{reply:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn silence_is_unknown_after_the_time_out() {
    let api = TestApi::start(Reply::Silence);
    let target = api.target().timeout(Duration::from_millis(50));
    let client = Client::new(target).expect("a client");
    let outcome = client.call("key", &user(), &CREATE).await;
    assert_eq!(
        outcome,
        Outcome::Unknown {
            why: UnknownReason::TimedOut
        }
    );
    assert_eq!(api.seen().len(), 1, "offered once, never again");
}

#[tokio::test]
async fn a_service_unavailable_is_failed_only_with_a_known_promise() {
    const DRAINING: &str =
        r#"{"type":"/problems/draining","title":"Draining","status":503,"detail":"going"}"#;
    let api = TestApi::start(Reply::answer(503, DRAINING));
    let without = api.client().call("key", &user(), &CREATE).await;
    assert!(matches!(without, Outcome::Unknown { .. }), "{without:?}");

    let target = api.target().nothing_written_on(["/problems/draining"]);
    let client = Client::new(target).expect("a client");
    let with = client.call("key", &user(), &CREATE).await;
    assert!(
        matches!(
            with,
            Outcome::Failed {
                status: Some(503),
                ..
            }
        ),
        "{with:?}"
    );
}
