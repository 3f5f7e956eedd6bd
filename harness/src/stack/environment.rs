//! What the system's processes and their sidecars are told, and who may know which secret.

use gauntlet_contract::config::{Broker, Role};

use super::keys::{AUDIENCE, ISSUER, ServiceToken};
use super::topology::{Lane, Mode, StateBackend};

/// Names and values of environment variables.
pub(super) type Environment = Vec<(String, String)>;

/// The sidecar's state component; see `components/README.md`.
const STATE_STORE: &str = "statestore";
/// The sidecar's store of secrets, as the system names it.
const SECRET_STORES: &str = "dapr:env";

/// What there is around a lane's processes, by the names under which they reach it.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) lane: &'a Lane,
    /// With credentials.
    pub(super) database_url: &'a str,
    pub(super) service_token: &'a ServiceToken,
    /// What the lane's sidecars show their apps.
    pub(super) app_api_token: &'a ServiceToken,
    /// `host:port`
    pub(super) api: &'a str,
    /// `host:port`; none on the light stack.
    pub(super) kafka: Option<String>,
    /// `host:port`
    pub(super) redis: String,
    /// `http://host:port` of the lane's collector of traces; none where there is none.
    pub(super) traces: Option<String>,
}

impl Surroundings<'_> {
    /// What a role's process is told. `sidecar` is its sidecar's `host:port`; none in direct mode.
    pub(super) fn of_app(&self, role: Role, sidecar: Option<&str>) -> Environment {
        let mut env = common();
        env.push(pair("TOPIC_PREFIX", self.lane.topic_prefix()));
        env.extend(self.trace_endpoint());
        if let Some(sidecar) = sidecar {
            env.extend([
                pair("USE_DAPR", "true"),
                pair("DAPR_HTTP_URL", format!("http://{sidecar}")),
                pair("STATE_STORE", STATE_STORE),
                // Where the process asks for its secrets: its own environment holds one alone, which the
                // sidecar must not give away.
                pair("SECRET_STORES", SECRET_STORES),
                self.app_api_token(),
            ]);
        } else {
            env.extend(self.direct());
            env.extend(self.secrets(role));
        }
        env
    }

    /// What the component files refer to (see `components/README.md`), and the secrets of the app.
    pub(super) fn of_sidecar(&self, role: Role) -> Environment {
        // Dapr puts the app's id in, which makes it the group of `Lane::group`.
        let group = format!("{}{{appID}}", self.lane.topic_prefix());
        let mut env = vec![
            pair("KAFKA_BROKERS", self.kafka.clone().unwrap_or_default()),
            pair("REDIS_HOST", self.redis.clone()),
            pair("CONSUMER_GROUP", group),
            pair("STATE_DATABASE_URL", self.database_url),
        ];
        env.push(self.app_api_token());
        env.extend(self.secrets(role));
        if let Some(endpoint) = self.trace_endpoint() {
            // Dapr asks for TLS where it is not told otherwise, and calls itself by its app's id.
            env.extend([
                endpoint,
                pair("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                pair("OTEL_EXPORTER_OTLP_INSECURE", "true"),
                pair("OTEL_SERVICE_NAME", format!("daprd-{}", role.as_str())),
            ]);
        }
        env
    }

    /// By OpenTelemetry's own name.
    fn trace_endpoint(&self) -> Option<(String, String)> {
        let endpoint = self.traces.as_ref()?;
        Some(pair("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint))
    }

    /// Dapr's own name: the sidecar shows it with all that it delivers, and its app asks for it.
    fn app_api_token(&self) -> (String, String) {
        pair("APP_API_TOKEN", self.app_api_token.reveal())
    }

    /// The way to the broker, to state and to the api without a sidecar.
    fn direct(&self) -> Environment {
        let mut env = vec![
            pair("USE_DAPR", "false"),
            pair("API_URL", format!("http://{}", self.api)),
        ];
        let (broker, state) = (self.lane.broker(), self.lane.state());
        env.push(pair("STATE_BACKEND", state.as_str()));
        match broker {
            Broker::Kafka => env.extend([
                pair("BROKER", "kafka"),
                pair("KAFKA_BROKERS", self.kafka.clone().unwrap_or_default()),
            ]),
            Broker::Redis => env.push(pair("BROKER", "redis")),
        }
        if broker == Broker::Redis || state == StateBackend::Redis {
            env.push(pair("REDIS_URL", format!("redis://{}", self.redis)));
        }
        env
    }

    /// What a role needs and no other may know.
    fn secrets(&self, role: Role) -> Environment {
        let keeps_state_in_the_database =
            self.lane.mode() == Mode::Direct && self.lane.state() == StateBackend::Postgres;
        let (calls_or_is_called, has_tables) = match role {
            Role::Api => (true, true),
            Role::Recurring => (true, keeps_state_in_the_database),
            Role::Audit => (false, true),
        };
        let token = calls_or_is_called.then(|| pair("SERVICE_TOKEN", self.service_token.reveal()));
        let database = has_tables.then(|| pair("DATABASE_URL", self.database_url));
        token.into_iter().chain(database).collect()
    }
}

/// What all roles of every lane are told.
fn common() -> Environment {
    vec![
        pair("JWT_ISSUER", ISSUER),
        pair("JWT_AUDIENCE", AUDIENCE),
        // The outbox is evidence, and read at the end: longer than the longest run.
        pair("OUTBOX_RETENTION", "48h"),
        pair("LOG_FORMAT", "json"),
        pair("RUST_LOG", "info"),
    ]
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const DATABASE: &str = "postgres://gauntlet:hunter2@127.0.0.1:1/lane";

    /// What process and sidecar of each role are told, in the order of the roles.
    fn told(lane: &Lane) -> [[BTreeMap<String, String>; 2]; 3] {
        told_with(lane, None)
    }

    fn told_with(lane: &Lane, traces: Option<&str>) -> [[BTreeMap<String, String>; 2]; 3] {
        let [token, app_api_token] = [(); 2].map(|()| ServiceToken::generate().unwrap());
        let surroundings = Surroundings {
            lane,
            database_url: DATABASE,
            service_token: &token,
            app_api_token: &app_api_token,
            api: "127.0.0.1:2",
            kafka: Some("127.0.0.1:3".to_owned()),
            redis: "127.0.0.1:4".to_owned(),
            traces: traces.map(str::to_owned),
        };
        let sidecar = (lane.mode() == Mode::Dapr).then_some("127.0.0.1:5");
        Role::ALL.map(|role| {
            let app = surroundings.of_app(role, sidecar);
            let sidecar = sidecar.map(|_| surroundings.of_sidecar(role));
            [app, sidecar.unwrap_or_default()].map(|env| env.into_iter().collect())
        })
    }

    fn holders(told: &[[BTreeMap<String, String>; 2]; 3], name: &str) -> [[bool; 2]; 3] {
        let holds = |env: &BTreeMap<String, String>| env.contains_key(name);
        [0, 1, 2].map(|role| [0, 1].map(|side| holds(&told[role][side])))
    }

    #[test]
    fn with_dapr_the_secrets_are_the_sidecars_and_no_process_has_them() {
        for broker in [Broker::Kafka, Broker::Redis] {
            let told = told(&Lane::dapr(broker));
            let (with, without) = ([false, true], [false, false]);
            assert_eq!(holders(&told, "SERVICE_TOKEN"), [with, with, without]);
            assert_eq!(holders(&told, "DATABASE_URL"), [with, without, with]);
            for [app, _] in &told {
                assert_eq!(app["SECRET_STORES"], "dapr:env");
                assert_eq!(app["STATE_STORE"], "statestore");
                assert!(app.values().all(|value| !value.contains("hunter2")));
            }
        }
    }

    #[test]
    fn a_sidecar_and_its_app_share_the_token_that_nobody_else_has() {
        for broker in [Broker::Kafka, Broker::Redis] {
            let told = told(&Lane::dapr(broker));
            assert_eq!(holders(&told, "APP_API_TOKEN"), [[true; 2]; 3]);
            for [app, sidecar] in &told {
                assert_eq!(app["APP_API_TOKEN"], sidecar["APP_API_TOKEN"]);
                assert_ne!(sidecar.get("SERVICE_TOKEN"), app.get("APP_API_TOKEN"));
            }
            let direct = self::told(&Lane::direct(broker));
            assert_eq!(holders(&direct, "APP_API_TOKEN"), [[false; 2]; 3]);
        }
    }

    #[test]
    fn without_dapr_a_process_has_the_secrets_of_its_role_alone() {
        let (with, without) = ([true, false], [false, false]);
        let on_kafka = told(&Lane::direct(Broker::Kafka));
        assert_eq!(holders(&on_kafka, "SERVICE_TOKEN"), [with, with, without]);
        assert_eq!(holders(&on_kafka, "DATABASE_URL"), [with; 3]);
        assert_eq!(holders(&on_kafka, "REDIS_URL"), [without; 3]);
        let on_redis = told(&Lane::direct(Broker::Redis));
        assert_eq!(holders(&on_redis, "SERVICE_TOKEN"), [with, with, without]);
        assert_eq!(holders(&on_redis, "DATABASE_URL"), [with, without, with]);
        assert_eq!(holders(&on_redis, "REDIS_URL"), [with; 3]);
    }

    #[test]
    fn caller_and_called_share_a_token_and_state_lies_where_the_lane_says() {
        for (broker, backend) in [(Broker::Kafka, "postgres"), (Broker::Redis, "redis")] {
            let [[api, _], [recurring, _], _] = told(&Lane::direct(broker));
            assert_eq!(api["SERVICE_TOKEN"], recurring["SERVICE_TOKEN"]);
            assert_eq!(recurring["API_URL"], "http://127.0.0.1:2");
            assert_eq!(recurring["STATE_BACKEND"], backend);
        }
    }

    #[test]
    fn nobody_is_told_of_a_collector_that_is_not_there_and_everybody_of_one_that_is() {
        const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let collector = Some("http://127.0.0.1:6");
        let [with, without] = [[true; 2], [false; 2]];
        let dapr = told_with(&Lane::dapr(Broker::Kafka), collector);
        assert_eq!(holders(&dapr, ENDPOINT), [with; 3]);
        assert_eq!(dapr[0][1]["OTEL_SERVICE_NAME"], "daprd-api");
        let direct = told_with(&Lane::direct(Broker::Kafka), collector);
        assert_eq!(holders(&direct, ENDPOINT), [[true, false]; 3]);
        assert_eq!(
            holders(&told(&Lane::dapr(Broker::Kafka)), ENDPOINT),
            [without; 3]
        );
    }

    #[test]
    fn where_the_state_is_decides_who_is_told_of_which_store() {
        let (with, without) = ([true, false], [false, false]);
        let in_redis = told(&Lane::direct(Broker::Kafka).state_on(StateBackend::Redis));
        assert_eq!(holders(&in_redis, "REDIS_URL"), [with; 3]);
        assert_eq!(holders(&in_redis, "DATABASE_URL"), [with, without, with]);
        let in_postgres = told(&Lane::direct(Broker::Redis).state_on(StateBackend::Postgres));
        assert_eq!(holders(&in_postgres, "REDIS_URL"), [with; 3]);
        assert_eq!(holders(&in_postgres, "DATABASE_URL"), [with; 3]);
        for (told, backend) in [(in_redis, "redis"), (in_postgres, "postgres")] {
            assert_eq!(told[1][0]["STATE_BACKEND"], backend);
        }
    }
}
