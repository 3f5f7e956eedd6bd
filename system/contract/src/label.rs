//! Tags and categories. A task has up to ten tags and at most one category; both have a name and a
//! colour, and belong to one user.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{LabelId, UserId};
#[cfg(feature = "openapi")]
use crate::schema;

/// Longest name, in characters (Unicode scalar values). The shortest is 1 after trimming.
pub const NAME_MAX_CHARS: usize = 50;
/// The colour of a label whose creator gave none.
pub const COLOR_DEFAULT: &str = "#808080";

/// What a label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LabelKind {
    Tag,
    Category,
}

impl LabelKind {
    pub const ALL: [LabelKind; 2] = [LabelKind::Tag, LabelKind::Category];

    /// The kind as rows and events spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            LabelKind::Tag => "tag",
            LabelKind::Category => "category",
        }
    }

    /// The kind that is spelt so; none when there is no such kind.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A tag or a category. Among one user's labels of a kind no two names differ in case alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Label {
    pub id: LabelId,
    pub user_id: UserId,
    pub kind: LabelKind,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::name))]
    pub name: String,
    /// `#rrggbb`, lower case.
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::color))]
    pub color: String,
    pub version: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Body of `POST /api/tags` and `POST /api/categories`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(examples(json!({"name": "errand", "color": "#ff8800"}))))]
#[serde(deny_unknown_fields)]
pub struct CreateLabel {
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::name))]
    pub name: String,
    /// `#rrggbb` or `#rgb`; grey when absent.
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::any_color))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// Body of `PATCH /api/tags/{id}` and `PATCH /api/categories/{id}`. A field left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(examples(json!({"color": "#08f"}))))]
#[serde(deny_unknown_fields)]
pub struct UpdateLabel {
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::new_name))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::any_color))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}
