//! Which model answers, and with which tools.

use std::{error::Error, sync::Arc, time::Duration};

use polychat::{DemoModel, GenAiModel, Limits, Secret, SqliteStore, WorldBuilder, tools::mcp::Mcp};

use crate::{
    args::{Args, RealModel},
    kept, toolbox,
};

/// A world that answers through the model that the command line asks for, its chats in the file.
pub(crate) fn world(
    args: &Args,
    servers: Mcp,
    file: Option<Arc<SqliteStore>>,
) -> Result<WorldBuilder, Box<dyn Error>> {
    let builder = match &args.real {
        None => WorldBuilder::new(kept::WORLD, DemoModel::new().pace(args.pace)),
        Some(real) => WorldBuilder::new(kept::WORLD, build(real)?),
    };
    let builder = file.into_iter().fold(builder, WorldBuilder::keep_in);
    let mut limits = Limits::default();
    // Whoever pressed Ctrl-C does not like to wait.
    limits.shutdown_turn_duration = Duration::from_secs(2);
    Ok(builder.limits(limits).tools(Arc::new(toolbox::toolbox(args, servers)?)))
}

fn build(real: &RealModel) -> Result<GenAiModel, Box<dyn Error>> {
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
