//! The black-box suite on the lanes of a run: cases are played on all of them side by side, and what they
//! left is read when nothing moves any more.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::try_join_all;
use gauntlet_harness::ledger::{CaseRecord, CaseRole, EffectRow, Exchange, Lane as LaneName};
use gauntlet_harness::observe::UserRowsObserver;
use gauntlet_harness::stack::Lane;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::Run;
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
            record
                .besides_up_to
                .extend(cases.iter().flat_map(asked_for));
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
        for case in &mut self.lane_mut(lane)?.record.cases {
            case.rows = Some(taken(&mut rows, &case.users));
        }
        Ok(())
    }
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

/// How far the case's own requests took what their answers show with its version: to the highest of these, and a
/// step further with each later request that names it and shows none, as a deletion does.
fn asked_for(case: &CaseRecord) -> BTreeMap<Uuid, u64> {
    let mut up_to = BTreeMap::new();
    let is_change = |it: &&Exchange| !it.call.starts_with("GET ") && it.status < 300;
    for exchange in case.exchanges.iter().filter(is_change) {
        // Not a series, which goes on by itself.
        let is_task_or_label = ["title", "name"]
            .iter()
            .any(|it| exchange.body[*it].is_string());
        let shown = exchange.body["id"].as_str().filter(|_| is_task_or_label);
        let shown = shown.and_then(|id| Uuid::try_parse(id).ok());
        if let (Some(id), Some(version)) = (shown, exchange.body["version"].as_u64()) {
            let highest: &mut u64 = up_to.entry(id).or_default();
            *highest = version.max(*highest);
        }
        let path = exchange.call.split('?').next().unwrap_or_default();
        let named = path
            .split('/')
            .filter_map(|part| Uuid::try_parse(part).ok());
        for id in named.filter(|id| Some(*id) != shown) {
            if let Some(highest) = up_to.get_mut(&id) {
                *highest += 1;
            }
        }
    }
    up_to
}

fn taken(rows: &mut HashMap<Uuid, Vec<EffectRow>>, users: &[Uuid]) -> Vec<EffectRow> {
    let of_users = users.iter().filter_map(|user| rows.remove(user));
    of_users.flatten().collect()
}

#[cfg(test)]
mod tests {
    use gauntlet_contract::config::Broker;
    use serde_json::json;

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
    fn what_was_asked_for_goes_as_far_as_answers_show_and_a_step_with_each_that_shows_nothing() {
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
            ],
            rows: None,
        };
        assert_eq!(asked_for(&case), BTreeMap::from([(task, 2), (tag, 1)]));
        let deletion = exchange(format!("DELETE /api/tasks/{task}"), 204, Value::Null);
        case.exchanges.push(deletion);
        assert_eq!(asked_for(&case)[&task], 3);
    }
}
