//! The queries of lists. What reads them is [`Fields`](crate::http::query::Fields), name by name; tests
//! hold the two against each other.

use gauntlet_contract::task::{TAGS_MAX, TITLE_MAX_CHARS};
use gauntlet_contract::{
    Entity, EntityId, LabelId, Priority, SeriesId, TaskId, TaskStatus, UserId,
};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ArrayItems, ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Required, Schema, SchemaFormat};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::headers::text;
use crate::http::audit_routes::ACTIONS;
use crate::http::query::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::http::task_filter::DUE_WITHIN;

/// Of `GET /api/tasks`.
pub(in crate::http) enum TaskListQuery {}

/// Of `GET /api/tasks/search`.
pub(in crate::http) enum TaskSearchQuery {}

/// Of lists that have pages and nothing else.
pub(in crate::http) enum PageQuery {}

/// Of `GET /internal/series/due`.
pub(in crate::http) enum DueQuery {}

/// Of `GET /api/audit`.
pub(in crate::http) enum AuditTrailQuery {}

impl IntoParams for TaskListQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        task_list(Required::False)
    }
}

impl IntoParams for TaskSearchQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        task_list(Required::True)
    }
}

impl IntoParams for PageQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![limit(), cursor()]
    }
}

impl IntoParams for DueQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let after = "The last series of the page before: the list is in the order of their ids.";
        vec![limit(), field("after", after, SeriesId::schema())]
    }
}

impl IntoParams for AuditTrailQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let entity = text().enum_values(Some(Entity::ALL.map(Entity::as_str)));
        vec![
            field("entity", "What the lines are about.", entity),
            field(
                "entity_id",
                "The one that the lines are about.",
                EntityId::schema(),
            ),
            field(
                "task_id",
                "An `entity_id` that is a task's.",
                TaskId::schema(),
            ),
            field(
                "user",
                "Whose trail; of another user's there is nothing to see.",
                UserId::schema(),
            ),
            field(
                "action",
                "What happened.",
                text().enum_values(Some(ACTIONS)),
            ),
            field("from", "The earliest time of the event, included.", time()),
            field("to", "The time before which the event was.", time()),
            field("order", "Oldest first when absent.", order()),
            limit(),
            cursor(),
        ]
    }
}

fn task_list(words: Required) -> Vec<Parameter> {
    let mut all = vec![query(
        "q",
        "Words, each of which begins some word of the title or the description.",
        words,
        text()
            .min_length(Some(1))
            .max_length(Some(TITLE_MAX_CHARS))
            .examples(["milk bread"]),
    )];
    all.extend(conditions());
    all.extend(order_and_page());
    all
}

fn conditions() -> Vec<Parameter> {
    let statuses = TaskStatus::ALL.map(TaskStatus::as_str);
    let priorities = Priority::ALL.map(Priority::as_str);
    vec![
        several(
            "status",
            "Any of these.",
            text().enum_values(Some(statuses)),
        ),
        several(
            "priority",
            "Any of these.",
            text().enum_values(Some(priorities)),
        ),
        field(
            "category",
            "A category's id, or `none` for tasks without one.",
            text().pattern(Some("^(none|[0-9a-fA-F-]{36})$")),
        ),
        tags(),
        field("due_from", "The earliest due date, included.", time()),
        field("due_to", "The time before which they are due.", time()),
        field(
            "created_from",
            "The earliest time of creation, included.",
            time(),
        ),
        field(
            "created_to",
            "The time before which they were created.",
            time(),
        ),
        field(
            "overdue",
            "Whether they should have been done by now. A task that is completed, or has no due date, is \
             not overdue.",
            ObjectBuilder::new().schema_type(Type::Boolean),
        ),
        field(
            "due_within",
            "How soon they are due, of those that are due from now on and not completed; ten years at most.",
            text()
                .pattern(Some(DUE_WITHIN))
                .examples(["7d", "36h", "90m", "1d 12h"]),
        ),
    ]
}

fn order_and_page() -> Vec<Parameter> {
    let keys = [
        "due_date",
        "priority",
        "created_at",
        "updated_at",
        "title",
        "relevance",
    ];
    vec![
        field(
            "sort",
            "`relevance` needs `q`, and is what a search is sorted by when this is absent; a list is sorted \
             by `created_at`. Tasks without a due date come last.",
            text().enum_values(Some(keys)),
        ),
        field(
            "order",
            "When absent: ascending by due date and title, and descending by everything else. Relevance is \
             descending only.",
            order(),
        ),
        limit(),
        cursor(),
    ]
}

fn tags() -> Parameter {
    let ids = ArrayBuilder::new()
        .items(Ref::from_schema_name(LabelId::name()))
        .min_items(Some(1))
        .max_items(Some(TAGS_MAX));
    list("tag", "Tags that they have, all of these.", ids)
}

fn several(name: &str, description: &str, item: ObjectBuilder) -> Parameter {
    let items = ArrayBuilder::new()
        .items(ArrayItems::from(item))
        .min_items(Some(1));
    list(name, description, items)
}

/// With commas between them.
fn list(name: &str, description: &str, items: ArrayBuilder) -> Parameter {
    let mut list = field(name, description, items);
    list.style = Some(ParameterStyle::Form);
    list.explode = Some(false);
    list
}

fn limit() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1_u32))
        .maximum(Some(LIMIT_MAX))
        .default(Some(LIMIT_DEFAULT.into()));
    field("limit", "How many items a page has at most.", schema)
}

fn cursor() -> Parameter {
    let description = "The `next_cursor` of the page before, of a list with the same parameters.";
    field("cursor", description, text().min_length(Some(1)))
}

fn order() -> ObjectBuilder {
    text().enum_values(Some(["asc", "desc"]))
}

fn time() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

fn field(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    query(name, description, Required::False, schema)
}

fn query(
    name: &str,
    description: &str,
    required: Required,
    schema: impl Into<RefOr<Schema>>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
