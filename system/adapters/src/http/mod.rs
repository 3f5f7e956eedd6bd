//! Calls from app to app over HTTP, without a sidecar.

mod headers;
mod invoker;

pub use invoker::{HttpInvoker, HttpInvokerSettings};
#[cfg(feature = "dapr")]
pub(crate) use {headers::answer, headers::with_context, headers::without_answer};
