-- Widget keys: names, versions, limits of their own, and how the widget looks.

ALTER TABLE bob_widget_keys ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE bob_widget_keys ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE bob_widget_keys ADD COLUMN messages_per_minute INTEGER CHECK (messages_per_minute > 0);

ALTER TABLE bob_tenants ADD COLUMN widget TEXT; -- JSON; as usual when null
ALTER TABLE bob_tenants ADD COLUMN widget_version INTEGER NOT NULL DEFAULT 0;
