//! What is wrong is refused with a problem that says what (T13), and writes nothing.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

/// One character more than a title may have.
const TITLE_TOO_LONG: usize = 201;
const DESCRIPTION_TOO_LONG: usize = 10_001;
/// Beyond 64 KiB whatever else the body has.
const BODY_TOO_LARGE: usize = 64 * 1024 + 1;

pub(super) fn cases() -> Vec<Case> {
    [fields(), changes(), requests(), of_nobody()].concat()
}

fn fields() -> Vec<Case> {
    vec![
        case!("an empty title is refused", [T1 T13], [], refused, json!({"title": ""}), &["title"]),
        case!(
            "a blank title is refused", [T1 T13], [], refused, json!({"title": " \t "}), &["title"]
        ),
        case!(
            "a title of 201 characters is refused", [T1 T13], [], refused,
            json!({"title": "x".repeat(TITLE_TOO_LONG)}), &["title"]
        ),
        case!(
            "a title with a line break is refused", [T1 T13], [], refused, json!({"title": "a\nb"}),
            &["title"]
        ),
        case!(
            "a title with NUL is refused", [T1 T13], [], refused, json!({"title": "a\u{0}b"}),
            &["title"]
        ),
        case!(
            "a title that is a number is refused", [T1 T13], [], refused, json!({"title": 5}),
            &["title"]
        ),
        case!(
            "a description of 10,001 characters is refused", [T1 T13], [], refused,
            json!({"title": "a", "description": "x".repeat(DESCRIPTION_TOO_LONG)}),
            &["description"]
        ),
        case!(
            "a description with NUL is refused", [T1 T13], [], refused,
            json!({"title": "a", "description": "\u{0}"}), &["description"]
        ),
        case!(
            "a field that nobody knows is refused", [T1 T13], [], refused,
            json!({"title": "a", "owner": "me"}), &["owner"]
        ),
        case!(
            "an id of the client's choice is refused", [T1 T13], [], refused,
            json!({"title": "a", "id": "01990000-0000-7000-8000-000000000001"}), &["id"]
        ),
        case!(
            "two faults are told at once",
            [T13],
            [],
            refused,
            json!({"title": "", "description": "\u{7}"}),
            &["title", "description"]
        ),
        case!(
            "a body without a title is refused",
            [T13],
            [],
            without_title
        ),
    ]
}

fn changes() -> Vec<Case> {
    vec![
        case!(
            "a change to an empty title is refused", [T1 T13], [TaskCreated], change_refused,
            json!({"title": ""}), &["title"]
        ),
        case!(
            "a change to an unknown status is refused", [T1 T13], [TaskCreated], change_refused,
            json!({"status": "done"}), &["status"]
        ),
        case!(
            "a change of the version is refused", [T1 T13], [TaskCreated], change_refused,
            json!({"version": 7}), &["version"]
        ),
    ]
}

fn requests() -> Vec<Case> {
    vec![
        case!("what is no JSON is malformed", [T13], [], no_json),
        case!("an empty body is malformed", [T13], [], no_body),
        case!(
            "another media type is not read",
            [T13],
            [],
            other_media_type,
            Some("text/plain")
        ),
        case!(
            "no media type is not read",
            [T13],
            [],
            other_media_type,
            None
        ),
        case!(
            "a body of more than 64 KiB is too large",
            [T13],
            [],
            too_large
        ),
        case!(
            "an unknown method tells the known ones",
            [T13],
            [],
            unknown_method
        ),
        case!(
            "an unknown method on one task tells the known ones",
            [T13],
            [TaskCreated],
            unknown_method_of_one
        ),
    ]
}

fn of_nobody() -> Vec<Case> {
    vec![
        case!(
            "an unknown path is not found",
            [T13],
            [],
            not_found,
            "/api/nothing"
        ),
        case!(
            "an id that is none is not found",
            [T13],
            [],
            not_found,
            "/api/tasks/1"
        ),
        case!(
            "an id of nothing is not found",
            [T13],
            [],
            not_found,
            "/api/tasks/01990000-0000-7000-8000-000000000001"
        ),
        case!("without a token nothing is told", [T13], [], without_token),
        case!("a wrong token is refused", [T13], [], wrong_token),
        case!(
            "a user id in a header makes nobody that user",
            [T13],
            [TaskCreated],
            user_header
        ),
        case!("another user's task is not there to read", [T1 T13], [TaskCreated], strangers_read),
        case!(
            "another user's task is not there to change", [T1 T13], [TaskCreated], strangers_change
        ),
        case!(
            "another user's task is not there to delete", [T1 T13], [TaskCreated], strangers_delete
        ),
        case!(
            "a completion that is neither yes nor no is refused", [T1 T13], [TaskCreated],
            odd_completion
        ),
    ]
}

async fn refused(stage: Stage, body: Value, fields: &[&str]) -> Checked<()> {
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .refuses(fields)?;
    stage.me.tasks(&[]).await?.count(0)?;
    Ok(())
}

async fn without_title(stage: Stage) -> Checked<()> {
    let answer = stage
        .me
        .post("/api/tasks", &json!({"description": "b"}))
        .send()
        .await?;
    answer.problem(422, "invalid")?.given("/errors/0/field")?;
    Ok(())
}

async fn change_refused(stage: Stage, body: Value, fields: &[&str]) -> Checked<()> {
    let created = stage.me.create(&json!({"title": "a"})).await?;
    let path = format!("/api/tasks/{}", created.id()?);
    stage.me.patch(&path, &body).send().await?.refuses(fields)?;
    stage
        .me
        .get(path)
        .send()
        .await?
        .status(200)?
        .is(&created.body)?;
    Ok(())
}

async fn no_json(stage: Stage) -> Checked<()> {
    for body in ["{", "title=a", "{\"title\":\"a\"} more"] {
        let call = stage.me.call(Method::POST, "/api/tasks").raw(body);
        let answer = call
            .header("content-type", "application/json")
            .send()
            .await?;
        answer.problem(400, "malformed")?;
    }
    Ok(())
}

async fn no_body(stage: Stage) -> Checked<()> {
    let call = stage.me.call(Method::POST, "/api/tasks");
    let answer = call
        .header("content-type", "application/json")
        .send()
        .await?;
    answer.problem(400, "malformed")?;
    Ok(())
}

async fn other_media_type(stage: Stage, media_type: Option<&str>) -> Checked<()> {
    let mut call = stage
        .me
        .call(Method::POST, "/api/tasks")
        .raw("{\"title\":\"a\"}");
    if let Some(media_type) = media_type {
        call = call.header("content-type", media_type);
    }
    call.send().await?.problem(415, "unsupported-media-type")?;
    Ok(())
}

async fn too_large(stage: Stage) -> Checked<()> {
    let body = json!({"title": "a", "description": "x".repeat(BODY_TOO_LARGE)});
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .problem(413, "too-large")?;
    stage.me.tasks(&[]).await?.count(0)?;
    Ok(())
}

async fn unknown_method(stage: Stage) -> Checked<()> {
    let answer = stage
        .me
        .call(Method::PUT, "/api/tasks")
        .json(&json!({}))
        .send()
        .await?;
    answer
        .problem(405, "method-not-allowed")?
        .header_lists("allow", &["GET", "POST"])?;
    Ok(())
}

async fn unknown_method_of_one(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("a").await?);
    let answer = stage.me.post(path, &json!({})).send().await?;
    answer
        .problem(405, "method-not-allowed")?
        .header_lists("allow", &["GET", "PATCH", "DELETE"])?;
    Ok(())
}

async fn not_found(stage: Stage, path: &str) -> Checked<()> {
    stage.me.get(path).send().await?.problem(404, "not-found")?;
    Ok(())
}

async fn without_token(stage: Stage) -> Checked<()> {
    let answer = stage.me.get("/api/tasks").without_token().send().await?;
    answer
        .problem(401, "unauthorized")?
        .has_header("www-authenticate")?;
    let call = stage
        .me
        .post("/api/tasks", &json!({"title": "a"}))
        .without_token();
    call.send().await?.problem(401, "unauthorized")?;
    stage.me.tasks(&[]).await?.count(0)?;
    Ok(())
}

async fn wrong_token(stage: Stage) -> Checked<()> {
    let mut token = stage.me.token().to_owned();
    token.truncate(token.len() / 2);
    let answer = stage.me.get("/api/tasks").with_token(token).send().await?;
    answer.problem(401, "unauthorized")?;
    Ok(())
}

/// An internal API that trusted such a header was the origin's worst hole.
async fn user_header(stage: Stage) -> Checked<()> {
    stage.me.task("mine").await?;
    let call = stage
        .stranger
        .get("/api/tasks")
        .header("x-user-id", stage.me.id());
    call.send().await?.status(200)?.count(0)?;
    Ok(())
}

async fn strangers_read(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("mine").await?);
    stage
        .stranger
        .get(path)
        .send()
        .await?
        .problem(404, "not-found")?;
    stage.stranger.tasks(&[]).await?.count(0)?;
    Ok(())
}

async fn strangers_change(stage: Stage) -> Checked<()> {
    let created = stage.me.create(&json!({"title": "mine"})).await?;
    let path = format!("/api/tasks/{}", created.id()?);
    let changed = stage
        .stranger
        .patch(&path, &json!({"title": "theirs"}))
        .send()
        .await?;
    changed.problem(404, "not-found")?;
    let complete = stage
        .stranger
        .patch(format!("{path}/complete"), &json!({"completed": true}));
    complete.send().await?.problem(404, "not-found")?;
    stage.me.get(path).send().await?.is(&created.body)?;
    Ok(())
}

async fn strangers_delete(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("mine").await?);
    stage
        .stranger
        .delete(&path)
        .send()
        .await?
        .problem(404, "not-found")?;
    stage.me.get(path).send().await?.status(200)?;
    Ok(())
}

async fn odd_completion(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}/complete", stage.me.task("a").await?);
    for body in [
        json!({"completed": "yes"}),
        json!({"completed": true, "at": 1}),
    ] {
        stage
            .me
            .patch(&path, &body)
            .send()
            .await?
            .problem(422, "invalid")?;
    }
    Ok(())
}
