-- What is left of a visitor's or a widget key's budget of a day; nothing of a day that is over, so that a node whose clock
-- is behind opens no second budget.
CREATE FUNCTION bob_unspent(in_tenant uuid, in_spender uuid, in_day bigint, in_budget bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    latest bob_spending;
BEGIN
    SELECT * INTO latest FROM bob_spending WHERE tenant_id = in_tenant AND spender_id = in_spender;
    RETURN CASE WHEN latest.day > in_day THEN 0 WHEN latest.day = in_day THEN in_budget - latest.spent ELSE in_budget END;
END
$$;
