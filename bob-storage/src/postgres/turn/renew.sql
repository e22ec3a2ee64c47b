-- Makes a lease last from now on again, and answers until when; null when it is lost, no row when there is no such turn.
CREATE FUNCTION bob_renew_turn(
    in_tenant uuid, in_turn uuid, in_node uuid, in_token bigint, in_time bigint, in_lease bigint
) RETURNS TABLE (lease_ends bigint) LANGUAGE plpgsql AS $$
DECLARE
    now_is bigint := coalesce(in_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
BEGIN
    PERFORM set_config('bob.tenant', in_tenant::text, true);
    UPDATE bob_turns t SET lease_until = now_is + in_lease
    WHERE t.tenant_id = in_tenant AND t.turn_id = in_turn AND t.state = 'open' AND t.lease_node = in_node
      AND t.lease_token = in_token AND t.lease_until > now_is
      AND EXISTS (SELECT 1 FROM bob_conversations c
                  WHERE c.tenant_id = in_tenant AND c.conversation_id = t.conversation_id AND c.epoch = t.epoch)
    RETURNING t.lease_until INTO lease_ends;
    IF FOUND OR EXISTS (SELECT 1 FROM bob_turns t WHERE t.tenant_id = in_tenant AND t.turn_id = in_turn) THEN
        RETURN NEXT;
    END IF;
END
$$;
