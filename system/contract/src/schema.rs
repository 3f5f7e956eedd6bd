//! Schemas of fields, where a derived one would not tell their limits. The limits are the constants that
//! the domain checks. White space around a title or a name is cut off before it is checked, so the service
//! takes a little more there. Elsewhere it takes less: no schema tells that a date exists, or which fields of
//! one kind of rule another kind refuses.

use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::due::DueDate;
use crate::ids::LabelId;
use crate::label::NAME_MAX_CHARS;
use crate::recurrence::{CRON_MAX_BYTES, INTERVAL_MAX};
use crate::task::{DESCRIPTION_MAX_CHARS, TAGS_MAX, TITLE_MAX_CHARS};

/// One line with something to read on it: no control characters, and not white space alone.
const LINE: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^\s\u0000-\u001f\u007f-\u009f]",
    r"[^\u0000-\u001f\u007f-\u009f]*$",
);
/// Any lines: of the control characters only line breaks and tabs.
const LINES: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";
/// Five fields; what each may have is the domain's.
const CRON: &str = r"^[ \t]*[0-9A-Za-z*,/-]+([ \t]+[0-9A-Za-z*,/-]+){4}[ \t]*$";
/// A local time as [`DueDate`] and jiff write it.
const LOCAL_TIME: &str = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$";

pub(crate) fn title() -> ObjectBuilder {
    line(TITLE_MAX_CHARS)
}

/// Null is as good as absent.
pub(crate) fn new_title() -> ObjectBuilder {
    title().schema_type(or_null(Type::String))
}

pub(crate) fn description() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(or_null(Type::String))
        .max_length(Some(DESCRIPTION_MAX_CHARS))
        .pattern(Some(LINES))
}

pub(crate) fn name() -> ObjectBuilder {
    line(NAME_MAX_CHARS)
}

/// Null is as good as absent.
pub(crate) fn new_name() -> ObjectBuilder {
    name().schema_type(or_null(Type::String))
}

pub(crate) fn color() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("`#rrggbb`, lower case."))
        .pattern(Some("^#[0-9a-f]{6}$"))
        .examples(["#ff8800"])
}

/// As clients may write it.
pub(crate) fn any_color() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(or_null(Type::String))
        .description(Some(
            "`#rrggbb` or `#rgb`. A new label without one is grey.",
        ))
        .pattern(Some("^#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})$"))
        .examples(["#ff8800", "#F80"])
}

pub(crate) fn tags() -> ArrayBuilder {
    ArrayBuilder::new()
        .items(Ref::from_schema_name(LabelId::name()))
        .description(Some("The ids of tags. Each counts once."))
        .max_items(Some(TAGS_MAX))
}

/// At least one.
pub(crate) fn some_tags() -> ArrayBuilder {
    tags().min_items(Some(1))
}

/// Null is as good as absent.
pub(crate) fn new_tags() -> ArrayBuilder {
    tags()
        .description(Some(
            "The ids of all the tags that the task has from then on.",
        ))
        .schema_type(or_null(Type::Array))
}

pub(crate) fn interval() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .minimum(Some(1_u32))
        .maximum(Some(INTERVAL_MAX))
        .default(Some(1.into()))
}

pub(crate) fn count() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(or_null(Type::Integer))
        .description(Some(
            "How many instances there are in all, the first one included; endless when absent.",
        ))
        .minimum(Some(1_u32))
        .maximum(Some(u32::MAX))
}

pub(crate) fn cron() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(CRON))
        .max_length(Some(CRON_MAX_BYTES))
        .examples(["30 9 * * mon-fri"])
}

pub(crate) fn local_time() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A local time, in the time zone beside it."))
        .pattern(Some(LOCAL_TIME))
        .examples(["2026-11-30T17:00:00"])
}

/// The items of a page, by reference: derived, each page would repeat them.
pub(crate) fn items<T: ToSchema>() -> ArrayBuilder {
    ArrayBuilder::new().items(Ref::from_schema_name(T::name()))
}

/// A state as an event told it: a task, a label or a series of whatever version of this contract.
pub(crate) fn state() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(or_null(Type::Object))
        .description(Some(
            "The whole state; null before a creation and after a deletion.",
        ))
}

impl PartialSchema for DueDate {
    fn schema() -> RefOr<Schema> {
        let instant = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A point in time."))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-11-30T16:00:00Z"]);
        AnyOfBuilder::new()
            .description(Some(
                "A point in time, or a local time that gets its meaning from the time zone beside it.",
            ))
            .item(instant)
            .item(local_time())
            .into()
    }
}

impl ToSchema for DueDate {}

fn line(max_chars: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(max_chars))
        .pattern(Some(LINE))
}

fn or_null(kind: Type) -> SchemaType {
    SchemaType::from_iter([kind, Type::Null])
}
