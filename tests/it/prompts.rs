//! Prompts: the four modes, idempotent ids, edit, withdraw, order, cancel, retry.

use polychat::{
    CommandError, Part, PromptId, PromptOutcome, Refusal, TurnId,
    command::{PromptChange, PromptState},
    event::PromptMode,
    ports::{ModelError, ModelErrorKind},
};

use crate::{
    at_both_doors,
    support::{assert_sound, code, field, messages, outcome, said, watch, within},
};

async fn queue(chat: &polychat::Chat) -> Vec<String> {
    let waiting = within(chat.waiting_prompts()).await.unwrap();
    waiting.iter().map(|it| it.parts[0].as_text().unwrap().to_owned()).collect()
}

at_both_doors! {
    /// law 5
    async fn a_queued_prompt_waits_its_turn(house) {
        let chat = house.chat("a").await;
        let (first, call) = house.begin(&chat, "first").await;
        let second = chat.prompt("second").await.unwrap();
        let state = within(chat.prompt_state(second.id())).await.unwrap();
        assert_eq!(state, PromptState::Queued { accepted_seq: second.accepted_seq() });
        house.no_further_call().await;
        call.text("1").finish();
        assert_eq!(outcome(&first).await, PromptOutcome::Completed);
        let call = house.call_for("second").await;
        assert_eq!(said(call.request()), ["user: first", "assistant: 1", "user: second"]);
        call.text("2").finish();
        assert_eq!(within(second.answer()).await.unwrap(), "2");
        assert_sound(&chat).await;
    }

    /// law 5
    async fn a_steering_prompt_joins_the_running_turn_at_its_next_step(house) {
        let chat = house.chat("a").await;
        let (first, call) = house.begin(&chat, "first").await;
        let queued = chat.prompt("queued").await.unwrap();
        let steering = chat.prompt("in French").steer().await.unwrap();
        assert_eq!(queue(&chat).await, ["in French", "queued"]);
        let ask = polychat::tool::ToolCall {
            name: "nowhere".into(),
            arguments: serde_json::json!({}),
            provider_call_id: None,
        };
        call.text("let me look").tool_call(ask).finish();
        let call = house.call_for("in French").await;
        let state = within(chat.prompt_state(steering.id())).await.unwrap();
        assert!(matches!(state, PromptState::Running { .. }), "{state:?}");
        call.text("voilà").finish();
        assert_eq!(outcome(&first).await, PromptOutcome::Completed);
        assert_eq!(outcome(&steering).await, PromptOutcome::Completed, "it shares the outcome");
        assert_eq!(within(steering.answer()).await.unwrap(), "voilà");
        house.call_for("queued").await.finish();
        assert_eq!(outcome(&queued).await, PromptOutcome::Completed);
        assert_sound(&chat).await;
    }

    /// law 5
    async fn a_steering_prompt_without_a_next_step_runs_before_the_queue(house) {
        let chat = house.chat("a").await;
        let (_, call) = house.begin(&chat, "first").await;
        let queued = chat.prompt("queued").await.unwrap();
        let steering = chat.prompt("steers").steer().await.unwrap();
        call.text("done").finish();
        house.call_for("steers").await.finish();
        assert_eq!(outcome(&steering).await, PromptOutcome::Completed);
        house.call_for("queued").await.finish();
        assert_eq!(outcome(&queued).await, PromptOutcome::Completed);
        assert_sound(&chat).await;
    }

    /// law 5
    async fn an_interrupting_prompt_cancels_the_turn_and_leaves_the_queue_in_order_behind(house) {
        let chat = house.chat("a").await;
        let (first, call) = house.begin(&chat, "first").await;
        call.text("half an ans").drained().await;
        chat.prompt("q1").await.unwrap();
        let last = chat.prompt("q2").await.unwrap();
        let interrupting = chat.prompt("stop, rather this").interrupt().await.unwrap();
        within(call.dropped()).await;
        assert_eq!(outcome(&first).await, PromptOutcome::Cancelled);
        assert_eq!(queue(&chat).await, ["q1", "q2"]);
        let call = house.call_for("stop, rather this").await;
        let own = said(call.request());
        assert_eq!(own, ["user: first", "assistant: half an ans", "user: stop, rather this"]);
        call.finish();
        assert_eq!(outcome(&interrupting).await, PromptOutcome::Completed);
        house.call_for("q1").await.finish();
        house.call_for("q2").await.finish();
        assert_eq!(outcome(&last).await, PromptOutcome::Completed);
        assert_sound(&chat).await;
    }

    /// law 5
    async fn a_rejecting_prompt_is_refused_while_busy_and_runs_when_idle(house) {
        let chat = house.chat("a").await;
        let (first, call) = house.begin(&chat, "first").await;
        let refused = chat.prompt("only if idle").reject_if_busy().await.unwrap_err();
        let CommandError::Refused(Refusal::ChatBusy { turn_id, queued }) = &refused else {
            panic!("{refused:?}")
        };
        assert_eq!((turn_id.is_some(), *queued), (true, 0));
        assert!(refused.retryable());
        call.finish();
        outcome(&first).await;
        let prompt = chat.prompt("only if idle").reject_if_busy().await.unwrap();
        house.call_for("only if idle").await.finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    }

    /// law 5, NFR-2
    async fn the_same_id_with_the_same_body_is_answered_alike_and_with_another_is_a_conflict(house) {
        let chat = house.chat("a").await;
        let id = PromptId::new("mine").unwrap();
        let send = |text: &str| chat.prompt(text.to_owned()).id(id.clone()).metadata(field("n", 1));
        let first = send("hello").await.unwrap();
        let again = send("hello").await.unwrap();
        assert_eq!((first.id(), first.accepted_seq()), (again.id(), again.accepted_seq()));
        assert_eq!(code(send("other").await), "conflict");
        assert_eq!(code(chat.prompt("hello").id(id.clone()).await), "conflict", "metadata counts");
        house.call_for("hello").await.text("hi").finish();
        assert_eq!(outcome(&again).await, PromptOutcome::Completed);
        let later = send("hello").interrupt().await.unwrap();
        assert_eq!(later.accepted_seq(), first.accepted_seq());
        assert_eq!(outcome(&later).await, PromptOutcome::Completed);
        house.no_further_call().await;
        assert_eq!(messages(&chat).await, ["user: hello", "assistant: hi"]);
        // Ids belong to their chat.
        let other = house.chat("b").await;
        assert!(other.prompt("another body").id(id).await.is_ok());
    }

    /// law 5
    async fn a_refused_id_is_not_remembered(house) {
        let chat = house.chat("a").await;
        let id = PromptId::new("mine").unwrap();
        let (_, call) = house.begin(&chat, "first").await;
        let refused = chat.prompt("one body").id(id.clone()).reject_if_busy().await;
        assert_eq!(code(refused), "chat_busy");
        assert!(chat.prompt("another body").id(id).await.is_ok());
        call.finish();
        house.call_for("another body").await.finish();
    }

    /// law 5
    async fn waiting_prompts_can_be_edited_moved_and_withdrawn(house) {
        let chat = house.chat("a").await;
        let (_, call) = house.begin(&chat, "first").await;
        let [one, two, three] = [
            chat.prompt("one").await.unwrap(),
            chat.prompt("two").await.unwrap(),
            chat.prompt("three").await.unwrap(),
        ];
        assert_eq!(queue(&chat).await, ["one", "two", "three"]);
        let reword = PromptChange::default().parts(vec![Part::text("TWO")]);
        chat.edit_prompt(two.id(), reword).await.unwrap();
        let to_front = PromptChange::default().mode(PromptMode::Steer);
        chat.edit_prompt(three.id(), to_front).await.unwrap();
        assert_eq!(queue(&chat).await, ["three", "one", "TWO"]);
        chat.withdraw_prompt(one.id()).await.unwrap();
        chat.withdraw_prompt(one.id()).await.unwrap();
        assert_eq!(outcome(&one).await, PromptOutcome::Withdrawn);
        assert_eq!(queue(&chat).await, ["three", "TWO"]);
        call.finish();
        house.call_for("three").await.finish();
        house.call_for("TWO").await.text("heard the new words").finish();
        assert_eq!(within(two.answer()).await.unwrap(), "heard the new words");
        assert_eq!(code(chat.withdraw_prompt(two.id()).await), "prompt_not_waiting");
        let nobody = PromptId::new("nobody").unwrap();
        assert_eq!(code(chat.withdraw_prompt(&nobody).await), "unknown_prompt");
        let reword = PromptChange::default().parts(vec![Part::text("late")]);
        assert_eq!(code(chat.edit_prompt(two.id(), reword).await), "prompt_not_waiting");
        assert_sound(&chat).await;
    }

    /// law 5
    async fn changing_a_waiting_prompt_to_interrupt_runs_it_at_once(house) {
        let chat = house.chat("a").await;
        let (first, call) = house.begin(&chat, "first").await;
        chat.prompt("one").await.unwrap();
        let two = chat.prompt("two").await.unwrap();
        let now = PromptChange::default().mode(PromptMode::Interrupt);
        chat.edit_prompt(two.id(), now).await.unwrap();
        within(call.dropped()).await;
        assert_eq!(outcome(&first).await, PromptOutcome::Cancelled);
        house.call_for("two").await.finish();
        assert_eq!(outcome(&two).await, PromptOutcome::Completed);
        house.call_for("one").await.finish();
    }

    /// law 5
    async fn cancel_stops_the_running_turn_keeps_its_text_and_starts_the_next(house) {
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let (first, call) = house.begin(&chat, "first").await;
        let next = chat.prompt("next").await.unwrap();
        call.text("as far as this").drained().await;
        seen.until_text("as far as this").await;
        chat.cancel().await.unwrap();
        within(call.dropped()).await;
        assert!(call.is_cancelled());
        // What the model says after that is nobody's business.
        call.text(" and no further").finish();
        assert_eq!(outcome(&first).await, PromptOutcome::Cancelled);
        house.call_for("next").await.finish();
        assert_eq!(outcome(&next).await, PromptOutcome::Completed);
        assert_eq!(messages(&chat).await[1], "assistant: as far as this");
        seen.drain().await;
        assert_eq!(seen.chunks(), "as far as this");
        assert_sound(&chat).await;
    }

    /// law 5: a late click stops nothing else.
    async fn cancelling_a_named_turn_that_is_over_is_refused_and_touches_nothing(house) {
        let chat = house.chat("a").await;
        assert_eq!(code(chat.cancel().await), "nothing_running");
        let (first, call) = house.begin(&chat, "first").await;
        let turn = within(chat.snapshot()).await.unwrap().status.turn_id.unwrap();
        call.finish();
        outcome(&first).await;
        let (second, call) = house.begin(&chat, "second").await;
        let late = chat.cancel_turn(turn).await.unwrap_err();
        let CommandError::Refused(Refusal::TurnNotRunning { turn_id, running }) = late else {
            panic!("{late:?}")
        };
        assert_eq!(turn_id, turn);
        let running: TurnId = running.unwrap();
        assert!(!call.is_dropped());
        chat.cancel_turn(running).await.unwrap();
        assert_eq!(outcome(&second).await, PromptOutcome::Cancelled);
        assert_eq!(code(chat.cancel_turn(running).await), "turn_not_running");
    }

    /// law 5
    async fn a_failed_turn_can_be_retried_with_the_same_words(house) {
        let chat = house.chat("a").await;
        house.turn(&chat, "before", "kept").await;
        let (failed, call) = house.begin(&chat, "hello").await;
        call.text("I am").fail(ModelError::new(ModelErrorKind::Unavailable, "gone"));
        assert_eq!(outcome(&failed).await.as_str(), "failed");
        assert_eq!(messages(&chat).await[3], "assistant: I am");
        let state = within(chat.prompt_state(failed.id())).await.unwrap();
        let PromptState::Ended { turn_id: Some(turn), .. } = state else { panic!("{state:?}") };
        let again = chat.retry(turn).await.unwrap();
        let call = house.call_for("hello").await;
        assert_eq!(said(call.request()), ["user: before", "assistant: kept", "user: hello"]);
        call.text("I am here").finish();
        assert_eq!(outcome(&again).await, PromptOutcome::Completed);
        assert_eq!(
            messages(&chat).await,
            ["user: before", "assistant: kept", "user: hello", "assistant: I am here"]
        );
        assert_eq!(outcome(&failed).await.as_str(), "failed", "its outcome stays");
        assert_eq!(code(chat.retry(turn).await), "unknown_turn");
        assert_sound(&chat).await;
    }

    /// law 5
    async fn an_empty_prompt_is_refused(house) {
        let chat = house.chat("a").await;
        assert_eq!(code(chat.prompt("").await), "invalid_input");
        assert_eq!(code(chat.prompt_parts(Vec::new()).await), "invalid_input");
        let unknown = polychat::AgentName::new("nobody").unwrap();
        assert_eq!(code(chat.prompt("hello").agent(unknown).await), "unknown_agent");
    }
}
