//! How far a tool call is, told in a few steps however often it reports.

use serde_json::Value;

/// The progress of one call as far as it was told.
#[derive(Debug)]
pub(crate) struct Progress {
    /// After its first report a call with a total is told of in so many steps, another so often.
    steps: u32,
    told: Option<u32>,
}

impl Progress {
    pub(crate) fn new(steps: u32) -> Self {
        Self { steps, told: None }
    }

    /// What is to be told of a report; `None` when it is no step further than what was told.
    ///
    /// The usual report is `{"progress": 3, "total": 10, "message": "…"}`; others are shown as they
    /// are.
    pub(crate) fn told(&mut self, report: &Value) -> Option<String> {
        let (done, total) = (report["progress"].as_f64(), report["total"].as_f64());
        let step = match (done, total) {
            // A cast from a float stays within the bounds of the integer, whatever it is.
            (Some(done), Some(total)) => (done / total * f64::from(self.steps)).floor() as u32,
            _ => self.told.map_or(0, |told| told + 1),
        };
        if self.told.is_some_and(|told| step <= told) || step > self.steps {
            return None;
        }
        self.told = Some(step);
        let message = report["message"].as_str();
        let far = match (done, total) {
            (Some(done), Some(total)) => format!("{done} of {total}"),
            (Some(done), None) => done.to_string(),
            (None, _) if message.is_some() => String::new(),
            (None, _) => report.to_string(),
        };
        Some(match message {
            // Many say it all in their message.
            Some(message) if message.starts_with(&far) => message.to_owned(),
            Some(message) => format!("{far}, {message}"),
            None => far,
        })
    }
}
