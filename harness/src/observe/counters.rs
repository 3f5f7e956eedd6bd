use super::{ObserveError, ObserveErrorKind};

/// Adds up the series of a counter that have all of the labels, as a process tells them at `url` in the text
/// format of Prometheus. A counter that was never raised is not told, and is 0.
pub async fn counter(url: &str, name: &str, labels: &[(&str, &str)]) -> Result<u64, ObserveError> {
    let read = |source| ObserveError::new(ObserveErrorKind::Read, url, source);
    let client = reqwest::Client::builder().no_proxy().build();
    let answer = client.map_err(read)?.get(url).send().await.map_err(read)?;
    let answer = answer.error_for_status().map_err(read)?;
    let text = answer.text().await.map_err(read)?;
    sum(&text, name, labels).map_err(|line| {
        ObserveError::new(
            ObserveErrorKind::Decode,
            url,
            format!("no number in {line}"),
        )
    })
}

/// The error is the line that has no number.
fn sum(text: &str, name: &str, labels: &[(&str, &str)]) -> Result<u64, String> {
    let mut total = 0;
    for line in text.lines() {
        let Some(series) = line.strip_prefix(name) else {
            continue;
        };
        // A longer name that begins alike is another counter.
        let Some((told, number)) = series
            .strip_prefix('{')
            .and_then(|series| series.rsplit_once("} "))
        else {
            continue;
        };
        let has = |(label, value): &(&str, &str)| {
            told.split(',')
                .any(|pair| pair == format!("{label}=\"{value}\""))
        };
        if labels.iter().all(has) {
            let number: u64 = number.trim().parse().map_err(|_| line.to_owned())?;
            total += number;
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE todo_events_consumed_total counter\n\
        todo_events_consumed_total{topic=\"a.task-events\",outcome=\"done\"} 7\n\
        todo_events_consumed_total{topic=\"a.task-events\",outcome=\"retry\"} 2\n\
        todo_events_consumed_total{topic=\"a.task-events-dlq\",outcome=\"done\"} 1\n\
        todo_events_consumed_total_other{topic=\"a.task-events\"} 5\n\
        broken{topic=\"x\"} many\n";

    #[test]
    fn series_with_all_labels_add_up_and_no_others() {
        let name = "todo_events_consumed_total";
        let topic = ("topic", "a.task-events");
        assert_eq!(sum(TEXT, name, &[topic]), Ok(9));
        assert_eq!(sum(TEXT, name, &[topic, ("outcome", "done")]), Ok(7));
        assert_eq!(sum(TEXT, name, &[("topic", "task-events")]), Ok(0));
        assert_eq!(sum(TEXT, "never_raised", &[]), Ok(0));
    }

    #[test]
    fn planted_line_without_a_number_is_told() {
        let line = sum(TEXT, "broken", &[]).unwrap_err();
        assert_eq!(line, "broken{topic=\"x\"} many");
    }
}
