-- What is left of a visitor's or a widget key's budget of a day; nothing of a day that is over, so that a node whose clock
-- is behind opens no second budget.
CREATE FUNCTION bob_unspent(in_tenant uuid, in_spender uuid, in_day bigint, in_budget bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    latest bob_spending;
BEGIN
    SELECT * INTO latest FROM bob_spending
    WHERE tenant_id = in_tenant AND spender_id = in_spender AND day >= in_day
    ORDER BY day DESC LIMIT 1;
    RETURN CASE WHEN latest.day > in_day THEN 0 ELSE in_budget - coalesce(latest.spent, 0) END;
END
$$;
