-- Gives up an open turn whose lease has run out: frees its conversation and releases all that it holds. The caller has
-- set the tenant; answers whether there was anything to give up.
CREATE FUNCTION bob_give_up_turn(
    in_tenant uuid, in_turn uuid, in_time bigint, in_at bigint, in_audit uuid, in_event uuid, in_principal_kind text,
    in_principal uuid, in_request text, in_reason text, in_via text, in_by_platform boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    now_is bigint := coalesce(in_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    lost   bob_turns;
BEGIN
    PERFORM 1 FROM bob_credits WHERE tenant_id = in_tenant FOR UPDATE;
    UPDATE bob_turns SET state = 'abandoned', closed_at = in_at
    WHERE tenant_id = in_tenant AND turn_id = in_turn AND state = 'open' AND lease_until <= now_is
    RETURNING * INTO lost;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE bob_credits SET reserved = reserved - lost.reserved
    WHERE tenant_id = in_tenant AND lost.reserved IS NOT NULL;
    IF lost.reserved IS NOT NULL AND lost.visitor_budget IS NOT NULL THEN
        PERFORM bob_spend(in_tenant, lost.visitor_id, lost.budget_day, -lost.reserved);
    END IF;
    IF lost.reserved IS NOT NULL AND lost.key_budget IS NOT NULL THEN
        PERFORM bob_spend(in_tenant, lost.key_id, lost.budget_day, -lost.reserved);
    END IF;
    UPDATE bob_conversations SET open_turn = NULL
    WHERE tenant_id = in_tenant AND conversation_id = lost.conversation_id AND open_turn = in_turn;
    INSERT INTO bob_audit (tenant_id, audit_id, at, principal_kind, principal_id, request_id, reason, operation, subject,
        part_of, via, by_platform)
    VALUES (in_tenant, in_audit, in_at, in_principal_kind, in_principal, in_request, in_reason, 'give_up_turn', in_turn,
        lost.conversation_id, in_via, in_by_platform);
    INSERT INTO bob_outbox (tenant_id, event_id, at, kinds, conversation_id, turn_id)
    VALUES (in_tenant, in_event, in_at, 'turn.abandoned', lost.conversation_id, in_turn);
    RETURN true;
END
$$;
