//! The black-box suite on the lanes of a run: cases are played on all of them side by side, and what they
//! left is read when nothing moves any more.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures::future::try_join_all;
use gauntlet_harness::ledger::{
    CaseRecord, CaseRole, EffectRow, Exchange, Lane as LaneName, Moment, STATE_TABLES, StoredRow,
};
use gauntlet_harness::observe::{RedisKeysObserver, TablesObserver, UserRowsObserver};
use gauntlet_harness::stack::{Lane, RunningLane};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Run, state_prefix};
use crate::blackbox::{self, Cast, Control, Inputs, Played, Site, Variant, play_all, type_of};
use crate::scenario::Abort;

/// Longer than any run.
const TOKEN_TTL: Duration = Duration::from_hours(25);
/// Cases of one lane that are under way at a time. Most of them wait for a consumer or for the schedule, and
/// four lanes of them are nothing that two cores could not carry.
const AT_ONCE: usize = 8;

/// One lane's part in the play.
struct Part {
    lane: Lane,
    site: Site,
    casts: Vec<Cast>,
    roles: Vec<CaseRole>,
}

impl Run {
    /// Plays every case, and the controls, on every lane, and enters the answers into the record.
    pub async fn play_cases(&mut self) -> Result<(), Abort> {
        let inputs = Inputs::new(self.settings.seed, Timestamp::now());
        let lanes = self.lanes();
        for lane in &lanes {
            self.phase(lane, "cases");
        }
        let parts: Result<Vec<Part>, Abort> = lanes
            .iter()
            .map(|lane| self.part(lane, &lanes, &inputs))
            .collect();
        let played = try_join_all(parts?.into_iter().map(|part| play(part, &inputs)));
        for (lane, cases) in played.await? {
            let record = &mut self.lane_mut(&lane)?.record;
            record.besides.extend(cases.iter().flat_map(changed));
            for asked in cases.iter().map(AskedFor::of) {
                record.besides_up_to.extend(asked.shown);
                record.besides_deleted.extend(asked.deleted);
            }
            record.cases.extend(cases);
        }
        Ok(())
    }

    fn part(&self, lane: &Lane, lanes: &[Lane], inputs: &Inputs) -> Result<Part, Abort> {
        let during = "prepare the cases";
        let running = self
            .stack
            .lane(lane.name())
            .map_err(Abort::during(during))?;
        let controls = blackbox::controls().into_iter();
        let controls = controls.filter_map(|control| {
            let planted_on = planted_on(control, lanes)?;
            Some((control.case, CaseRole::Control { planted_on }))
        });
        let judged = blackbox::all()
            .into_iter()
            .map(|case| (case, CaseRole::Judged));
        let (mut casts, mut roles) = (Vec::new(), Vec::new());
        for (case, role) in judged.chain(controls) {
            let variant = match &role {
                CaseRole::Control { planted_on } if planted_on.as_str() == lane.name() => {
                    Variant::Planted
                }
                _ => Variant::Ordinary,
            };
            let token = |user| self.stack.token_for(user, TOKEN_TTL);
            let cast = Cast::of(case, variant, inputs, token);
            casts.push(cast.map_err(Abort::during(during))?);
            roles.push(role);
        }
        Ok(Part {
            lane: lane.clone(),
            site: Site {
                api: running.api_url(),
                audit: running.audit_url(),
            },
            casts,
            roles,
        })
    }

    /// Reads what the cases left on a lane that has come to rest.
    pub async fn read_case_rows(&mut self, lane: &Lane) -> Result<(), Abort> {
        let during = "read what the cases left";
        let running = self
            .stack
            .lane(lane.name())
            .map_err(Abort::during(during))?;
        let observer = UserRowsObserver::new(running.database_url());
        let observer = observer.map_err(Abort::during(during))?;
        let mut rows = observer.read().await.map_err(Abort::during(during))?;
        observer.close().await;
        let known = state_keys(running, lane).await?;
        for case in &mut self.lane_mut(lane)?.record.cases {
            let mut left = taken(&mut rows, &case.users);
            left.extend(kept_in_state(&left, &known));
            case.rows = Some(left);
        }
        Ok(())
    }
}

/// The last part of each key in a lane's state, wherever that is: of what is kept of an event, the event's id.
async fn state_keys(running: &RunningLane, lane: &Lane) -> Result<HashSet<String>, Abort> {
    let during = "read the lane's state";
    let tables = TablesObserver::new(running.database_url()).map_err(Abort::during(during))?;
    let rows = tables.read(Moment::After).await;
    tables.close().await;
    let entries = RedisKeysObserver::new(running.redis_url(), state_prefix(lane));
    let entries = entries.map_err(Abort::during(during))?;
    let entries = entries.read(Moment::After).await;
    let rows = rows.map_err(Abort::during(during))?.into_iter();
    let of_tables = rows.filter(|row| STATE_TABLES.contains(&row.place.as_str()));
    let all = of_tables.chain(entries.map_err(Abort::during(during))?);
    let last = |row: StoredRow| row.key.rsplit([':', ' ']).next().map(str::to_owned);
    Ok(all.filter_map(last).collect())
}

/// A row for each of a case's events that a role keeps in its state.
fn kept_in_state(rows: &[EffectRow], known: &HashSet<String>) -> Vec<EffectRow> {
    let events = rows.iter().filter(|row| row.table == "outbox");
    let kept = events.filter(|event| {
        let id = event.row["event_id"].as_str();
        id.is_some_and(|id| known.contains(id))
    });
    kept.map(|event| EffectRow {
        table: "state".to_owned(),
        row: json!({
            "event_id": event.row["event_id"],
            "entity_id": event.row["task_id"],
            "version": event.row["task_version"],
        }),
    })
    .collect()
}

/// Each control is planted on the last lane of its mode; none where the run has no such lane.
fn planted_on(control: Control, lanes: &[Lane]) -> Option<LaneName> {
    let lane = lanes
        .iter()
        .rev()
        .find(|lane| lane.mode() == control.mode)?;
    Some(LaneName::new(lane.name()))
}

async fn play(part: Part, inputs: &Inputs) -> Result<(Lane, Vec<CaseRecord>), Abort> {
    let played = play_all(part.casts, inputs, &part.site, AT_ONCE).await;
    let played = played.map_err(Abort::during("play the cases"))?;
    let cases = played.into_iter().zip(part.roles);
    let cases = cases.map(|(played, role)| record(played, role));
    Ok((part.lane, cases.collect()))
}

fn record(played: Played, role: CaseRole) -> CaseRecord {
    let Played {
        case,
        users,
        surprise,
        exchanges,
    } = played;
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    CaseRecord {
        name: case.name.to_owned(),
        features: owned(
            case.features
                .iter()
                .map(|feature| feature.as_str())
                .collect(),
        ),
        events: owned(case.events.iter().map(|event| type_of(*event)).collect()),
        role,
        users: users.map(|user| user.0).to_vec(),
        surprise: surprise.map(|surprise| surprise.to_string()),
        exchanges,
        rows: None,
    }
}

/// What the case's own requests changed: what their answers show, and what their paths name.
fn changed(case: &CaseRecord) -> Vec<Uuid> {
    let is_change =
        |exchange: &&Exchange| !exchange.call.starts_with("GET ") && exchange.status < 300;
    let ids = case
        .exchanges
        .iter()
        .filter(is_change)
        .flat_map(|exchange| {
            let id = |pointer| exchange.body.pointer(pointer).and_then(Value::as_str);
            let shown = [id("/id"), id("/occurrence/series_id")];
            exchange.call.split('/').chain(shown.into_iter().flatten())
        });
    ids.filter_map(|id| Uuid::try_parse(id).ok()).collect()
}

/// How far the case's own requests took tasks and labels. A series goes on by itself, and is not among them.
#[derive(Debug, Default, PartialEq, Eq)]
struct AskedFor {
    /// The highest version that an answer shows.
    shown: BTreeMap<Uuid, u64>,
    /// Whose deletion was answered, which shows nothing. However often it was repeated, it is one.
    deleted: BTreeSet<Uuid>,
}

impl AskedFor {
    fn of(case: &CaseRecord) -> Self {
        let mut asked = Self::default();
        let is_change = |it: &&Exchange| !it.call.starts_with("GET ") && it.status < 300;
        for exchange in case.exchanges.iter().filter(is_change) {
            let is_task_or_label = ["title", "name"]
                .iter()
                .any(|it| exchange.body[*it].is_string());
            let shown = exchange.body["id"].as_str().filter(|_| is_task_or_label);
            let shown = shown.and_then(|id| Uuid::try_parse(id).ok());
            if let (Some(id), Some(version)) = (shown, exchange.body["version"].as_u64()) {
                let highest = asked.shown.entry(id).or_default();
                *highest = version.max(*highest);
            } else {
                asked.deleted.extend(deleted(exchange));
            }
        }
        asked
    }
}

/// What a deletion is of: its path ends with it. A path that goes on deletes something else.
fn deleted(exchange: &Exchange) -> Option<Uuid> {
    let target = exchange.call.strip_prefix("DELETE ")?;
    let path = target.split('?').next()?;
    Uuid::try_parse(path.rsplit('/').next()?).ok()
}

fn taken(rows: &mut HashMap<Uuid, Vec<EffectRow>>, users: &[Uuid]) -> Vec<EffectRow> {
    let of_users = users.iter().filter_map(|user| rows.remove(user));
    of_users.flatten().collect()
}

#[cfg(test)]
mod tests {
    use gauntlet_contract::config::Broker;

    use super::*;

    #[test]
    fn each_mode_has_its_control_on_its_last_lane() {
        let lanes = [
            Lane::dapr(Broker::Kafka),
            Lane::direct(Broker::Kafka),
            Lane::dapr(Broker::Redis),
            Lane::direct(Broker::Redis),
        ];
        let planted = |lanes: &[Lane]| -> Vec<Option<String>> {
            let controls = blackbox::controls().into_iter();
            let planted = controls.map(|control| planted_on(control, lanes));
            planted
                .map(|lane| lane.map(|lane| lane.to_string()))
                .collect()
        };
        let both = ["dapr-redis", "direct-redis"].map(|lane| Some(lane.to_owned()));
        assert_eq!(planted(&lanes), both);
        assert_eq!(
            planted(&lanes[3..]),
            [None, Some("direct-redis".to_owned())]
        );
    }

    #[test]
    fn an_event_that_state_knows_is_told_with_its_task_and_no_other() {
        let [kept, other] = ["a", "b"].map(|id| EffectRow {
            table: "outbox".to_owned(),
            row: json!({"event_id": id, "task_id": "t", "task_version": 2}),
        });
        let known = HashSet::from(["a".to_owned()]);
        let rows = kept_in_state(&[kept, other], &known);
        let row = json!({"event_id": "a", "entity_id": "t", "version": 2});
        let table = "state".to_owned();
        assert_eq!(rows, [EffectRow { table, row }]);
    }

    #[test]
    fn what_the_requests_changed_is_asked_for_and_nothing_that_was_refused_or_read() {
        let [task, series, tag, other] = [1, 2, 3, 4].map(Uuid::from_u128);
        let exchange = |call: &str, status, body| Exchange {
            call: call.to_owned(),
            status,
            headers: std::collections::BTreeMap::default(),
            body,
        };
        let body = json!({"id": task, "occurrence": {"series_id": series, "number": 1}});
        let case = CaseRecord {
            name: "a".to_owned(),
            features: Vec::new(),
            events: Vec::new(),
            role: CaseRole::Judged,
            users: Vec::new(),
            surprise: None,
            exchanges: vec![
                exchange("POST /api/tasks", 201, body.clone()),
                exchange(&format!("DELETE /api/tags/{tag}"), 204, Value::Null),
                exchange(&format!("GET /api/tags/{other}"), 200, json!({"id": other})),
                exchange(&format!("PATCH /api/tags/{other}"), 412, Value::Null),
            ],
            rows: None,
        };
        assert_eq!(changed(&case), [task, series, tag]);
    }

    #[test]
    fn what_was_asked_for_goes_as_far_as_answers_show_and_to_one_deletion() {
        let [task, tag] = [1, 2].map(Uuid::from_u128);
        let exchange = |call: String, status, body| Exchange {
            call,
            status,
            headers: BTreeMap::default(),
            body,
        };
        let shown = |id: Uuid, version: u64| json!({"id": id, "version": version, "title": "a"});
        let mut case = CaseRecord {
            name: "a".to_owned(),
            features: Vec::new(),
            events: Vec::new(),
            role: CaseRole::Judged,
            users: Vec::new(),
            surprise: None,
            exchanges: vec![
                exchange("POST /api/tags".to_owned(), 201, shown(tag, 1)),
                exchange("POST /api/tasks".to_owned(), 201, shown(task, 1)),
                exchange(format!("PATCH /api/tasks/{task}"), 200, shown(task, 2)),
                exchange(format!("PATCH /api/tasks/{task}"), 412, Value::Null),
                exchange(format!("GET /api/tasks/{task}"), 200, shown(task, 9)),
                exchange(
                    "POST /api/x".to_owned(),
                    201,
                    json!({"id": Uuid::nil(), "version": 1}),
                ),
                // The series ends, and the task stays as it is.
                exchange(
                    format!("DELETE /api/tasks/{task}/recurring"),
                    204,
                    Value::Null,
                ),
                exchange(
                    format!("DELETE /api/tasks/{task}/tags/{tag}"),
                    200,
                    shown(task, 3),
                ),
            ],
            rows: None,
        };
        let asked = AskedFor::of(&case);
        assert_eq!(asked.shown, BTreeMap::from([(task, 3), (tag, 1)]));
        assert_eq!(asked.deleted, BTreeSet::new());
        let deletion = exchange(format!("DELETE /api/tasks/{task}"), 204, Value::Null);
        // The second is the answer of the first, kept under its key.
        case.exchanges.extend([deletion.clone(), deletion]);
        let asked = AskedFor::of(&case);
        assert_eq!(asked.shown[&task], 3);
        assert_eq!(asked.deleted, BTreeSet::from([task]));
    }
}
