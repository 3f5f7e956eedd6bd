//! The `todo` binary. This file alone reads the command line and the environment.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser};
use gauntlet_contract::config::{Broker, Role};
use gauntlet_services::config::{
    Bus, Config, SecretSource, State, TokenConfig, parse_duration, parse_retention, parse_role,
    parse_secret_source, parse_topic_prefix,
};
use gauntlet_services::relay::Retention;
use gauntlet_services::serve::bind;
use gauntlet_services::telemetry::{LogFormat, parse_log_format, start_logs, start_metrics};
use gauntlet_services::traces::{
    FLUSH_WITHIN, SamplerKind, TraceSettings, Traces, parse_endpoint, parse_ratio, parse_sampler,
    traces_below,
};
use gauntlet_services::{ask, drain, wiring};
use tokio_util::sync::CancellationToken;

const HEALTH: &str = "health";
const MIGRATE: &str = "migrate";
const DATABASE_URL: &str = "DATABASE_URL";

/// A task manager whose every change is an event: one binary, one or more roles in a process.
#[derive(Debug, Parser)]
#[command(
    name = "todo",
    version,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    after_help = "Secrets: DATABASE_URL (api, audit; e.g. postgres://user:password@127.0.0.1:5432/todo), \
                  SERVICE_TOKEN (api, recurring; 32 characters or more, the same for both), APP_API_TOKEN \
                  (with a sidecar; 32 characters or more, the same as the sidecar's own variable), REDIS_URL \
                  (where Redis is used). Each is looked for in --secret-stores, in their order, and then \
                  in the environment. A role that lacks one does not start."
)]
struct Args {
    /// What this process does: api, recurring, audit; several with commas
    #[arg(long = "role", env = "ROLE", value_delimiter = ',', required = true, value_parser = parse_role)]
    roles: Vec<Role>,

    /// Where to serve HTTP
    #[arg(long, env = "HTTP_ADDR", default_value = "127.0.0.1:8000")]
    http_addr: SocketAddr,

    /// Whether events, state and calls between roles go through a Dapr sidecar: true, false
    #[arg(long, env = "USE_DAPR", action = ArgAction::Set, default_value_t = false)]
    use_dapr: bool,

    /// The sidecar's HTTP API
    #[arg(long, env = "DAPR_HTTP_URL", default_value = "http://127.0.0.1:3500")]
    dapr_http_url: String,

    /// Name of the sidecar's pub/sub component
    #[arg(long, env = "PUBSUB_NAME", default_value = "pubsub")]
    pubsub_name: String,

    /// Without Dapr, the broker: kafka, redis
    #[arg(long, env = "BROKER", value_parser = parse_broker)]
    broker: Option<Broker>,

    /// Kafka's bootstrap servers, host:port, separated by commas
    #[arg(long, env = "KAFKA_BROKERS")]
    kafka_brokers: Option<String>,

    /// Name of the sidecar's state component
    #[arg(long, env = "STATE_STORE", default_value = "statestore")]
    state_store: String,

    /// Without Dapr, where roles keep state that is no truth: postgres, redis
    #[arg(long, env = "STATE_BACKEND", default_value = "postgres", value_parser = parse_state)]
    state_backend: State,

    /// Where secrets are looked for before the environment, in this order: dapr:NAME (a component of the
    /// sidecar), dir:PATH (a file for each), json:PATH; several with commas
    #[arg(long, env = "SECRET_STORES", value_delimiter = ',', value_parser = parse_secret_source)]
    secret_stores: Vec<SecretSource>,

    /// Without Dapr, where the role api is, for the role recurring
    #[arg(long, env = "API_URL", default_value = "http://127.0.0.1:8000")]
    api_url: String,

    /// Stands before every topic and consumer group, so that installations can share a broker
    #[arg(long, env = "TOPIC_PREFIX", default_value = "", value_parser = parse_topic_prefix)]
    topic_prefix: String,

    /// JWKS with the Ed25519 public keys that tokens are verified with; there is no default key
    // Roles that see no user's token need neither this nor the next two.
    #[arg(long, env = "JWT_JWKS_FILE", requires_all = ["jwt_issuer", "jwt_audience"])]
    jwt_jwks_file: Option<PathBuf>,

    /// The `iss` that tokens must have
    #[arg(long, env = "JWT_ISSUER")]
    jwt_issuer: Option<String>,

    /// The `aud` that tokens must have
    #[arg(long, env = "JWT_AUDIENCE")]
    jwt_audience: Option<String>,

    /// How long published events stay in the outbox, e.g. 24h; `off` keeps them for ever
    #[arg(long, env = "OUTBOX_RETENTION", default_value = "24h", value_parser = parse_retention)]
    outbox_retention: Retention,

    /// How long a drain after SIGTERM may take, e.g. 30s
    #[arg(long, env = "DRAIN_TIMEOUT", default_value = "30s", value_parser = parse_duration)]
    drain_timeout: Duration,

    /// How log lines are written: json, text
    #[arg(long, env = "LOG_FORMAT", default_value = "json", value_parser = parse_log_format)]
    log_format: LogFormat,

    /// Which log lines are written, e.g. `info,gauntlet_services=debug`
    // Without the exception each start would announce that the schema is there already.
    #[arg(
        long,
        env = "RUST_LOG",
        default_value = "info,sqlx::postgres::notice=warn"
    )]
    log_filter: String,

    #[command(flatten)]
    traces: TraceArgs,
}

// Where spans go; nowhere without an endpoint. The names and defaults are those of the OpenTelemetry
// specification, by which what is set and empty is not set. No doc comment: it would describe the program.
#[derive(Clone, Debug, clap::Args)]
struct TraceArgs {
    /// OTLP collector, e.g. `http://127.0.0.1:4318`: spans are posted below it, at /v1/traces, as protobuf
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,

    /// The same with its path, for spans alone; goes first
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    otlp_traces_endpoint: Option<String>,

    /// How long the collector may take over a batch of spans, ms
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TIMEOUT", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    otlp_timeout: u64,

    /// What spans name the process; by default its roles, as in its health
    #[arg(long, env = "OTEL_SERVICE_NAME")]
    otel_service_name: Option<String>,

    /// Which traces are recorded, by the names of the specification
    #[arg(long, env = "OTEL_TRACES_SAMPLER", default_value = "parentbased_always_on", value_parser = parse_sampler)]
    otel_traces_sampler: SamplerKind,

    /// The share of traces that a sampler by ratio keeps, 0 to 1
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1", value_parser = parse_ratio)]
    otel_traces_sampler_arg: f64,
}

/// Ask a running process whether it is ready: exit code 0 when it is, else 1 and the reason.
///
/// Needs none of the variables that serving needs, and takes 3 s at most.
#[derive(Debug, Parser)]
struct HealthArgs {
    /// Where the process serves; 0.0.0.0 and [::] are asked on loopback
    #[arg(long, env = "HTTP_ADDR", default_value = "127.0.0.1:8000")]
    http_addr: SocketAddr,

    /// What to ask instead of the process's /health/ready, e.g. `http://127.0.0.1:3500/v1.0/healthz`
    #[arg(long)]
    url: Option<String>,
}

/// Take the schema of the database that `DATABASE_URL` names back to an earlier version.
///
/// The variable is read from the environment alone. Stop every process of this version first: as it starts, one takes
/// the schema forward again. What the earlier version has no place for is gone.
#[derive(Debug, Parser)]
struct MigrateArgs {
    /// The version to go back to; 0 leaves nothing of the schema
    #[arg(long, value_name = "VERSION")]
    to: i64,
}

fn parse_broker(name: &str) -> Result<Broker, String> {
    match name {
        "kafka" => Ok(Broker::Kafka),
        "redis" => Ok(Broker::Redis),
        _ => Err("the brokers are kafka, redis".to_owned()),
    }
}

fn parse_state(name: &str) -> Result<State, String> {
    match name {
        "postgres" => Ok(State::Postgres),
        "redis" => Ok(State::Redis),
        _ => Err("the backends are postgres, redis".to_owned()),
    }
}

fn tokens(
    jwks_file: Option<PathBuf>,
    issuer: Option<String>,
    audience: Option<String>,
) -> Option<TokenConfig> {
    Some(TokenConfig {
        jwks_file: jwks_file?,
        issuer: issuer?,
        audience: audience?,
    })
}

impl Args {
    fn into_config(self) -> anyhow::Result<Config> {
        Ok(Config {
            bus: self.bus()?,
            state: if self.use_dapr {
                State::Sidecar(self.state_store)
            } else {
                self.state_backend
            },
            secret_stores: self.secret_stores,
            api_url: self.api_url,
            roles: self.roles.into_iter().collect(),
            http_addr: self.http_addr,
            topic_prefix: self.topic_prefix,
            tokens: tokens(self.jwt_jwks_file, self.jwt_issuer, self.jwt_audience),
            outbox_retention: self.outbox_retention,
            drain_timeout: self.drain_timeout,
        })
    }

    fn bus(&self) -> anyhow::Result<Bus> {
        if self.use_dapr {
            return Ok(Bus::Dapr {
                http_url: self.dapr_http_url.clone(),
                pubsub_name: self.pubsub_name.clone(),
            });
        }
        let Some(broker) = self.broker else {
            bail!("failed to find a bus: set USE_DAPR=true, or BROKER to kafka or redis");
        };
        Ok(match broker {
            Broker::Kafka => Bus::Kafka {
                brokers: self
                    .kafka_brokers
                    .clone()
                    .context("failed to find Kafka: BROKER=kafka needs KAFKA_BROKERS")?,
            },
            Broker::Redis => Bus::Redis,
        })
    }
}

/// Ends with one line that says what went wrong and how to mend it.
#[tokio::main]
async fn main() -> ExitCode {
    let result = match called() {
        Ok(Call::Health(args)) => question(args).await,
        Ok(Call::Migrate(args)) => migrate_back(&args).await,
        Ok(Call::Serve(args)) => run(*args).await,
        // A mistake in the command line or the environment, or `--help`: clap knows what to print.
        Err(error) => error.exit(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is gone.
            writeln!(io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

/// What this process was called for.
enum Call {
    Serve(Box<Args>),
    Health(HealthArgs),
    Migrate(MigrateArgs),
}

/// Derived, the other calls would be refused where only some of the variables for serving are set.
fn called() -> Result<Call, clap::Error> {
    let question = HealthArgs::command().name(HEALTH);
    let back = MigrateArgs::command().name(MIGRATE);
    let every = Args::command().subcommands([question, back]);
    let matches = every.try_get_matches()?;
    match matches.subcommand() {
        Some((MIGRATE, matches)) => MigrateArgs::from_arg_matches(matches).map(Call::Migrate),
        Some((_, matches)) => HealthArgs::from_arg_matches(matches).map(Call::Health),
        None => Args::from_arg_matches(&matches).map(|args| Call::Serve(Box::new(args))),
    }
}

async fn question(args: HealthArgs) -> anyhow::Result<()> {
    let url = args
        .url
        .unwrap_or_else(|| ask::readiness_of(args.http_addr));
    ask::ask(&url).await
}

async fn migrate_back(args: &MigrateArgs) -> anyhow::Result<()> {
    let url = std::env::var(DATABASE_URL)
        .with_context(|| format!("failed to find the database: set {DATABASE_URL}"))?;
    wiring::migrate_back(&url, args.to).await
}

impl TraceArgs {
    /// None where no collector is named.
    fn settings(self, role_name: String) -> anyhow::Result<Option<TraceSettings>> {
        let is_set = |text: &String| !text.is_empty();
        let read = |name: &str, text: String| {
            parse_endpoint(&text)
                .map_err(|problem| anyhow::anyhow!("failed to read {name}: {problem}"))
        };
        let endpoint = if let Some(text) = self.otlp_traces_endpoint.filter(is_set) {
            read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", text)?
        } else if let Some(text) = self.otlp_endpoint.filter(is_set) {
            traces_below(&read("OTEL_EXPORTER_OTLP_ENDPOINT", text)?)
        } else {
            return Ok(None);
        };
        Ok(Some(TraceSettings {
            endpoint,
            timeout: Duration::from_millis(self.otlp_timeout),
            service_name: self.otel_service_name.filter(is_set).unwrap_or(role_name),
            sampler: self.otel_traces_sampler,
            ratio: self.otel_traces_sampler_arg,
        }))
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let (log_format, log_filter) = (args.log_format, args.log_filter.clone());
    let trace_args = args.traces.clone();
    let mut config = args.into_config()?;
    let settings = trace_args.settings(config.service_name())?;
    let traces = settings.as_ref().map(Traces::start).transpose()?;
    start_logs(log_format, &log_filter, traces.as_ref())?;
    let Some(traces) = traces else {
        return serve(config).await;
    };
    // Its own share of the drain, or a collector that stalls would make it longer.
    let flush_within = FLUSH_WITHIN.min(config.drain_timeout / 5);
    config.drain_timeout -= flush_within;
    let served = serve(config).await;
    traces.finish(flush_within).await;
    served
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let metrics = start_metrics()?;
    // First of all, so that a signal during the start is not lost.
    let begin_drain = CancellationToken::new();
    drain::cancel_on_signal(begin_drain.clone())?;
    // Before the rest: a port in use is the commonest mistake, and the quickest to find.
    let listener = bind(config.http_addr).await?;
    // The fallback of every store of secrets. What is not Unicode is none of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let starting = wiring::wire(&config, environment.collect(), metrics);
    let Some(process) = begin_drain.run_until_cancelled(starting).await else {
        return Ok(());
    };
    let process = process?;
    let service = config.service_name();
    tracing::info!(service, address = %listener.local_addr()?, "serving");
    process
        .run(listener, begin_drain, config.drain_timeout)
        .await?;
    tracing::info!(service, "drained");
    Ok(())
}
