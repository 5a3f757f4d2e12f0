//! What can be wrong with a store, and which check of the suite says so.

macro_rules! wrongs {
    ($($(#[$doc:meta])* $name:ident => $check:ident,)*) => {
        /// One promise of a store, broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Wrong {
            /// The store is right.
            Nothing,
            $($(#[$doc])* $name,)*
        }

        impl Wrong {
            /// Everything that can be wrong; [`Wrong::Nothing`] is not among them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The check of the suite that must fail with this store; others may fail as well.
            #[must_use]
            pub fn caught_by(self) -> Option<&'static str> {
                match self {
                    Self::Nothing => None,
                    $(Self::$name => Some(stringify!($check)),)*
                }
            }
        }
    };
}

wrongs! {
    /// Gives back an event without what was attached to it.
    LosesMetadata => every_event_comes_back_as_it_was_stored,
    /// Forgets the last entry when the log is opened again.
    LosesAcknowledged => acknowledged_entries_survive_opening_again,
    /// Stores entries whose seqs do not follow the head.
    AcceptsGaps => entries_that_do_not_follow_the_head_are_refused,
    /// Takes any `expected`, and so stores the same seq twice.
    ReusesSeqs => an_append_with_a_wrong_head_is_refused,
    /// Checks entries one by one, and keeps those before the one that it refuses.
    KeepsHalfOfARefusedBatch => a_refused_batch_leaves_nothing,
    /// Lets a reader see the first entries of a batch before the others.
    ShowsHalfABatch => a_reader_sees_a_whole_batch_or_none_of_it,
    /// Leaves the first entries of a batch when the append is dropped half-way.
    KeepsHalfOfADroppedBatch => an_append_that_is_dropped_is_stored_whole_or_not_at_all,
    /// Checks the head, lets others run, and appends without looking again.
    ChecksHeadTooEarly => one_head_admits_one_append,
    /// Stores a record of one chat in the log of another.
    AcceptsForeignEntries => an_entry_of_another_log_is_refused,
    /// Stores any summary, also that of another chat.
    AcceptsForeignSummaries => a_summary_of_another_chat_is_refused,

    /// Leaves out an entry where a page begins.
    SkipsAtPages => pages_of_a_log_join_without_gap,
    /// Gives fewer entries than there are and than were asked for.
    ReadsShort => a_read_gives_as_much_as_was_asked_for_and_is_there,
    /// Gives all entries, whatever the limit.
    IgnoresReadLimit => a_read_gives_no_more_than_was_asked_for,
    /// Says that a log is not found when it is read beyond its head.
    FailsBeyondHead => a_read_beyond_the_head_is_empty,

    /// Gives every opener the same epoch.
    ReusesEpochs => each_opening_has_a_larger_epoch,
    /// Does not look at the fence of an append.
    AcceptsStaleFences => an_older_opener_cannot_append,
    /// Does not look at the fence of the append that makes a log exist.
    AcceptsStaleCreators => an_older_creator_cannot_append,
    /// Looks at the fence, lets others run, and appends without looking again.
    ChecksFenceTooEarly => an_append_under_way_is_settled_by_the_next_opening,
    /// Answers the head before the last one.
    AnswersOldHead => opening_answers_the_head,
    /// Fences all logs of a world when one of them is opened.
    FencesNeighbours => opening_one_log_fences_no_other,

    /// Makes a log exist as soon as it is opened for creation.
    CreatesAtOpen => a_log_exists_from_its_first_append_on,
    /// Creates a log that exists.
    CreatesTwice => a_log_that_exists_cannot_be_created,
    /// Makes a log of one that does not exist.
    OpensWhatIsMissing => a_missing_log_is_not_found,

    /// Says that it deleted, and did not.
    LosesDelete => a_deleted_log_leaves_a_tombstone,
    /// Deletes without a trace, so that the id can be used again.
    ForgetsTombstones => a_deleted_log_leaves_a_tombstone,
    /// Takes appends after the deletion.
    AppendsToDeleted => a_deleted_log_takes_no_append,
    /// Keeps a deleted chat in lists.
    ListsDeleted => a_deleted_chat_is_in_no_list,
    /// Does not let the same deletion be repeated.
    RefusesSecondDelete => deleting_again_is_no_error,
    /// Does not look at the fence of a deletion.
    DeletesForOlderOpeners => an_older_opener_cannot_delete,
    /// Deletes the chats of that id in all worlds.
    DeletesInAllWorlds => deleting_one_log_leaves_the_others,

    /// Keeps the first summary of a chat.
    KeepsOldSummaries => a_summary_is_that_of_the_last_append,
    /// Stores the summary before it refuses the append.
    KeepsSummaryOfRefused => a_refused_append_leaves_the_summary,
    /// Lists chats in the order of their creation.
    ListsUnordered => a_list_is_in_the_byte_order_of_ids,
    /// Begins a page with the chat after which it should begin.
    RepeatsAtPages => pages_of_a_list_join_without_gap_or_repeat,
    /// Lists all chats, whatever the limit.
    IgnoresListLimit => a_list_gives_no_more_than_was_asked_for,
    /// Lists the chats of all worlds.
    ListsAllWorlds => a_list_shows_the_chats_of_one_world,
    /// Lists a world's own log as if it were a chat.
    ListsWorldLogs => a_world_s_own_log_is_in_no_list,

    /// Lists a world as soon as its log is opened.
    ListsUnbornWorlds => a_world_is_listed_from_its_first_entry_on,
    /// Lists every world in which there is a chat.
    ListsWorldsOfChats => a_world_is_listed_from_its_first_entry_on,
    /// Keeps a world in the list when its log is deleted.
    ListsDeletedWorlds => a_world_whose_log_is_deleted_is_in_no_list,
    /// Lists a world once for each chat in it, too.
    RepeatsWorlds => each_world_is_listed_once_in_the_byte_order_of_ids,
    /// Lists worlds in the order of their creation.
    ListsWorldsUnordered => each_world_is_listed_once_in_the_byte_order_of_ids,
    /// Begins a page with the world after which it should begin.
    RepeatsWorldsAtPages => pages_of_worlds_join_without_gap_or_repeat,
    /// Lists all worlds, whatever the limit.
    IgnoresWorldsLimit => a_page_of_worlds_is_no_longer_than_was_asked_for,

    /// Names logs by their chat alone.
    ForgetsWorldInKeys => chats_with_the_same_id_in_two_worlds_are_two,
    /// Keeps a world's log where a chat of that id has its own.
    MixesWorldAndChat => the_log_of_a_world_is_not_that_of_a_chat,
    /// Refuses every append after one was refused, whichever log it was for.
    FailsTogether => a_refused_append_leaves_other_logs_alone,
    /// Appends to one log at a time, and holds the others up meanwhile.
    WaitsForNeighbours => an_append_that_is_held_up_holds_no_other_log_up,
    /// Confuses two logs when both are written at once.
    MixesUnderLoad => many_logs_at_once_stay_apart,
}
