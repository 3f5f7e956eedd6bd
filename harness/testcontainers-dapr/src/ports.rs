//! The ports that Dapr 1.16 listens on by default.

/// The sidecar's HTTP API.
pub const HTTP: u16 = 3500;
/// The sidecar's gRPC API.
pub const GRPC: u16 = 50_001;
/// Prometheus metrics, of every executable.
pub const METRICS: u16 = 9090;
pub const PLACEMENT: u16 = 50_005;
pub const SCHEDULER: u16 = 50_006;
/// Health of scheduler and placement: HTTP, `/healthz`.
pub const HEALTHZ: u16 = 8080;
