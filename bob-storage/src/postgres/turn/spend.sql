-- Counts what a visitor or a widget key used or holds on a day, or gives some of it back.
CREATE FUNCTION bob_spend(in_tenant uuid, in_spender uuid, in_day bigint, in_amount bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF in_amount >= 0 THEN
        INSERT INTO bob_spending (tenant_id, spender_id, day, spent)
        VALUES (in_tenant, in_spender, in_day, in_amount)
        ON CONFLICT (tenant_id, spender_id) DO UPDATE
        SET day = excluded.day,
            spent = CASE bob_spending.day WHEN excluded.day THEN bob_spending.spent ELSE 0 END + excluded.spent
        WHERE bob_spending.day <= excluded.day;
    ELSE
        UPDATE bob_spending SET spent = greatest(spent + in_amount, 0)
        WHERE tenant_id = in_tenant AND spender_id = in_spender AND day = in_day;
    END IF;
END
$$;
