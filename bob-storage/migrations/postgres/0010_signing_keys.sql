-- The keys that sign access tokens. They belong to the installation, so no tenant stands before them.
CREATE TABLE bob_signing_keys (
    number      bigint NOT NULL PRIMARY KEY CHECK (number > 0),
    seed        bytea  NOT NULL, -- sealed
    created_at  bigint NOT NULL, -- published since then
    signs_from  bigint NOT NULL,
    signs_until bigint, -- null: the newest one
    ends_at     bigint  -- what it signed holds no longer
);
