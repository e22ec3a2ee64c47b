-- Counts what a visitor or a widget key used or holds on a day, or gives some of it back.
CREATE FUNCTION bob_spend(in_tenant uuid, in_spender uuid, in_day bigint, in_amount bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF in_amount >= 0 THEN
        INSERT INTO bob_spending (tenant_id, spender_id, day, spent)
        VALUES (in_tenant, in_spender, in_day, in_amount)
        ON CONFLICT (tenant_id, spender_id, day) DO UPDATE SET spent = bob_spending.spent + excluded.spent;
    ELSE
        UPDATE bob_spending SET spent = greatest(spent + in_amount, 0)
        WHERE tenant_id = in_tenant AND spender_id = in_spender AND day = in_day;
    END IF;
END
$$;
