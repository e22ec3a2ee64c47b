//! What tests of Bob share: fixtures, the claims that hold for every store, and the schedules they hold on.
//!
//! An adapter runs all claims with one line:
//!
//! ```text
//! bob_core::storage_claims!(|| async { MyStorage::open_in_a_new_folder().await });
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a fixture that fails is a test that fails")]

pub mod books;
pub mod claims;
pub mod fixture;
pub mod schedule;

/// Makes one test of each claim about storage, and one of arbitrary [`schedule`]s; the closure gives a new, empty store.
#[macro_export]
macro_rules! storage_claims {
    ($new_store:expr) => {
        #[test]
        fn credits_hold_on_any_schedule() {
            $crate::testing::schedule::holds_on_any(48, $new_store);
        }

        $crate::storage_claims!(@ $new_store =>
            account: a_password_is_changed,
            account: an_address_has_one_account,
            account: people_are_found_by_address_and_membership,
            audit: a_page_looks_at_a_bounded_number_of_rows,
            audit: a_read_worth_a_row_is_noted,
            audit: a_turn_that_is_given_up_leaves_a_row,
            audit: a_turns_rows_tell_its_door_and_who_came_through_it,
            audit: an_audit_is_filtered_by_who_what_on_what_and_when,
            audit: an_audit_is_read_from_the_latest_back_in_stable_pages,
            audit: every_deed_leaves_one_row,
            audit: what_changed_nothing_leaves_no_row,
            budget: a_keys_budget_stops_that_key_only,
            budget: a_new_day_is_a_new_budget,
            budget: a_visitors_budget_stops_that_visitor_only,
            budget: an_extension_must_fit_the_budgets,
            budget: the_smaller_of_two_budgets_counts,
            budget: what_was_not_used_of_a_budget_is_given_back,
            claim: a_call_from_before_a_claim_is_not_replayed,
            claim: a_claim_is_audited,
            claim: a_claim_is_bounded,
            claim: a_claim_moves_what_was_said_within_a_day,
            claim: a_claim_that_cannot_be_made_changes_nothing,
            claim: a_claim_that_is_declined_moves_nothing,
            claim: a_claimed_visitor_is_no_more,
            claim: a_name_that_is_taken_is_not_merged_into,
            claim: a_proof_claims_once,
            claim: a_visitors_list_is_their_own_and_pages_without_gaps,
            claim: of_racing_claims_one_wins,
            credit: a_settlement_is_entered_once_with_its_turn,
            credit: a_turn_is_extended_while_its_lease_holds_and_credits_reach,
            credit: a_turn_without_credits_is_open_and_free_and_told_once,
            credit: only_a_turn_with_a_reservation_is_extended,
            credit: the_first_step_within_reach_is_reserved,
            credit: thresholds_are_told_once_and_again_after_a_grant,
            credit: what_a_lost_turn_held_is_given_back_in_full,
            identity: a_change_of_identities_is_made_on_the_version_it_was_meant_for,
            identity: a_proven_person_is_one_visitor,
            identity: changes_of_identities_and_people_who_become_known_are_audited,
            identity: secrets_that_are_added_at_once_all_stand,
            identity: what_a_page_says_of_a_visitor_is_kept_until_it_is_proven,
            identity: what_was_decided_about_identities_is_in_the_snapshot,
            inbox: a_closed_conversation_is_opened_again_by_its_visitor,
            inbox: a_message_of_a_person_is_stored_once,
            inbox: a_person_and_bob_never_speak_in_the_same_epoch,
            inbox: a_visitor_who_waits_is_told_of_once,
            inbox: another_tenants_inbox_is_not_there,
            inbox: lists_are_in_order_and_page_without_gaps,
            inbox: one_of_many_who_take_at_once_gets_it,
            inbox: what_a_person_wrote_reads_back_in_its_place,
            key: keys_that_are_current_are_not_wrapped_anew,
            key: purpose_keys_stay_and_differ_by_purpose,
            knowledge: a_draft_follows_the_version_its_author_knew,
            knowledge: a_release_holds_the_same_when_later_ones_are_published,
            knowledge: a_release_is_published_at_once,
            knowledge: a_removed_item_is_gone,
            knowledge: a_text_expires_at_its_moment_under_a_number_of_its_own,
            knowledge: another_tenants_item_cannot_be_read_or_changed,
            knowledge: approving_publishes_unless_releases_are_gathered,
            knowledge: items_are_listed_from_the_latest_back_as_filters_say,
            knowledge: retiring_takes_a_text_out_of_the_next_release,
            knowledge: staff_texts_are_not_for_the_public,
            knowledge: the_same_import_twice_changes_nothing,
            knowledge: the_way_to_publication_cannot_be_cut_short,
            lease: a_finish_after_the_lease_ran_out_is_superseded,
            lease: a_finish_under_another_owner_is_superseded,
            lease: a_lease_is_renewed_until_it_is_lost,
            lease: a_sweep_gives_up_only_what_ran_out,
            lease: a_turn_whose_node_is_gone_frees_its_conversation,
            ledger: a_change_is_known_by_its_identifier,
            ledger: a_change_that_was_refused_may_be_sent_again,
            ledger: a_correction_takes_no_more_than_is_left,
            ledger: a_ledger_begins_with_what_was_granted,
            ledger: a_ledger_is_read_from_the_latest_back_without_gaps,
            ledger: grants_add_up_to_a_bound,
            ledger: parallel_changes_are_never_taken_for_each_other,
            ledger: parallel_repetitions_of_a_change_are_entered_once,
            ledger: the_ledger_adds_up_at_every_step,
            link: a_link_works_once_and_sets_the_password,
            link: a_young_link_is_spared,
            link: an_invitation_ends_with_its_membership_and_with_the_first_password,
            link: only_the_newest_link_holds_and_for_its_time,
            link: who_is_disabled_gets_no_links,
            login: a_login_ends_once,
            login: a_refresh_token_works_once_and_reuse_ends_the_login,
            login: all_sign_ins_of_an_account_but_one_are_ended,
            login: idle_time_moves_with_use,
login: the_sign_ins_of_an_account_are_listed_realm_by_realm, member: a_disabled_account_is_shut_out_everywhere, member: a_member_is_changed_as_they_were_expected, member: members_are_told_in_pages_and_only_in_their_realm, member: seats_hold_however_many_are_invited_at_once, member: the_last_owner_who_can_sign_in_stays, member: who_is_disabled_or_removed_is_signed_out_there_only, member: who_is_known_joins_with_the_account_they_have,
            outbox: a_repetition_tells_nothing_and_a_delivery_its_message,
            outbox: credits_that_move_by_hand_or_run_out_are_told,
            outbox: each_release_of_knowledge_is_told,
            outbox: each_step_of_a_turn_tells_what_happened,
            outbox: events_are_in_order_and_the_same_when_read_again,
            period: a_new_period_is_told_of_its_thresholds_anew,
            period: a_period_begins_once_however_many_try,
            period: a_period_of_nothing_begins_without_an_entry,
            period: due_periods_are_found_the_longest_ended_first,
            period: what_was_granted_by_hand_does_not_expire,
            period: what_was_included_and_not_used_expires_except_what_turns_hold,
            persona: a_persona_is_written_in_versions_of_which_one_is_published,
            persona: a_publication_changes_who_speaks_and_is_told,
            persona: another_tenants_persona_is_not_there,
            persona: parallel_writers_get_versions_of_their_own,
            persona: personas_are_bounded,
            persona: the_default_persona_stays_and_is_published,
            persona: whoever_knows_an_older_version_changes_nothing,
            pricebook: a_pricebook_is_founded_once_and_holds_from_its_moment_on,
            pricebook: nodes_that_start_at_once_agree_on_a_pricebook,
signing_key: a_key_gives_way_to_the_next_one, signing_key: a_number_of_a_key_is_given_once, signing_key: keys_are_replaced_all_at_once, signing_key: keys_that_are_over_are_forgotten, signing_key: nodes_that_make_a_key_at_once_make_one, tenant: a_business_is_changed_as_it_was_read, tenant: a_deleted_tenant_leaves_nothing_and_takes_nothing_from_others, tenant: a_host_moves_when_it_is_given_up,
            tenant: a_slug_and_a_host_belong_to_one_tenant,
            tenant: a_snapshot_shows_each_change_under_a_new_version,
            tenant: closed_doors_are_seen_by_all_and_recorded_once,
            tenant: ended_keys_leave_the_index_of_origins,
            tenant: first_steps_are_what_happened,
            tenant: onboarding_is_all_or_nothing,
            tenant: only_a_deletion_whose_moment_has_come_is_carried_out,
            tenant: tenants_are_listed_in_pages,
            tenant: origins_that_are_added_at_once_all_stand,
            turn: a_conversation_belongs_to_its_door_visitor_and_session,
            turn: a_conversation_is_invisible_to_every_other_tenant,
            turn: a_first_call_that_is_taken_up_again_keeps_its_visitor,
            turn: a_key_counts_in_its_scope_only,
            turn: a_key_with_another_body_is_a_mistake,
            turn: a_long_conversation_is_seen_from_its_end,
            turn: a_persons_conversation_is_delivered_and_free,
            turn: a_question_that_a_person_took_over_is_delivered_once,
            turn: a_question_that_is_taken_up_again_stands_once,
            turn: a_repeated_call_is_answered_from_storage,
            turn: a_repeated_finish_settles_nothing_again,
            turn: a_running_call_is_named_to_its_repetition,
            turn: a_secret_session_continues_without_proof_and_names_nobody,
            turn: a_stranger_finds_no_turn,
            turn: an_answer_reads_back_as_it_was_stored,
            turn: asking_for_a_person_is_noted_until_one_takes_over,
            turn: credits_are_reserved_before_and_settled_after,
            turn: history_is_in_order_and_pages_without_gaps,
            turn: keys_are_forgotten_after_a_day,
            turn: one_turn_is_open_in_a_conversation,
            turn: parallel_duplicates_open_one_turn,
            turn: parallel_turns_never_reserve_more_than_there_is,
            turn: the_machine_is_disclosed_first_and_after_each_change_of_speaker,
            turn: what_a_lost_turn_was_to_disclose_the_next_one_does,
            widget_key: a_change_follows_the_version_it_was_made_for,
            widget_key: a_key_never_ends_later_than_it_was_told,
            widget_key: a_rotation_hands_the_settings_to_the_next_key,
            widget_key: a_tenant_has_so_many_live_keys_and_keeps_as_many_ended_ones,
            widget_key: another_tenants_key_cannot_be_changed,
            widget_key: the_widgets_look_is_set_as_a_whole,
        );
    };
    (@ $new_store:expr => $($topic:ident: $claim:ident,)*) => {
        $(
            #[tokio::test]
            async fn $claim() {
                let store = ($new_store)().await;
                $crate::testing::claims::$topic::$claim(&store).await;
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use crate::storage::memory::MemoryStorage;

    storage_claims!(|| async { MemoryStorage::new() });
}
