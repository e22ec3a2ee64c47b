-- Opens a turn: all of it in one call, which may be repeated (in_again) when nobody knows what became of the first.
CREATE FUNCTION bob_begin_turn(
    in_tenant uuid, in_turn uuid, in_message uuid, in_conversation uuid, in_door text, in_session_index bytea,
    in_session bytea, in_visitor uuid, in_proven boolean, in_by_session boolean, in_sealed_for uuid, in_key bytea,
    in_content bytea, in_scope_1 bytea, in_body_1 bytea, in_scope_2 bytea, in_body_2 bytea, in_node uuid,
    in_token bigint, in_lease bigint, in_kept bigint, in_time bigint, in_at bigint, in_step_1 bigint,
    in_step_2 bigint, in_step_3 bigint, in_day bigint, in_visitor_budget bigint, in_key_id uuid,
    in_key_budget bigint, in_history bigint, in_audit uuid, in_event uuid, in_audit_too uuid, in_event_too uuid,
    in_principal_kind text, in_principal uuid, in_request text, in_reason text, in_via text, in_by_platform boolean,
    in_address bytea, in_again boolean,
    OUT outcome text, OUT turn uuid, OUT lease_ends bigint, OUT visitor uuid, OUT visitor_key bytea,
    OUT conversation uuid, OUT is_proven boolean, OUT owner_epoch bigint, OUT spoken text, OUT announced boolean,
    OUT held bigint, OUT numbers bigint[], OUT ids uuid[], OUT turns uuid[], OUT roles text[], OUT times bigint[],
    OUT contents bytea[], OUT authors uuid[], OUT other_session bytea
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    now_is  bigint := coalesce(in_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    purse   bob_credits;
    talk    bob_conversations;
    opened  bob_turns;
    earlier bob_turns;
    known   bob_idempotency;
    place   bigint;
    reach   bigint;
    is_new  boolean;
    told    boolean := false;
    lost    uuid;
    asked   uuid;
    happened  text;
    delivered boolean;
    has_ended boolean;
BEGIN
    PERFORM set_config('bob.tenant', in_tenant::text, true);
    -- Whoever writes turns or credits of a tenant holds this row first: one at a time, and never two in a circle.
    SELECT * INTO purse FROM bob_credits WHERE tenant_id = in_tenant FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF in_again THEN
        SELECT * INTO opened FROM bob_turns
        WHERE tenant_id = in_tenant AND turn_id = in_turn AND lease_node = in_node AND lease_token = in_token;
    END IF;

    IF opened.turn_id IS NULL THEN
        visitor := in_visitor;
        is_proven := true;

        IF in_scope_1 IS NOT NULL THEN
            SELECT * INTO known FROM bob_idempotency
            WHERE tenant_id = in_tenant AND scope = in_scope_1 AND until > now_is;
            IF NOT FOUND AND in_scope_2 IS NOT NULL THEN
                SELECT * INTO known FROM bob_idempotency
                WHERE tenant_id = in_tenant AND scope = in_scope_2 AND until > now_is;
            END IF;
        END IF;
        IF known.turn_id IS NOT NULL THEN
            SELECT * INTO earlier FROM bob_turns WHERE tenant_id = in_tenant AND turn_id = known.turn_id;
            -- What belongs to a verified visitor, perhaps since a claim, is repeated by nobody else.
            IF earlier.visitor_id <> in_visitor AND EXISTS (
                SELECT 1 FROM bob_visitors
                WHERE tenant_id = in_tenant AND visitor_id = earlier.visitor_id AND trust = 'verified')
            THEN
                known := NULL;
            END IF;
        END IF;
        IF known.turn_id IS NOT NULL THEN
            turn := known.turn_id;
            IF known.body <> (CASE known.scope WHEN in_scope_1 THEN in_body_1 ELSE in_body_2 END) THEN
                outcome := 'mismatch';
                RETURN;
            END IF;
            IF earlier.state = 'finished' THEN
                outcome := 'replayed';
                RETURN;
            ELSIF earlier.state = 'open' AND earlier.lease_until > now_is THEN
                outcome := 'running';
                RETURN;
            END IF;
            -- The node is gone and nothing was answered: the repetition answers, as the same visitor and in the same
            -- conversation, and may be given a token if the first call might have been.
            visitor := earlier.visitor_id;
            is_proven := earlier.proven;
            lost := earlier.turn_id;
        ELSIF in_by_session THEN
            SELECT c.visitor_id, false INTO visitor, is_proven
            FROM bob_conversations c
            LEFT JOIN bob_visitors v ON v.tenant_id = c.tenant_id AND v.visitor_id = c.visitor_id
            WHERE c.tenant_id = in_tenant AND c.session_index = in_session_index
              AND v.trust IS DISTINCT FROM 'verified' AND v.ended_at IS NULL
            ORDER BY c.started_at, c.conversation_id LIMIT 1;
            IF NOT FOUND THEN
                visitor := in_visitor;
                is_proven := true;
            END IF;
        END IF;

        SELECT v.key, v.ended_at IS NOT NULL INTO visitor_key, has_ended
        FROM bob_visitors v WHERE v.tenant_id = in_tenant AND v.visitor_id = visitor;
        IF has_ended THEN
            outcome := 'ended';
            RETURN;
        END IF;
        IF visitor IS DISTINCT FROM in_sealed_for OR visitor_key <> in_key THEN
            -- What was sent is sealed by a key that is not this visitor's.
            outcome := 'rekey';
            RETURN;
        END IF;

        IF lost IS NULL THEN
            SELECT * INTO talk FROM bob_conversations
            WHERE tenant_id = in_tenant AND session_index = in_session_index AND visitor_id = visitor FOR UPDATE;
        ELSE
            SELECT * INTO talk FROM bob_conversations
            WHERE tenant_id = in_tenant AND conversation_id = earlier.conversation_id FOR UPDATE;
        END IF;
        is_new := NOT FOUND;

        IF talk.open_turn IS NOT NULL THEN
            SELECT * INTO earlier FROM bob_turns WHERE tenant_id = in_tenant AND turn_id = talk.open_turn;
            IF earlier.state = 'open' AND earlier.lease_until > now_is THEN
                outcome := 'busy';
                turn := earlier.turn_id;
                lease_ends := earlier.lease_until;
                RETURN;
            END IF;
            PERFORM bob_give_up_turn(in_tenant, talk.open_turn, in_time, in_at, in_audit_too, in_event_too,
                in_principal_kind, in_principal, in_request, in_reason, in_via, in_by_platform);
            SELECT * INTO purse FROM bob_credits WHERE tenant_id = in_tenant;
        END IF;

        IF lost IS NOT NULL THEN
            -- The question stands there already, and is this turn's now.
            UPDATE bob_messages SET turn_id = in_turn
            WHERE tenant_id = in_tenant AND conversation_id = talk.conversation_id AND turn_id = lost
              AND role = 'visitor'
            RETURNING number, message_id INTO place, asked;
        END IF;
        IF asked IS NULL THEN
            asked := in_message;
            place := coalesce(talk.messages, 0) + 1;
            happened := CASE WHEN is_new THEN 'conversation.started message.created' ELSE 'message.created' END;
        END IF;
        delivered := talk.owner IS NOT NULL;
        announced := NOT delivered AND (is_new OR talk.disclosed_epoch IS DISTINCT FROM talk.epoch);

        IF NOT delivered THEN
            reach := purse.granted - purse.settled - purse.reserved;
            IF in_visitor_budget IS NOT NULL THEN
                reach := least(reach, bob_unspent(in_tenant, visitor, in_day, in_visitor_budget));
            END IF;
            IF in_key_budget IS NOT NULL THEN
                reach := least(reach, bob_unspent(in_tenant, in_key_id, in_day, in_key_budget));
            END IF;
            held := CASE WHEN in_step_1 <= reach THEN in_step_1 WHEN in_step_2 <= reach THEN in_step_2
                         WHEN in_step_3 <= reach THEN in_step_3 END;
            IF held IS NOT NULL THEN
                UPDATE bob_credits SET reserved = reserved + held
                WHERE tenant_id = in_tenant AND granted - settled - reserved >= held;
                IF in_visitor_budget IS NOT NULL THEN
                    PERFORM bob_spend(in_tenant, visitor, in_day, held);
                END IF;
                IF in_key_budget IS NOT NULL THEN
                    PERFORM bob_spend(in_tenant, in_key_id, in_day, held);
                END IF;
            ELSE
                reach := purse.granted - purse.settled - purse.reserved;
                told := purse.threshold < 100
                    AND coalesce(least(in_step_1, in_step_2, in_step_3) > reach, true);
                IF told THEN
                    UPDATE bob_credits SET threshold = 100 WHERE tenant_id = in_tenant;
                    happened := concat_ws(' ', happened, 'credits.threshold');
                END IF;
            END IF;
        END IF;

        IF visitor_key IS NULL THEN
            INSERT INTO bob_visitors (tenant_id, visitor_id, key, created_at)
            VALUES (in_tenant, visitor, in_key, in_at);
        END IF;
        IF is_new THEN
            INSERT INTO bob_conversations (tenant_id, conversation_id, door, session_index, session, visitor_id, epoch,
                messages, open_turn, active_at, started_at)
            VALUES (in_tenant, in_conversation, in_door, in_session_index, in_session, visitor, 0, 1, in_turn, in_at,
                in_at)
            RETURNING * INTO talk;
        ELSE
            UPDATE bob_conversations
            SET messages = greatest(messages, place), open_turn = CASE WHEN delivered THEN open_turn ELSE in_turn END,
                active_at = in_at, closed_at = NULL
            WHERE tenant_id = in_tenant AND conversation_id = talk.conversation_id
            RETURNING * INTO talk;
        END IF;
        INSERT INTO bob_turns (tenant_id, turn_id, conversation_id, visitor_id, proven, disclose, epoch, state,
            lease_node, lease_token, lease_until, reserved, settled, budget_day, visitor_budget, key_id, key_budget,
            language, started_at, closed_at)
        VALUES (in_tenant, in_turn, talk.conversation_id, visitor, is_proven, announced, talk.epoch,
            CASE WHEN delivered THEN 'finished' ELSE 'open' END, in_node, in_token, now_is + in_lease, held, NULL,
            in_day, in_visitor_budget, in_key_id, in_key_budget, CASE WHEN delivered THEN talk.language END, in_at,
            CASE WHEN delivered THEN in_at END)
        RETURNING * INTO opened;
        IF asked = in_message THEN
            INSERT INTO bob_messages (tenant_id, conversation_id, number, message_id, turn_id, role, at, content)
            VALUES (in_tenant, talk.conversation_id, place, in_message, in_turn, 'visitor', in_at, in_content);
        END IF;
        INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation,
            subject, part_of, via, by_platform, address)
        VALUES (in_tenant, in_audit, in_at, in_principal_kind, in_principal, in_request, in_reason, 'begin_turn',
            in_turn, talk.conversation_id, in_via, in_by_platform, in_address);
        IF happened IS NOT NULL THEN
            INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id, message_id, number)
            VALUES (in_tenant, in_event, in_at, happened, talk.conversation_id, in_turn, asked,
                CASE WHEN told THEN 100 END);
        END IF;
        IF delivered THEN
            -- Somebody waits for it, perhaps on another node.
            PERFORM pg_notify('bob_conversation', in_tenant || ' ' || talk.conversation_id);
        END IF;
        IF in_scope_1 IS NOT NULL THEN
            INSERT INTO bob_idempotency (tenant_id, scope, body, turn_id, until)
            SELECT in_tenant, c.scope, c.body, in_turn, now_is + in_kept
            FROM (VALUES (in_scope_1, in_body_1), (in_scope_2, in_body_2)) c (scope, body)
            WHERE c.scope IS NOT NULL
            ON CONFLICT (tenant_id, scope) DO UPDATE
            SET body = excluded.body, turn_id = excluded.turn_id, until = excluded.until;
        END IF;
    ELSE
        SELECT * INTO talk FROM bob_conversations
        WHERE tenant_id = in_tenant AND conversation_id = opened.conversation_id;
        SELECT number INTO place FROM bob_messages
        WHERE tenant_id = in_tenant AND conversation_id = opened.conversation_id AND turn_id = in_turn
          AND role = 'visitor';
    END IF;

    outcome := CASE opened.state WHEN 'open' THEN 'opened' ELSE 'delivered' END;
    turn := opened.turn_id;
    lease_ends := opened.lease_until;
    visitor := opened.visitor_id;
    visitor_key := NULL;
    conversation := opened.conversation_id;
    is_proven := opened.proven;
    owner_epoch := opened.epoch;
    spoken := talk.language;
    announced := opened.disclose;
    held := opened.reserved;
    -- A call that is taken up goes on in its first conversation, under the name that has.
    other_session := CASE WHEN talk.session_index <> in_session_index THEN talk.session END;
    IF talk.messages > 1 AND in_history > 0 AND outcome = 'opened' THEN
        -- Numbers have no gaps: the latest ones are found without sorting.
        SELECT array_agg(m.number), array_agg(m.message_id), array_agg(m.turn_id), array_agg(m.role),
            array_agg(m.at), array_agg(m.content), array_agg(m.author)
        INTO numbers, ids, turns, roles, times, contents, authors
        FROM bob_messages m
        WHERE m.tenant_id = in_tenant AND m.conversation_id = opened.conversation_id AND m.number <> place
          AND m.number >= talk.messages - in_history + CASE WHEN place < talk.messages - in_history THEN 1 ELSE 0 END;
    END IF;
END
$$;
