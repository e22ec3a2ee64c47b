-- Widget keys: names, versions, limits of their own, and how the widget looks.

ALTER TABLE bob_widget_keys ADD COLUMN name text NOT NULL DEFAULT '';
ALTER TABLE bob_widget_keys ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE bob_widget_keys ADD COLUMN messages_per_minute bigint CHECK (messages_per_minute > 0);

ALTER TABLE bob_tenants ADD COLUMN widget text; -- JSON; as usual when null
ALTER TABLE bob_tenants ADD COLUMN widget_version bigint NOT NULL DEFAULT 0;
