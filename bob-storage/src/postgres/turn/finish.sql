-- Closes a turn: stores its answer and settles it, if lease and epoch still hold. When they do not, the answer is kept as
-- superseded, which takes a second call that brings it (in_superseded); the first one writes nothing then.
CREATE FUNCTION bob_finish_turn(
    in_tenant uuid, in_turn uuid, in_conversation uuid, in_visitor uuid, in_key bytea, in_node uuid, in_token bigint,
    in_epoch bigint, in_time bigint, in_at bigint, in_message uuid, in_content bytea, in_superseded bytea,
    in_language text, in_persona text, in_persona_id uuid, in_persona_version bigint, in_release bigint,
    in_pricebook bigint, in_cost bigint, in_wants_person boolean, in_refused boolean, in_audit uuid, in_event uuid,
    in_principal_kind text, in_principal uuid, in_request text, in_reason text, in_via text, in_by_platform boolean,
    in_address bytea,
    OUT outcome text, OUT visitor_key bytea
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    now_is    bigint := coalesce(in_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    purse     bob_credits;
    closing   bob_turns;
    used_up   bigint;
    left_over bigint;
    share     bigint;
    passed    bigint;
    place     bigint;
    waited    bigint;
BEGIN
    PERFORM set_config('bob.tenant', in_tenant::text, true);
    SELECT * INTO purse FROM bob_credits WHERE tenant_id = in_tenant FOR UPDATE;
    SELECT * INTO closing FROM bob_turns WHERE tenant_id = in_tenant AND turn_id = in_turn;
    IF closing.conversation_id IS DISTINCT FROM in_conversation THEN
        outcome := 'missing';
        RETURN;
    END IF;
    IF closing.state = 'finished' THEN
        outcome := 'finished';
        RETURN;
    END IF;
    SELECT key INTO visitor_key FROM bob_visitors WHERE tenant_id = in_tenant AND visitor_id = closing.visitor_id;
    IF closing.visitor_id <> in_visitor OR visitor_key IS DISTINCT FROM in_key THEN
        outcome := 'rekey';
        RETURN;
    END IF;

    IF closing.state = 'open' AND closing.lease_node = in_node AND closing.lease_token = in_token
        AND closing.lease_until > now_is
    THEN
        IF in_wants_person THEN
            SELECT person_wanted_at INTO waited FROM bob_conversations
            WHERE tenant_id = in_tenant AND conversation_id = in_conversation;
        END IF;
        UPDATE bob_conversations
        SET open_turn = NULL, messages = messages + 1, language = in_language, disclosed_epoch = epoch,
            person_wanted_at = CASE WHEN in_wants_person THEN coalesce(person_wanted_at, in_at)
                                    ELSE person_wanted_at END
        WHERE tenant_id = in_tenant AND conversation_id = in_conversation AND epoch = in_epoch AND owner IS NULL
        RETURNING messages INTO place;
    END IF;
    IF place IS NULL AND in_superseded IS NULL THEN
        outcome := 'stale';
        RETURN;
    END IF;

    IF closing.state = 'open' AND closing.reserved IS NOT NULL THEN
        used_up := least(greatest(in_cost, 0), closing.reserved);
        left_over := closing.reserved - used_up;
        -- What is used of the period's allowance, as 80 or 100 per cent of it.
        share := CASE WHEN purse.used + used_up <= 0 THEN 0
                      WHEN purse.used + used_up >= purse.allowance THEN 100
                      WHEN (purse.used + used_up)::numeric * 100 >= purse.allowance::numeric * 80 THEN 80
                      ELSE 0 END;
        passed := CASE WHEN share > purse.threshold THEN share END;
        UPDATE bob_credits
        SET reserved = reserved - closing.reserved, settled = settled + used_up, used = used + used_up,
            threshold = greatest(threshold, share), entries = entries + CASE WHEN used_up > 0 THEN 1 ELSE 0 END
        WHERE tenant_id = in_tenant;
        IF used_up > 0 THEN
            INSERT INTO bob_ledger (tenant_id, number, at, kind, amount, balance, turn_id)
            VALUES (in_tenant, purse.entries + 1, in_at, 'settlement', -used_up,
                purse.granted - purse.settled - used_up, in_turn);
        END IF;
        IF left_over > 0 AND closing.visitor_budget IS NOT NULL THEN
            PERFORM bob_spend(in_tenant, closing.visitor_id, closing.budget_day, -left_over);
        END IF;
        IF left_over > 0 AND closing.key_budget IS NOT NULL THEN
            PERFORM bob_spend(in_tenant, closing.key_id, closing.budget_day, -left_over);
        END IF;
    END IF;

    IF place IS NOT NULL THEN
        outcome := 'stored';
        UPDATE bob_turns
        SET state = 'finished', settled = used_up, answer = place, language = in_language, persona = in_persona,
            persona_id = in_persona_id, persona_version = in_persona_version, knowledge_release = in_release,
            pricebook_version = in_pricebook, closed_at = in_at
        WHERE tenant_id = in_tenant AND turn_id = in_turn;
        INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
        VALUES (in_tenant, in_conversation, place, in_message, in_turn, 'bot', in_at, in_content);
    ELSE
        outcome := 'superseded';
        UPDATE bob_conversations SET open_turn = NULL
        WHERE tenant_id = in_tenant AND conversation_id = in_conversation AND open_turn = in_turn;
        UPDATE bob_turns
        SET state = 'abandoned', settled = coalesce(used_up, settled), superseded = in_superseded, closed_at = in_at
        WHERE tenant_id = in_tenant AND turn_id = in_turn;
    END IF;
    INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation, subject,
        part_of, via, by_platform, address)
    VALUES (in_tenant, in_audit, in_at, in_principal_kind, in_principal, in_request, in_reason, 'finish_turn', in_turn,
        in_conversation, in_via, in_by_platform, in_address);
    IF place IS NOT NULL OR closing.state = 'open' OR passed IS NOT NULL THEN
        INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id, message_id, number)
        VALUES (in_tenant, in_event, in_at,
            CASE WHEN place IS NULL THEN 'turn.abandoned'
                 ELSE 'message.created' || CASE WHEN in_wants_person AND waited IS NULL THEN ' conversation.escalated' ELSE '' END
                      || CASE WHEN in_refused THEN ' turn.refused' ELSE '' END END
                || CASE WHEN passed IS NOT NULL THEN ' credits.threshold' ELSE '' END,
            in_conversation, in_turn, CASE WHEN place IS NOT NULL THEN in_message END, passed);
    END IF;
    IF place IS NOT NULL AND in_wants_person THEN
        -- Somebody may look for those who wait, on whatever node.
        PERFORM pg_notify('bob_conversation', in_tenant || ' ' || in_conversation);
    END IF;
END
$$;
