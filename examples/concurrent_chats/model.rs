//! Which model answers.

use std::time::Duration;

use polychat::{DemoModel, Limits, WorldBuilder};
// An embedder finds these in `polychat` itself, with its feature `genai`. An example cannot switch
// a feature on, so this one takes them from where they live.
use polychat_model::{GenAiModel, Secret};

use crate::args::{Args, RealModel};

/// A world that answers through the model that the command line asks for.
pub(crate) fn world(args: &Args) -> Result<WorldBuilder, Box<dyn std::error::Error>> {
    let builder = match &args.real {
        None => WorldBuilder::new("terminal", DemoModel::new().pace(args.pace)),
        Some(real) => WorldBuilder::new("terminal", build(real)?),
    };
    let mut limits = Limits::default();
    // Whoever pressed Ctrl-C does not like to wait.
    limits.shutdown_turn_duration = Duration::from_secs(2);
    Ok(builder.limits(limits))
}

fn build(real: &RealModel) -> Result<GenAiModel, Box<dyn std::error::Error>> {
    let mut builder = GenAiModel::builder(&real.name);
    if let Some(provider) = &real.provider {
        builder = builder.provider(provider);
    }
    if let Some(url) = &real.base_url {
        builder = builder.base_url(url);
    }
    if let Some(variable) = &real.key_env {
        builder = builder.key(Secret::from_env(variable)?);
    }
    Ok(builder.build()?)
}
