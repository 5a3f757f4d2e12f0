//! The calls that one connection carries, by their ids.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    task::{Context, Poll},
};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    call::{Ear, End},
    line::{Begun, Line, Next},
};
use crate::{
    error::{claim, why},
    ipc::{
        protocol::{
            host::{CallId, WireDelta},
            method,
        },
        rpc::members,
    },
    wire::values,
};

/// Calls that were written and have not ended. Only the connection's own task touches it.
pub(in crate::ipc) struct Calls {
    line: Arc<Line>,
    /// Values in a piece of JSON that a host says.
    values_max: usize,
    running: HashMap<u64, (CallId, Ear)>,
    /// Calls that ended on this side first, and that the host has not answered yet. It cannot know
    /// of the end of each, so what it still says of them is no mistake.
    unanswered: BTreeSet<u64>,
    /// Those of them that it is to be told of.
    to_cancel: VecDeque<u64>,
}

/// What goes to the host next.
pub(in crate::ipc) enum ToHost {
    Request { number: u64, method: &'static str, params: Box<RawValue> },
    Cancel { number: u64 },
}

/// Why what a host said has no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ipc) enum Misplaced {
    /// No call of this id has begun here, or it has been answered. The id is cut.
    Unknown { call_id: String },
    /// The call was given up; the host may not know that yet.
    GivenUp { call_id: String },
    /// It cannot be read; if it named a call, that has ended now.
    Malformed { why: String },
}

/// What a host says of a call: one of the three members, by the method.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said<'a> {
    #[serde(borrow)]
    call_id: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    progress: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
}

impl Calls {
    pub(super) fn new(line: Arc<Line>, values_max: usize) -> Self {
        Self {
            line,
            values_max,
            running: HashMap::new(),
            unanswered: BTreeSet::new(),
            to_cancel: VecDeque::new(),
        }
    }

    /// What goes to the host next; pending while there is nothing.
    pub(in crate::ipc) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<ToHost> {
        if let Some(number) = self.to_cancel.pop_front() {
            return Poll::Ready(ToHost::Cancel { number });
        }
        while let Some(next) = self.line.next(cx.waker()) {
            match next {
                Next::Write(Begun { number, id, method, params, ear }) => {
                    self.running.insert(number, (id, ear));
                    return Poll::Ready(ToHost::Request { number, method, params });
                }
                Next::GiveUp(number) if self.take(number).is_some() => {
                    self.expect_no_answer(number);
                    return Poll::Ready(ToHost::Cancel { number });
                }
                // It ended in the meantime.
                Next::GiveUp(_) => {}
            }
        }
        Poll::Pending
    }

    /// The host answered a request of ours; false if there was none.
    #[must_use]
    pub(in crate::ipc) fn answered(
        &mut self,
        number: u64,
        outcome: Result<&RawValue, &RawValue>,
    ) -> bool {
        let Some(ear) = self.take(number) else { return self.unanswered.remove(&number) };
        let max = self.line.limits.call_bytes_max;
        let json = outcome.map_or_else(RawValue::get, RawValue::get);
        let bytes = json.len();
        if bytes > max {
            ear.end(End::Broken(format!("it answered {bytes} bytes, at most {max} are taken")));
        } else if let Err(why) = self.check_values(json) {
            ear.end(End::Broken(why));
        } else {
            ear.end(match outcome {
                Ok(result) => End::Result(result.to_owned()),
                Err(error) => End::Error(error.to_owned()),
            });
        }
        true
    }

    /// The host answered a request of ours with what cannot be read; false if there was none.
    #[must_use]
    pub(in crate::ipc) fn answered_unread(&mut self, number: u64, why: &str) -> bool {
        let Some(ear) = self.take(number) else { return self.unanswered.remove(&number) };
        ear.end(End::Broken(why.into()));
        true
    }

    /// The host said of a call what cannot be read: with a hole, what it says is not what it said.
    pub(in crate::ipc) fn told_unread(&mut self, method: &str, id: &str, why: &str) {
        if let Ok(number) = self.find(id, method) {
            self.end_broken(number, why.into());
        }
    }

    /// The host said something of a call that runs.
    pub(in crate::ipc) fn told(
        &mut self,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<(), Misplaced> {
        let said: Said<'_> = params
            .ok_or_else(|| "it says nothing".into())
            .and_then(members)
            .map_err(|why| Misplaced::Malformed { why })?;
        let number = self.find(&said.call_id, method)?;
        let heard = match self.running.get(&number) {
            Some((_, Ear::Tool { sink, .. })) if method == method::TOOL_OUTPUT => {
                self.read::<Cow<'_, str>>(said.text, "text").map(|text| sink.output(&text))
            }
            Some((_, Ear::Tool { sink, .. })) => self
                .read::<Value>(said.progress, "progress")
                .map(|progress| sink.progress(progress)),
            Some((_, Ear::Model(inbox))) => {
                self.read::<WireDelta>(said.delta, "delta").and_then(|it| {
                    let delta = it.into_delta().ok_or("a part that is not of type opaque")?;
                    let max = self.line.limits.call_bytes_max;
                    let taken = inbox.push(delta, max);
                    taken.then_some(()).ok_or_else(|| format!("more than {max} bytes of it wait"))
                })
            }
            None => Ok(()),
        };
        heard.map_err(|why| {
            self.end_broken(number, why.clone());
            Misplaced::Malformed { why }
        })
    }

    /// The call of this id, if something of this sort can be said of it.
    fn find(&self, id: &str, method: &str) -> Result<u64, Misplaced> {
        let unknown = || Misplaced::Unknown { call_id: claim(id) };
        let number = id.split('-').next().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(unknown)?;
        let of_model = method == method::MODEL_DELTA;
        match self.running.get(&number) {
            Some((known, ear))
                if known.as_str() == id && matches!(ear, Ear::Model(_)) == of_model =>
            {
                Ok(number)
            }
            None if self.unanswered.contains(&number) && self.line.is_id(id, number) => {
                Err(Misplaced::GivenUp { call_id: claim(id) })
            }
            _ => Err(unknown()),
        }
    }

    /// Ends a call of which the host said what cannot be used.
    fn end_broken(&mut self, number: u64, why: String) {
        if let Some(ear) = self.take(number) {
            self.expect_no_answer(number);
            self.to_cancel.push_back(number);
            ear.end(End::Broken(why));
        }
    }

    fn take(&mut self, number: u64) -> Option<Ear> {
        let (_, ear) = self.running.remove(&number)?;
        self.line.ended();
        Some(ear)
    }

    /// A host that answers nothing is not waited for: the oldest is forgotten.
    fn expect_no_answer(&mut self, number: u64) {
        if self.unanswered.len() >= self.line.limits.calls_max {
            self.unanswered.pop_first();
        }
        self.unanswered.insert(number);
    }

    /// The connection has ended, and with it all its calls.
    pub(in crate::ipc) fn end(&mut self) {
        for begun in self.line.close() {
            begun.ear.end(End::Gone);
        }
        for (_, (_, ear)) in self.running.drain() {
            ear.end(End::Gone);
        }
    }

    /// A member of what a host said.
    fn read<'a, T: Deserialize<'a>>(
        &self,
        raw: Option<&'a RawValue>,
        member: &str,
    ) -> Result<T, String> {
        let json = raw.ok_or_else(|| format!("{member} is missing"))?.get();
        self.check_values(json)?;
        serde_json::from_str(json).map_err(|error| format!("{member}: {}", why(&error)))
    }

    /// A value of two bytes may take ninety once it is read.
    fn check_values(&self, json: &str) -> Result<(), String> {
        let max = self.values_max;
        if values::more_than(max, json.as_bytes()) {
            return Err(format!("it holds more than {max} values"));
        }
        Ok(())
    }
}
