//! Work that a decision begins: model calls, tool calls, titles.

use std::sync::{Arc, atomic::AtomicBool};

use polychat_core::{
    Failure, FailureKind, MessageId, ToolCallId, TurnId,
    ports::ModelRequest,
    rules::{Decision, Effect, TurnInput},
    tool::ToolCall,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Broken, Chat, Phase, work::Job};
use crate::{actor::Mail, call, step, title, toolbox};

impl Chat {
    /// Carries out what a decision begins, and settles the rest.
    pub(super) async fn take_effect(&mut self, decision: Decision) -> Result<(), Broken> {
        let mut remove = false;
        for effect in decision.effects {
            match effect {
                Effect::RemoveLog => remove = true,
                Effect::ProposeTitle => self.propose_title(),
                // What a store that came back was found to hold, or took at last, may have begun
                // while there is no place for it.
                work if self.permit.is_none() => self.running.postponed.push(work),
                work => self.begin(work),
            }
        }
        self.settle_work();
        if remove { self.remove_log().await } else { Ok(()) }
    }

    /// Begins work of the turn, unless it has ended in the meantime.
    pub(super) fn begin(&mut self, work: Effect) {
        match work {
            Effect::CallModel { message, .. } => self.call_model(message),
            Effect::CallTool { turn, id, call } => self.call_tool(turn, id, call),
            Effect::ProposeTitle | Effect::RemoveLog => {}
        }
    }

    fn call_model(&mut self, message: MessageId) {
        let Phase::Ready(ready) = &self.phase else { return };
        let Some(step) = ready.state.step().filter(|step| step.message == message) else { return };
        let environment = &self.environment;
        let Some(model) = environment.models.get(&step.config.model) else {
            let text = format!("no model is registered as {}", step.config.model);
            let failure = Failure::new(FailureKind::NotConfigured, &text);
            return self.myself.mail(Mail::Turn(TurnInput::MessageFailed { message, failure }));
        };
        let mut request = ModelRequest::new(step.messages);
        request.agent = Some(step.config.name.clone());
        request.system = step.config.system.clone();
        request.params = step.config.params.clone();
        let duration_max = environment.limits.turn_duration_max;
        let token = CancellationToken::new();
        let assignment = step::Assignment {
            environment: Arc::clone(environment),
            chat: self.slot.chat.clone(),
            mailbox: self.myself.clone(),
            writer: self.slot.feed.writer(ready.epoch, step.turn, message),
            model,
            request,
            config: step.config,
            chat_context: step.chat_context,
            prompt_context: step.prompt_context,
            turn: step.turn,
            message,
            stop: token.clone(),
            deadline: self.running.clock.deadline(step.turn, duration_max),
            output_bytes_before: step.output_bytes,
            checkpoint_due: Arc::new(AtomicBool::new(false)),
            _permit: self.permit.clone(),
        };
        let span = tracing::info_span!(
            parent: None, "step",
            world_id = %environment.world, chat_id = %self.slot.chat, turn_id = %step.turn,
            message_id = %message,
        );
        let task = environment.tasks.spawn(step::run(assignment).instrument(span));
        let stop = token.drop_guard();
        self.running.model = Some(Job { turn: step.turn, id: message, task, stop });
    }

    fn call_tool(&mut self, turn: TurnId, id: ToolCallId, call: ToolCall) {
        let Phase::Ready(ready) = &self.phase else { return };
        if !ready.state.is_call_running(id) {
            return;
        }
        let environment = &self.environment;
        let tool = match toolbox::tool(&*environment.tools, &call.name) {
            Ok(tool) => tool,
            Err(failure) => {
                return self.myself.mail(Mail::Turn(TurnInput::ToolFailed { call: id, failure }));
            }
        };
        let (chat_context, prompt_context) = ready.state.host_context();
        let duration_max = environment.limits.turn_duration_max;
        let token = CancellationToken::new();
        let assignment = call::Assignment {
            environment: Arc::clone(environment),
            chat: self.slot.chat.clone(),
            mailbox: self.myself.clone(),
            writer: self.slot.feed.tool_writer(ready.epoch, turn, id),
            tool,
            call,
            chat_context,
            prompt_context,
            turn,
            id,
            stop: token.clone(),
            turn_deadline: self.running.clock.deadline(turn, duration_max),
            _permit: self.permit.clone(),
        };
        let span = tracing::info_span!(
            parent: None, "tool",
            world_id = %environment.world, chat_id = %self.slot.chat, turn_id = %turn,
            tool_call_id = %id,
        );
        let task = environment.tasks.spawn(call::run(assignment).instrument(span));
        self.running.tools.push(Job { turn, id, task, stop: token.drop_guard() });
    }

    fn propose_title(&mut self) {
        let Phase::Ready(ready) = &self.phase else { return };
        let Some(request) = ready.state.title_request() else { return };
        let environment = &self.environment;
        // Without its model the turn that has just completed would not have.
        let Some(model) = environment.models.get(&request.config.model) else { return };
        let token = CancellationToken::new();
        let assignment = title::Assignment {
            environment: Arc::clone(environment),
            chat: self.slot.chat.clone(),
            mailbox: self.myself.clone(),
            model,
            request,
            stop: token.clone(),
        };
        let span = tracing::info_span!(
            parent: None, "title", world_id = %environment.world, chat_id = %self.slot.chat,
        );
        environment.tasks.spawn(title::run(assignment).instrument(span));
        self.running.title = Some(token.drop_guard());
    }
}
