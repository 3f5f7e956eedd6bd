use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{Came, EventTraces, LaneView, Ledger, TraceIntake};

/// One trace from the request to the line of the audit trail: the line carries the id of a trace in which the
/// event of each acknowledged operation was published by the api and recorded by audit, both of which lead up
/// to the request without a gap. What a series did because of a request is in that request's trace, too.
///
/// A request that brought a trace of its client goes on with it; one that brought none begins one. No trace
/// holds two requests that have nothing to do with each other. Parents may be spans of sidecars, which then
/// have to be there like all others.
///
/// A lane of which no traces were collected is inconclusive, and so is one whose collector had no room: what
/// is missing may be its doing.
///
/// Does not show: how long anything took, nor what spans say beside their ids, kinds, services and events.
#[derive(Clone, Debug)]
pub struct OneTrace {
    scope: Scope,
    wanted: TracesTested,
}

/// How much there was of what is harder to keep together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TracesTested {
    /// Events of requests that brought a trace.
    pub of_clients: u64,
    /// Events that no operation of the load is known by: what series did.
    pub of_series: u64,
}

impl OneTrace {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
            wanted: TracesTested::default(),
        }
    }

    /// With less of it than this the check is inconclusive.
    #[must_use]
    pub fn tested_by(mut self, wanted: TracesTested) -> Self {
        self.wanted = wanted;
        self
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let traces = EventTraces::of(view);
        if let Err(doubt) = is_whole(view.record().trace_intake) {
            return Evidence::default().expected(traces.expected()).doubt(doubt);
        }
        let mut broken = Collected::new("broken traces");
        let mut tested = TracesTested::default();
        for event in traces.events() {
            tested.of_clients += u64::from(event.client.is_some());
            tested.of_series += u64::from(event.came == Came::InConsequence);
            if let Err(fault) = traces.follow(event) {
                broken.add(|| Violation {
                    subject: format!("event {}", event.event.event_id),
                    what: fault.to_string(),
                    timeline: traces.tell(event),
                });
            }
        }
        Evidence::none_tolerated(broken)
            .examined(traces.events().len() as u64)
            .expected(traces.expected())
            .doubts(tested.lacking(self.wanted))
            .note(format!(
                "{} of requests that brought a trace, {} of series",
                format::count(tested.of_clients),
                format::count(tested.of_series)
            ))
    }
}

/// Says what is wrong with the collector's part of a ledger.
fn is_whole(intake: Option<TraceIntake>) -> Result<(), String> {
    let intake = intake.ok_or("no traces were collected")?;
    if intake.dropped == 0 {
        return Ok(());
    }
    let dropped = format::plural(intake.dropped, "span");
    Err(format!("the collector had no room for {dropped}"))
}

impl TracesTested {
    fn lacking(self, wanted: Self) -> Vec<String> {
        let kinds = [
            (
                "of requests that brought a trace",
                self.of_clients,
                wanted.of_clients,
            ),
            ("of series", self.of_series, wanted.of_series),
        ];
        let lacking = kinds.into_iter().filter(|(_, had, wanted)| had < wanted);
        let told = lacking.map(|(what, had, wanted)| {
            let (had, wanted) = (format::count(had), format::count(wanted));
            format!("{had} events {what}, of {wanted} that were planned")
        });
        told.collect()
    }
}

impl Check for OneTrace {
    fn id(&self) -> &'static str {
        "one-trace"
    }

    fn requirement(&self) -> &'static str {
        "S10"
    }

    fn claim(&self) -> String {
        "one trace leads from the request to the line of the audit trail".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 broken traces"));
        self.scope
            .judge(self, ledger, &bars, "", |view| self.search(view))
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::trace_sample::{
        SPANS_OF_EVENT, begin_by_client, request, span_id, trace, trace_id,
    };
    use crate::ledger::{LaneRecord, RawJson, SpanId, SpanKind, TraceSpan, series_sample};

    fn traced() -> LaneRecord {
        let mut record = healthy(10);
        trace(&mut record);
        record
    }

    /// What the check finds, which has to be one trace.
    #[track_caller]
    fn assert_found(record: LaneRecord, what: &str) {
        let finding = judge(&OneTrace::new(lane()), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1, "{finding:#?}");
        let found = &finding.violations.shown[0];
        assert!(found.what.contains(what), "{found:#?}");
    }

    fn span(record: &mut LaneRecord, position: usize, number: usize) -> &mut TraceSpan {
        &mut record.spans[position * SPANS_OF_EVENT + number]
    }

    #[test]
    fn passes_on_whole_traces_of_clients_and_others_however_often_told() {
        let mut record = traced();
        begin_by_client(&mut record, 4);
        record.spans.reverse();
        record.spans.extend_from_within(..5);
        let finding = judge(&OneTrace::new(Scope::lane(lane()).at_least(10)), record);
        assert_both(&finding, Verdict::Pass);
        assert_eq!((finding.examined, finding.expected), (10, 10));
    }

    #[test]
    fn a_sidecars_span_between_two_of_roles_is_a_part_of_the_way() {
        let mut record = traced();
        let mut sidecars = span(&mut record, 3, 1).clone();
        sidecars.span_id = SpanId::new(0xda).unwrap();
        sidecars.service = "daprd-api".to_owned();
        sidecars.event_id = None;
        span(&mut record, 3, 2).parent = Some(sidecars.span_id);
        assert_found(record.clone(), "span 00000000000000da, which never arrived");
        record.spans.push(sidecars);
        assert_both(&judge(&OneTrace::new(lane()), record), Verdict::Pass);
    }

    #[test]
    fn planted_missing_spans_are_found_and_what_did_arrive_is_told() {
        for (number, what) in [
            (0, "leads from \"publish task-events\" of api to span"),
            (1, "has no producer span of api"),
            (2, "has no consumer span of audit"),
        ] {
            let mut record = traced();
            record.spans.remove(3 * SPANS_OF_EVENT + number);
            assert_found(record.clone(), what);
            let finding = judge(&OneTrace::new(lane()), record);
            let told = &finding.violations.shown[0].timeline;
            assert_eq!(told.len(), SPANS_OF_EVENT - 1, "{told:#?}");
            assert!(told[0].contains(&trace_id(3).to_string()), "{told:#?}");
        }
    }

    #[test]
    fn planted_delivery_in_a_trace_of_its_own_is_found() {
        let mut record = traced();
        let elsewhere = trace_id(77);
        let delivery = span(&mut record, 3, 2);
        delivery.trace_id = elsewhere;
        delivery.parent = None;
        assert_found(record, "has a consumer span in trace");
    }

    #[test]
    fn planted_line_in_another_trace_or_in_none_is_found() {
        for (traceparent, what) in [
            (
                Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
                "stands in the trail",
            ),
            (Some("garbage"), "names no trace"),
            (None, "names no trace"),
        ] {
            let mut record = traced();
            let mut envelope = record.effects[3].envelope.value().unwrap();
            envelope["traceparent"] = traceparent.into();
            record.effects[3].envelope = RawJson::of(&envelope);
            assert_found(record, what);
        }
    }

    #[test]
    fn planted_deliveries_under_nobody_and_under_one_another_are_found() {
        let mut rootless = traced();
        span(&mut rootless, 3, 2).parent = None;
        assert_found(rootless, "leads to two requests");
        let mut circle = traced();
        span(&mut circle, 3, 1).parent = Some(span_id(3, 2));
        span(&mut circle, 3, 2).parent = Some(span_id(3, 1));
        assert_found(circle, "leads in a circle");
        let mut no_request = traced();
        request(&mut no_request, 3).kind = SpanKind::Internal;
        assert_found(no_request, "which is no request to the api");
    }

    #[test]
    fn planted_trace_that_does_not_begin_with_its_client_is_found() {
        let mut ignored = traced();
        begin_by_client(&mut ignored, 3);
        request(&mut ignored, 3).parent = None;
        assert_found(ignored, "not with the client's span");
        let mut renamed = traced();
        begin_by_client(&mut renamed, 3);
        renamed.client_traces[0].context.trace_id = trace_id(77);
        assert_found(renamed, "its client began");
    }

    #[test]
    fn planted_second_request_in_a_trace_is_found() {
        let mut record = traced();
        let mut stranger = request(&mut record, 3).clone();
        stranger.span_id = SpanId::new(0xbad).unwrap();
        record.spans.push(stranger);
        assert_found(record, "nothing to do with it");
    }

    #[test]
    fn planted_change_by_a_request_further_down_is_found_unless_a_series_did_it() {
        let mut record = traced();
        let mut inner = request(&mut record, 3).clone();
        inner.span_id = SpanId::new(0x1111).unwrap();
        inner.parent = Some(span_id(3, 0));
        span(&mut record, 3, 1).parent = Some(inner.span_id);
        record.spans.push(inner);
        assert_found(record.clone(), "another request than the one that began");
        // Nobody asked for it by name, as for the next instance of a series.
        record.operations.remove(3);
        let task_id = record.events[3].task_id;
        record.besides.push(task_id);
        let check = OneTrace::new(lane()).tested_by(TracesTested {
            of_series: 1,
            of_clients: 0,
        });
        assert_both(&judge(&check, record), Verdict::Pass);
    }

    #[test]
    fn what_series_did_is_followed_too() {
        let mut record = series_sample::lane(lane().as_str(), 2, 2);
        trace(&mut record);
        let owing = record.events.iter().filter(|it| it.owes_effects()).count();
        let finding = judge(&OneTrace::new(lane()), record);
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.examined, owing as u64);
    }

    #[test]
    fn without_a_collector_or_without_room_in_it_nothing_is_concluded() {
        let mut none = traced();
        none.trace_intake = None;
        none.spans.clear();
        let mut full = traced();
        full.trace_intake.as_mut().unwrap().dropped = 1;
        full.spans.truncate(3);
        for record in [none, full] {
            let finding = judge(&OneTrace::new(lane()), record);
            assert_both(&finding, Verdict::Inconclusive);
            assert_eq!((finding.examined, finding.expected), (0, 10));
        }
        assert_inconclusive_on_nothing(&OneTrace::new(lane()));
    }

    #[test]
    fn too_little_of_what_is_hard_is_inconclusive() {
        let wanted = TracesTested {
            of_clients: 1,
            of_series: 1,
        };
        let finding = judge(&OneTrace::new(lane()).tested_by(wanted), traced());
        assert_both(&finding, Verdict::Inconclusive);
        let note = finding.note.unwrap();
        assert!(note.contains("0 events of series, of 1"), "{note}");
    }

    #[test]
    fn lines_that_are_not_there_are_missed_by_another_check() {
        let mut record = traced();
        record.effects.remove(3);
        let finding = judge(&OneTrace::new(lane()), record);
        assert_both(&finding, Verdict::Inconclusive);
        assert_eq!((finding.examined, finding.expected), (9, 10));
    }
}
