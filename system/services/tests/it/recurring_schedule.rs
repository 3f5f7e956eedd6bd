use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use gauntlet_contract::SeriesId;
use gauntlet_contract::recurrence::NextInstance;
use gauntlet_ports::state::{Key, StateOp};
use gauntlet_ports::{PortErrorKind, Secret, StateStore as _};
use gauntlet_services::recurring::{SchedulePass, ScheduleSettings, ScheduleStatus};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::recurring_support::{Failure, FakeApi, Refused, State, TOKEN, WITHIN, cut_short};

const AWAY: Failure = Failure::Lost(PortErrorKind::Unavailable);

fn settings() -> ScheduleSettings {
    ScheduleSettings::default()
}

fn pass(api: &FakeApi, state: &State, settings: ScheduleSettings) -> SchedulePass {
    SchedulePass::new(api.client(), Arc::new(state.clone()), settings).unwrap()
}

fn last_pass() -> Key {
    Key::new("recurring:last_pass").unwrap()
}

struct Running {
    status: ScheduleStatus,
    stop: CancellationToken,
    task: JoinHandle<()>,
    started: Instant,
}

impl Running {
    fn start(api: &FakeApi, state: &State, settings: ScheduleSettings) -> Self {
        let pass = pass(api, state, settings);
        let stop = CancellationToken::new();
        Self {
            status: pass.status(),
            task: tokio::spawn(pass.run(stop.clone())),
            stop,
            started: Instant::now(),
        }
    }

    /// Ends it; panics if that takes any time.
    async fn end(self) {
        let told = Instant::now();
        self.stop.cancel();
        tokio::time::timeout(WITHIN, self.task)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(told.elapsed(), Duration::ZERO);
    }
}

/// What is due, and what was made of it, each in the order of ids.
fn sorted(mut instances: Vec<(SeriesId, u32)>) -> Vec<(SeriesId, u32)> {
    instances.sort_unstable();
    instances
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_more_than_one_list_is_worked_off_in_one_pass() {
    let (api, state) = (FakeApi::default(), State::default());
    let due: Vec<_> = (0..250).map(|_| (api.due(2, 2), 2)).collect();
    let running = Running::start(&api, &state, settings());
    // The list after the last one is that of the second pass.
    api.until(|api| api.lists() == 5).await;
    assert_eq!(sorted(api.created()), sorted(due));
    assert_eq!(api.questions(), 250);
    // Four lists of one pass: 100, 100, 50, and none left.
    assert_eq!(running.started.elapsed(), settings().every);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_series_far_behind_no_occurrence_is_left_out() {
    let (api, state) = (FakeApi::default(), State::default());
    let series_id = api.due(2, 41);
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.created().len() == 40).await;
    let all: Vec<_> = (2..=41).map(|number| (series_id, number)).collect();
    assert_eq!(api.created(), all, "in their order");
    assert_eq!(running.started.elapsed(), Duration::ZERO);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn many_series_that_are_far_behind_hold_up_nobody_elses() {
    let (api, state) = (FakeApi::default(), State::default());
    let behind: Vec<_> = (0..250).map(|_| api.due(2, 401)).collect();
    let newest = api.due(2, 2);
    assert!(behind.iter().all(|id| *id < newest), "it comes last");
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.created().contains(&(newest, 2))).await;
    let created = api.created();
    let mut before = created.iter().take_while(|(id, _)| *id != newest);
    assert!(before.all(|(_, number)| *number == 2), "in the first round");
    assert_eq!(running.started.elapsed(), Duration::ZERO);
    // A pass that is bounded leaves off somewhere in between: they come on together all the same.
    api.until(|api| api.created().len() >= 1_251).await;
    let created = api.created();
    for id in &behind {
        let instances = created.iter().filter(|(of, _)| of == id).count();
        assert!((4..=6).contains(&instances), "{instances} of one series");
    }
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn series_that_fail_hold_up_the_ones_behind_them_for_one_pass() {
    let (api, state) = (FakeApi::default(), State::default());
    let broken = Failure::Refused(StatusCode::INTERNAL_SERVER_ERROR, "/problems/internal");
    for _ in 0..100 {
        let series_id = api.due(2, 2);
        api.fail_at(series_id, broken);
    }
    let sound = api.due(2, 2);
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.created() == [(sound, 2)]).await;
    assert_eq!(running.started.elapsed(), settings().every);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_due_instance_is_asked_for_as_the_api_wants_it() {
    let (api, state) = (FakeApi::default(), State::default());
    let series_id = api.due(7, 7);
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.created().len() == 1).await;
    let calls = api.calls();
    let [list, question, ..] = &calls[..] else {
        panic!("{calls:?}");
    };
    assert_eq!(*list.target.method(), Method::GET);
    assert_eq!(list.target.path(), "internal/series/due?limit=100");
    assert_eq!(list.context.bearer, Secret::new(TOKEN));
    let asked: NextInstance = serde_json::from_slice(&question.body).unwrap();
    assert_eq!((asked.number, asked.settled_at), (7, None));
    let key = format!("{series_id}:7");
    assert_eq!(question.context.idempotency_key, Some(key));
    assert_eq!(question.context.bearer, Secret::new(TOKEN));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_falls_due_later_comes_with_the_next_pass() {
    let (api, state) = (FakeApi::default(), State::default());
    let running = Running::start(&api, &state, settings());
    for round in 1..=3 {
        api.until(|api| api.lists() >= 2 * round - 1).await;
        let created = api.created().len();
        api.due(2, 2);
        api.until(|api| api.created().len() > created).await;
        let passes = u32::try_from(round).unwrap();
        assert_eq!(running.started.elapsed(), settings().every * passes);
    }
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_is_bounded_and_the_next_one_follows_at_once() {
    let (api, state) = (FakeApi::default(), State::default());
    let due: Vec<_> = (0..250).map(|_| (api.due(2, 2), 2)).collect();
    let bounded = ScheduleSettings {
        pass_max: 100,
        ..settings()
    };
    let running = Running::start(&api, &state, bounded);
    api.until(|api| api.created().len() > 100).await;
    let written = state.entries.get(&last_pass()).await.unwrap();
    assert!(written.is_some(), "the first pass has finished");
    api.until(|api| api.created().len() == 250).await;
    assert_eq!(running.started.elapsed(), Duration::ZERO);
    assert_eq!(sorted(api.created()), sorted(due));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_empties_does_not_make_a_pass_endless() {
    let (api, state) = (FakeApi::default(), State::default());
    api.due(2, 2);
    api.idle();
    let running = Running::start(&api, &state, settings());
    // Two a pass: one with the instance, and one with nothing else.
    api.until(|api| api.lists() == 6).await;
    assert_eq!(running.started.elapsed(), settings().every * 2);
    assert_eq!(api.questions(), 3, "once a pass");
    assert_eq!(running.status.check(), Ok(()));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_series_that_the_api_fails_at_holds_back_no_other() {
    let (api, state) = (FakeApi::default(), State::default());
    let series: BTreeSet<_> = (0..250).map(|_| api.due(2, 3)).collect();
    let failing = *series.first().unwrap();
    let broken = StatusCode::INTERNAL_SERVER_ERROR;
    api.fail_at(failing, Failure::Refused(broken, "/problems/internal"));
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.created().len() == 2 * 249).await;
    assert_eq!(running.started.elapsed(), Duration::ZERO);
    let created = api.created();
    assert!(created.iter().all(|(series_id, _)| *series_id != failing));
    // Not everything could be asked for, and whoever looks learns why.
    api.until(|_| running.started.elapsed() > settings().late_after)
        .await;
    let trouble = running.status.check().unwrap_err();
    assert!(trouble.contains("500"), "{trouble}");
    assert_eq!(running.status.last_pass(), None);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_series_that_the_api_refuses_is_passed_over() {
    let (api, state) = (FakeApi::default(), State::default());
    let refused = api.due(2, 2);
    let kind = "/problems/invalid";
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    api.fail_at(refused, Failure::Refused(status, kind));
    let sound = api.due(2, 2);
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.lists() == 10).await;
    assert_eq!(api.created(), [(sound, 2)]);
    assert!(running.status.age() <= settings().every);
    assert_eq!(running.status.check(), Ok(()));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_of_refusals_alone_is_not_followed_by_the_next_at_once() {
    let (api, state) = (FakeApi::default(), State::default());
    let bounded = ScheduleSettings {
        list_max: 2,
        pass_max: 2,
        ..settings()
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    for _ in 0..4 {
        let refused = api.due(2, 2);
        api.fail_at(refused, Failure::Refused(status, "/problems/invalid"));
    }
    let running = Running::start(&api, &state, bounded);
    // Two bounded passes, and one that comes to the end and round again.
    api.until(|api| api.lists() == 4).await;
    assert_eq!(running.started.elapsed(), settings().every * 2);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_api_that_is_away_is_waited_for_and_told_of() {
    let (api, state) = (FakeApi::default(), State::default());
    let series_id = api.due(2, 2);
    api.fail(Some(AWAY));
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.lists() == 6).await;
    assert_eq!(running.status.age(), settings().every * 5);
    assert_eq!(running.status.check(), Ok(()), "one failed pass is nothing");
    api.until(|api| api.lists() == 20).await;
    let trouble = running.status.check().unwrap_err();
    assert!(trouble.contains("95 s"), "{trouble}");
    assert!(trouble.contains("invoker"), "{trouble}");
    let written = state.entries.get(&last_pass()).await.unwrap();
    assert_eq!(written, None, "none has finished");
    api.fail(None);
    let healed = Instant::now();
    api.until(|api| api.lists() == 23).await;
    assert_eq!(api.created(), [(series_id, 2)]);
    assert!(healed.elapsed() <= settings().every * 2);
    assert_eq!(running.status.check(), Ok(()));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_is_the_last_pass_and_no_earlier_one() {
    let (api, state) = (FakeApi::default(), State::default());
    api.fail(Some(AWAY));
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.lists() == 3).await;
    api.fail(None);
    api.until(|api| api.lists() == 5).await;
    api.fail(Some(Failure::Silence));
    api.until(|api| api.lists() == 6).await;
    tokio::time::advance(settings().late_after).await;
    let trouble = running.status.check().unwrap_err();
    assert!(trouble.contains("still under way"), "{trouble}");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_api_that_answers_no_instance_is_left_alone_until_the_next_pass() {
    let (api, state) = (FakeApi::default(), State::default());
    let overloaded = Failure::Refused(StatusCode::SERVICE_UNAVAILABLE, "/problems/unavailable");
    for _ in 0..250 {
        let series_id = api.due(2, 2);
        api.fail_at(series_id, overloaded);
    }
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.questions() == 200).await;
    assert_eq!(api.lists(), 2, "one list a pass and no more");
    assert_eq!(running.started.elapsed(), settings().every);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_finished_pass_is_written_down_in_microseconds() {
    let (api, state) = (FakeApi::default(), State::default());
    let before = Timestamp::now();
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.lists() == 2).await;
    let written = state.entries.get(&last_pass()).await.unwrap().unwrap();
    let micros: i64 = std::str::from_utf8(&written.value)
        .unwrap()
        .parse()
        .unwrap();
    assert!(micros >= before.as_microsecond());
    assert!(micros <= Timestamp::now().as_microsecond());
    let known = running.status.last_pass().unwrap();
    assert_eq!(known.as_microsecond(), micros);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_process_knows_of_the_last_pass_of_another() {
    let (api, state) = (FakeApi::default(), State::default());
    api.fail(Some(AWAY));
    let put = StateOp::put(last_pass(), "1700000000000001");
    state.entries.apply(&[put]).await.unwrap();
    let running = Running::start(&api, &state, settings());
    api.until(|api| api.lists() == 2).await;
    let at = Timestamp::from_microsecond(1_700_000_000_000_001).unwrap();
    assert_eq!(running.status.last_pass(), Some(at));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_needs_no_state_store() {
    for is_garbage in [true, false] {
        let (api, state) = (FakeApi::default(), State::default());
        if is_garbage {
            let put = StateOp::put(last_pass(), "yesterday");
            state.entries.apply(&[put]).await.unwrap();
        } else {
            state.refuse(Refused::All);
        }
        let series_id = api.due(2, 2);
        let running = Running::start(&api, &state, settings());
        api.until(|api| api.lists() == 3).await;
        assert_eq!(api.created(), [(series_id, 2)]);
        assert_eq!(running.status.check(), Ok(()));
        running.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn replicas_that_pass_at_the_same_time_create_each_instance_once() {
    let (api, state) = (FakeApi::default(), State::default());
    let series: Vec<_> = (0..120).map(|_| api.due(2, 4)).collect();
    let one = Running::start(&api, &state, settings());
    let another = Running::start(&api, &state, settings());
    api.until(|api| api.created().len() >= 360).await;
    api.until(|api| api.lists() >= 14).await;
    let all = series
        .iter()
        .flat_map(|id| (2..=4).map(|number| (*id, number)));
    assert_eq!(sorted(api.created()), sorted(all.collect()));
    assert!(api.questions() > 360, "they did not race");
    one.end().await;
    another.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_is_cut_short_anywhere_is_finished_by_the_next() {
    for polls in 0.. {
        let (api, state) = (FakeApi::default(), State::default());
        let series: Vec<_> = (0..20).map(|_| api.due(2, 3)).collect();
        let never = CancellationToken::new();
        let run = pass(&api, &state, settings()).run(never);
        assert!(cut_short(run, polls).await.is_none());
        let written = state.entries.get(&last_pass()).await.unwrap();
        let was_finished = written.is_some();
        let expected = series
            .iter()
            .flat_map(|id| (2..=3).map(|number| (*id, number)));
        let expected = sorted(expected.collect());
        if was_finished {
            assert_eq!(sorted(api.created()), expected, "cut short at poll {polls}");
            assert!(polls > 20, "there were only {polls} points");
            break;
        }
        let running = Running::start(&api, &state, settings());
        api.until(|api| api.created().len() >= 40).await;
        running.end().await;
        assert_eq!(sorted(api.created()), expected, "cut short at poll {polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_at_once_whatever_it_is_waiting_for() {
    let (api, state) = (FakeApi::default(), State::default());
    let between_passes = Running::start(&api, &state, settings());
    api.until(|api| api.lists() == 2).await;
    between_passes.end().await;

    api.fail(Some(Failure::Silence));
    let lists = api.lists();
    let at_a_list = Running::start(&api, &state, settings());
    api.until(|api| api.lists() > lists).await;
    at_a_list.end().await;

    api.fail(None);
    let series_id = api.due(2, 2);
    api.fail_at(series_id, Failure::Silence);
    let questions = api.questions();
    let at_a_question = Running::start(&api, &state, settings());
    api.until(|api| api.questions() > questions).await;
    at_a_question.end().await;
}
