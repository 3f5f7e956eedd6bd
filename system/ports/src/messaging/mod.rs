//! Publishing and consuming events.

mod handler;
mod ingress;
mod publisher;
mod ready;

pub use handler::{Delivery, Handler, Reason, Settle};
pub use ingress::{Ingress, Subscription, SubscriptionSet};
pub use publisher::{Ack, Publisher};
pub use ready::{ReadySignal, SourceState};
