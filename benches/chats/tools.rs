//! What tools cost: a turn of three steps and four tool calls, in many chats at once, beside the
//! same model calls without tools, and beside a floor that does the same by hand.
//!
//! With tools: one prompt; the model is called three times, says [`CHUNKS`] chunks each time, and
//! asks for two calls at the end of the first and of the second. Without: three prompts, sent at
//! once, each answered by one such model call; so it has two prompts and two turns more, which are
//! not taken off. The tool lets others run once and answers a few words; its arguments are checked
//! against its schema. What one more call costs is taken from turns of sixteen calls.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use polychat::{
    Event, Notice, StartAt, WorldBuilder,
    event::FinishReason,
    ports::{Model, ModelDelta, ModelRequest, ModelStream},
    tool::ToolCall,
    tools::{self, schemars, schemars::JsonSchema},
};
use serde::Deserialize;
use tokio::task::JoinSet;

use crate::{
    floor,
    measure::{cpu_nanos, median, one_thread},
    source::{Source, end},
    turns::open,
};

const CHATS: usize = 1_000;
const ROUNDS: usize = 5;
/// Model calls per chat.
pub(crate) const STEPS: usize = 3;
/// What the model says in each.
pub(crate) const CHUNKS: usize = 16;

/// Tool calls that the model asks for in each step but the last; 0 has no tools at all.
#[derive(Clone, Copy)]
pub(crate) struct CallsPerStep(pub(crate) usize);

impl CallsPerStep {
    /// What the issue asks for.
    const FOUR: Self = Self(2);
    const SIXTEEN: Self = Self(8);
    const NONE: Self = Self(0);

    fn in_all(self) -> f64 {
        (self.0 * (STEPS - 1)) as f64
    }
}

pub(crate) fn run() {
    println!("## tools: {STEPS} model calls of {CHUNKS} chunks per chat, {CHATS} chats at once,");
    println!("## one reader each, one thread; CPU per chat");
    let sides = [CallsPerStep::FOUR, CallsPerStep::NONE, CallsPerStep::SIXTEEN];
    let mut worlds: [Vec<Cost>; 3] = Default::default();
    let mut floors: [Vec<Cost>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (side, calls) in sides.into_iter().enumerate() {
            worlds[side].push(measured(one_world(calls)));
            floors[side].push(measured(one_floor(calls)));
        }
    }
    let [four, none, sixteen] = &worlds;
    let [floor_four, floor_none, floor_sixteen] = &floors;
    println!("| world | floor | ratio | wall of all chats: world, floor");
    print_row("1 turn, 4 tool calls", four, floor_four);
    print_row("3 turns without tools", none, floor_none);
    print_row("1 turn, 16 tool calls", sixteen, floor_sixteen);
    let ratio = paired(four, none, |with, without| with.cpu / without.cpu);
    let wall = paired(four, none, |with, without| with.wall / without.wall);
    println!("4 tool calls against none: CPU | {ratio:.2}×");
    println!("4 tool calls against none: wall | {wall:.2}×");
    let more = CallsPerStep::SIXTEEN.in_all() - CallsPerStep::FOUR.in_all();
    let each = |many: &[Cost], few: &[Cost]| paired(many, few, |m, f| (m.cpu - f.cpu) / more);
    let (world, floor) = (each(sixteen, four), each(floor_sixteen, floor_four));
    println!("each further tool call | {world:.1} µs | {floor:.1} µs");
}

/// What a round took: CPU in microseconds per chat, wall in milliseconds for all of them.
struct Cost {
    cpu: f64,
    wall: f64,
}

fn measured((cpu_nanos, wall): (f64, Duration)) -> Cost {
    Cost { cpu: cpu_nanos / CHATS as f64 / 1e3, wall: wall.as_secs_f64() * 1e3 }
}

/// The median of what two sides of the same round give together.
fn paired(one: &[Cost], other: &[Cost], value: impl Fn(&Cost, &Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = one.iter().zip(other).map(|(a, b)| value(a, b)).collect();
    median(&mut values)
}

fn print_row(name: &str, world: &[Cost], floor: &[Cost]) {
    let cpu = |side: &[Cost]| paired(side, side, |cost, _| cost.cpu);
    let wall = |side: &[Cost]| paired(side, side, |cost, _| cost.wall);
    println!(
        "{name} | {:.1} µs | {:.1} µs | {:.2}× | {:.0} ms, {:.0} ms",
        cpu(world),
        cpu(floor),
        paired(world, floor, |world, floor| world.cpu / floor.cpu),
        wall(world),
        wall(floor),
    );
}

fn one_floor(calls: CallsPerStep) -> (f64, Duration) {
    one_thread().block_on(async {
        let (began, at) = (cpu_nanos(), Instant::now());
        assert!(floor::turns_with_tools(CHATS, calls).await > CHATS * CHUNKS * STEPS);
        (cpu_nanos() - began, at.elapsed())
    })
}

fn one_world(calls: CallsPerStep) -> (f64, Duration) {
    one_thread().block_on(async {
        let mut builder = WorldBuilder::new("bench", Asking(calls));
        if calls.0 > 0 {
            builder = builder.tool(tools::tool("look", "looks up a place", look).reads_only());
        }
        let world = builder.open().await.unwrap();
        let handles = open(&world, CHATS).await;
        let turns = if calls.0 > 0 { 1 } else { STEPS };

        let (began, at) = (cpu_nanos(), Instant::now());
        let mut readers = JoinSet::new();
        for chat in &handles {
            readers.spawn(read(chat.subscribe(StartAt::Now).await.unwrap(), turns));
        }
        for chat in &handles {
            for _ in 0..turns {
                chat.prompt("go").await.unwrap();
            }
        }
        let seen: Vec<Seen> = readers.join_all().await;
        let used = (cpu_nanos() - began, at.elapsed());
        // A bench of something that did not happen would be fast.
        let answered = (calls.in_all(), STEPS);
        assert!(seen.iter().all(|seen| (seen.calls as f64, seen.messages) == answered));
        drop(handles);
        end(world).await;
        used
    })
}

/// What a reader saw end well.
#[derive(Default)]
struct Seen {
    messages: usize,
    calls: usize,
}

async fn read(mut notices: polychat::ports::NoticeStream, turns: usize) -> Seen {
    let (mut seen, mut ended) = (Seen::default(), 0);
    while ended < turns
        && let Some(notice) = notices.next().await
    {
        let Notice::Recorded { event, .. } = notice else { continue };
        match event.event {
            Event::MessageEnd { .. } => seen.messages += 1,
            Event::ToolResult { .. } => seen.calls += 1,
            Event::TurnEnded { .. } => ended += 1,
            _ => {}
        }
    }
    seen
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Look {
    /// Which place.
    place: u32,
}

async fn look(Look { place }: Look) -> String {
    look_at(place).await
}

/// What the tool does; the floor does the same.
pub(crate) async fn look_at(place: u32) -> String {
    tokio::task::yield_now().await;
    format!("place {place} is open")
}

/// Asks for tools until its last step.
struct Asking(CallsPerStep);

impl Model for Asking {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let after_user = request.messages.iter().rev().take_while(|message| !message.is_user());
        let step = after_user.filter(|message| message.is_assistant()).count();
        let calls = if step + 1 < STEPS { self.0.0 } else { 0 };
        let words = Source::new(CHUNKS).map(ModelDelta::Text);
        let asked = (0..calls).map(|place| {
            let arguments = serde_json::json!({ "place": place });
            ModelDelta::ToolCall(ToolCall {
                name: "look".into(),
                arguments,
                provider_call_id: None,
            })
        });
        let finish = (calls > 0).then_some(ModelDelta::Finish(FinishReason::ToolCalls));
        Box::pin(words.chain(stream::iter(asked.chain(finish))).map(Ok))
    }
}
