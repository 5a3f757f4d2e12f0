//! Whatever is sent comes back equal: commands, replies, errors, subscriptions, notices.

use polychat_core::{
    AgentConfig, Command, EndReason, Metadata, Notice, Scope, StartAt, command::ChatChange,
};
use polychat_testkit::{
    arbitrary,
    samples::{agent_name, chat_id, world_id},
};
use polychat_transport::{
    RejectedCommand,
    guard::Expected,
    wire::{
        EventEncoder, WireLimits, decode_command, decode_error, decode_notice, decode_reply,
        decode_subscribe, encode_command, encode_error, encode_notice, encode_reply,
        encode_subscribe,
    },
};
use proptest::prelude::*;

fn limits() -> WireLimits {
    WireLimits::default()
}

proptest! {
    #[test]
    fn a_command_comes_back_equal(command in arbitrary::calls::command()) {
        let bytes = encode_command(command.clone()).unwrap();
        prop_assert_eq!(decode_command(&bytes, &limits()), Ok(command));
    }

    #[test]
    fn a_reply_comes_back_equal((command, reply) in arbitrary::calls::reply()) {
        let bytes = encode_reply(reply.clone()).unwrap();
        prop_assert_eq!(decode_reply(&bytes, &Expected::of(&command), &limits()), Ok(reply));
    }

    #[test]
    fn a_refusal_or_fault_comes_back_equal(error in arbitrary::error()) {
        prop_assert_eq!(decode_error(&encode_error(&error), &limits()), Ok(error));
    }

    #[test]
    fn a_subscription_comes_back_equal(
        chat in arbitrary::chat_id(),
        cursor in arbitrary::cursor(),
    ) {
        let asked = (Scope::Chat(chat), StartAt::After(cursor));
        let bytes = encode_subscribe(asked.0.clone(), asked.1.clone()).unwrap();
        prop_assert_eq!(decode_subscribe(&bytes, &limits()), Ok(asked));
    }

    #[test]
    fn a_notice_comes_back_equal(
        (chat, notice) in arbitrary::chat_id()
            .prop_flat_map(|chat| (Just(chat.clone()), arbitrary::notice(chat)))
    ) {
        let (world, scope) = (world_id("w"), Scope::Chat(chat));
        let bytes = encode_notice(&world, &scope, &notice, &EventEncoder::new()).unwrap();
        prop_assert_eq!(decode_notice(&bytes, &world, &scope, &limits()), Ok(notice));
    }
}

#[test]
fn removing_all_metadata_is_not_the_same_as_leaving_it() {
    for change in [ChatChange::default(), ChatChange::default().metadata(Metadata::NONE)] {
        let command = Command::UpdateChat { chat: chat_id("a"), change };
        let bytes = encode_command(command.clone()).unwrap();
        assert_eq!(decode_command(&bytes, &limits()), Ok(command));
    }
}

#[test]
fn a_temperature_that_json_cannot_hold_is_refused_instead_of_lost() {
    let model = polychat_core::ModelName::new("demo").unwrap();
    let mut agent = AgentConfig::new(agent_name("guide"), model);
    for (temperature, fits) in [(0.1 + 0.2, true), (f64::NAN, false), (f64::INFINITY, false)] {
        agent.params.temperature = Some(temperature);
        let command = Command::PutAgent { agent: agent.clone() };
        match encode_command(command.clone()) {
            Ok(bytes) => {
                assert!(fits, "{temperature}");
                assert_eq!(decode_command(&bytes, &limits()), Ok(command));
            }
            Err(rejected) => {
                assert!(!fits, "{temperature}");
                assert!(matches!(rejected, RejectedCommand::InvalidField { .. }));
            }
        }
    }
}

#[test]
fn a_newer_worlds_additions_do_not_stop_an_older_reader() {
    let text = r#"{"worldId":"w","cursor":"5-0-0-0","new":1,"event":{"chatId":"a","type":"ended","reason":"deleted","new":2}}"#;
    let scope = Scope::Chat(chat_id("a"));
    assert_eq!(
        decode_notice(text.as_bytes(), &world_id("w"), &scope, &limits()),
        Ok(Notice::Ended(EndReason::Deleted))
    );
    let reply = br#"{"type":"done","new":[]}"#;
    let expected = Expected::of(&Command::CloseChat { chat: chat_id("a") });
    assert_eq!(decode_reply(reply, &expected, &limits()), Ok(polychat_core::Reply::Done));
}

#[test]
fn a_command_without_parameters_may_leave_them_out() {
    for text in [
        r#"{"method":"world/get"}"#,
        r#"{"method":"world/get","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":7,"params":{},"method":"world/get"}"#,
    ] {
        assert_eq!(decode_command(text.as_bytes(), &limits()), Ok(Command::GetWorld), "{text}");
    }
}
