-- Reserves more for an open turn, and answers all that it holds; null when credits or budgets do not reach or the lease
-- is lost, no row when there is no such turn.
CREATE FUNCTION bob_extend_turn(
    in_tenant uuid, in_turn uuid, in_node uuid, in_token bigint, in_time bigint, in_more bigint
) RETURNS TABLE (held bigint) LANGUAGE plpgsql AS $$
DECLARE
    now_is bigint := coalesce(in_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    purse  bob_credits;
    opened bob_turns;
    reach  bigint;
BEGIN
    SELECT * INTO purse FROM bob_credits WHERE tenant_id = in_tenant FOR UPDATE;
    SELECT * INTO opened FROM bob_turns WHERE tenant_id = in_tenant AND turn_id = in_turn;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    reach := purse.granted - purse.settled - purse.reserved;
    IF opened.visitor_budget IS NOT NULL THEN
        reach := least(reach, bob_unspent(in_tenant, opened.visitor_id, opened.budget_day, opened.visitor_budget));
    END IF;
    IF opened.key_budget IS NOT NULL THEN
        reach := least(reach, bob_unspent(in_tenant, opened.key_id, opened.budget_day, opened.key_budget));
    END IF;
    IF opened.state = 'open' AND opened.lease_node = in_node AND opened.lease_token = in_token
        AND opened.lease_until > now_is AND opened.reserved IS NOT NULL AND in_more <= reach
        AND EXISTS (SELECT 1 FROM bob_conversations c
                    WHERE c.tenant_id = in_tenant AND c.conversation_id = opened.conversation_id
                      AND c.epoch = opened.epoch)
    THEN
        UPDATE bob_credits SET reserved = reserved + in_more
        WHERE tenant_id = in_tenant AND granted - settled - reserved >= in_more;
        IF opened.visitor_budget IS NOT NULL THEN
            PERFORM bob_spend(in_tenant, opened.visitor_id, opened.budget_day, in_more);
        END IF;
        IF opened.key_budget IS NOT NULL THEN
            PERFORM bob_spend(in_tenant, opened.key_id, opened.budget_day, in_more);
        END IF;
        UPDATE bob_turns SET reserved = reserved + in_more
        WHERE tenant_id = in_tenant AND turn_id = in_turn
        RETURNING reserved INTO held;
    END IF;
    RETURN NEXT;
END
$$;
