use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Bytes;

use super::{Answer, CallContext, Target};
use crate::error::PortError;

/// Calls an endpoint of another app.
///
/// An answer of any HTTP status is an [`Answer`]; an error is for the way there and back. Its kind says
/// what became of the call:
///
/// - `Unavailable`: it was certainly not delivered; to call again may help.
/// - `Invalid`: it was certainly not delivered, and to call again does not help.
/// - Any other, `Timeout` above all: it may have been delivered.
#[async_trait]
pub trait Invoker: Send + Sync {
    /// Ends within the context's deadline. `body` is JSON, or nothing.
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError>;
}

#[async_trait]
impl<I: Invoker + ?Sized> Invoker for Arc<I> {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        (**self).invoke(target, body, context).await
    }
}
