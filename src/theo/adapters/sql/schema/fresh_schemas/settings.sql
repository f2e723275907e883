CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO "alembic_version" VALUES('0002');

CREATE TABLE signal_config_changes (
	home TEXT NOT NULL, 
	config_id BIGINT NOT NULL, 
	number BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	user_name TEXT NOT NULL, 
	action TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	seq BIGINT NOT NULL, 
	previous BLOB NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT signal_config_changes_key PRIMARY KEY (home, config_id, number), 
	CONSTRAINT signal_config_changes_in_order UNIQUE (home, seq), 
	CONSTRAINT signal_config_changes_number CHECK (number >= 1), 
	CONSTRAINT signal_config_changes_user_name CHECK (user_name <> ''), 
	CONSTRAINT signal_config_changes_action CHECK (action IN ('create', 'edit', 'enable', 'disable', 'delete')), 
	CONSTRAINT signal_config_changes_before CHECK ((before IS NULL) = (action = 'create')), 
	CONSTRAINT signal_config_changes_after CHECK ((after IS NULL) = (action = 'delete')), 
	CONSTRAINT signal_config_changes_begins_with_create CHECK ((number = 1) = (action = 'create'))
);

CREATE TABLE signal_configs (
	home TEXT NOT NULL, 
	id BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	signal_type TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	sides TEXT NOT NULL, 
	placeholder TEXT, 
	expiry TEXT, 
	option_type TEXT, 
	option_category TEXT, 
	writing BOOLEAN NOT NULL, 
	scan_on TEXT NOT NULL, 
	scan_interval_minutes INTEGER NOT NULL, 
	missed TEXT NOT NULL, 
	days TEXT NOT NULL, 
	start_minute INTEGER NOT NULL, 
	end_minute INTEGER NOT NULL, 
	time_zone TEXT NOT NULL, 
	valid_until TEXT, 
	signals_per_day INTEGER NOT NULL, 
	strategy TEXT NOT NULL, 
	timeframe TEXT NOT NULL, 
	session TEXT NOT NULL, 
	document TEXT NOT NULL, 
	version TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	user_name TEXT NOT NULL, 
	CONSTRAINT signal_configs_key PRIMARY KEY (home, id), 
	CONSTRAINT signal_configs_by_name UNIQUE (home, name), 
	CONSTRAINT signal_configs_id CHECK (id >= 1), 
	CONSTRAINT signal_configs_name CHECK (length(name) BETWEEN 1 AND 64), 
	CONSTRAINT signal_configs_signal_type CHECK (signal_type IN ('Intraday', 'Positional')), 
	CONSTRAINT signal_configs_mode CHECK (mode IN ('Live', 'Virtual')), 
	CONSTRAINT signal_configs_sides CHECK (sides IN ('Long', 'Short', 'Both')), 
	CONSTRAINT signal_configs_placeholder CHECK (placeholder IN ('FUT', 'OPTION', 'ETF', 'CASH')), 
	CONSTRAINT signal_configs_expiry CHECK (expiry IN ('Weekly', 'Monthly')), 
	CONSTRAINT signal_configs_option_type CHECK (option_type IN ('CALL', 'PUT')), 
	CONSTRAINT signal_configs_option_category CHECK (option_category IN ('ITM', 'OTM', 'FUT', 'DOTM', 'DITM')), 
	CONSTRAINT signal_configs_scan_on CHECK (scan_on IN ('Bar close', 'Interval')), 
	CONSTRAINT signal_configs_missed CHECK (missed IN ('Skip', 'Catch up')), 
	CONSTRAINT signal_configs_session CHECK (session IN ('RTH', 'ALL')), 
	CONSTRAINT signal_configs_strategy CHECK (strategy IN ('correlation', 'ma_crossover', 'buy_and_hold', 'rules')), 
	CONSTRAINT signal_configs_option_with_category CHECK ((option_category IS NOT NULL) = (coalesce(placeholder, '') = 'OPTION')), 
	CONSTRAINT signal_configs_option_type_of_option CHECK (option_type IS NULL OR coalesce(placeholder, '') = 'OPTION'), 
	CONSTRAINT signal_configs_writing_of_option CHECK (NOT writing OR coalesce(placeholder, '') = 'OPTION'), 
	CONSTRAINT signal_configs_expiry_of_what_expires CHECK (expiry IS NULL OR coalesce(placeholder, '') IN ('FUT', 'OPTION')), 
	CONSTRAINT signal_configs_option_with_expiry CHECK (NOT coalesce(placeholder, '') = 'OPTION' OR expiry IS NOT NULL), 
	CONSTRAINT signal_configs_options_are_bought CHECK (writing OR option_type IS NULL OR (option_type = 'CALL' AND sides = 'Long') OR (option_type = 'PUT' AND sides = 'Short')), 
	CONSTRAINT signal_configs_scan_interval_minutes CHECK (scan_interval_minutes BETWEEN 0 AND 1440), 
	CONSTRAINT signal_configs_interval_of_minutes CHECK (scan_on = 'Bar close' OR scan_interval_minutes >= 1), 
	CONSTRAINT signal_configs_days CHECK (days <> '' AND replace(replace(replace(replace(replace(replace(replace((days || ' '), 'Mon ', ''), 'Tue ', ''), 'Wed ', ''), 'Thu ', ''), 'Fri ', ''), 'Sat ', ''), 'Sun ', '') = ''), 
	CONSTRAINT signal_configs_start_minute CHECK (start_minute BETWEEN 0 AND 1440), 
	CONSTRAINT signal_configs_end_minute CHECK (end_minute BETWEEN 0 AND 1440 AND end_minute <> start_minute), 
	CONSTRAINT signal_configs_valid_until CHECK (valid_until IS NULL OR length(valid_until) = 10), 
	CONSTRAINT signal_configs_signals_per_day CHECK (signals_per_day BETWEEN 1 AND 1000), 
	CONSTRAINT signal_configs_version CHECK (length(version) = 12), 
	CONSTRAINT signal_configs_number CHECK (number >= 1), 
	CONSTRAINT signal_configs_updated_at CHECK (updated_at >= created_at), 
	CONSTRAINT signal_configs_user_name CHECK (user_name <> '')
);

CREATE TABLE signal_entry_rules (
	home TEXT NOT NULL, 
	config_id BIGINT NOT NULL, 
	side TEXT NOT NULL, 
	place INTEGER NOT NULL, 
	rule_type TEXT NOT NULL, 
	symbol TEXT, 
	parameter TEXT, 
	correlation_threshold FLOAT, 
	text TEXT NOT NULL, 
	CONSTRAINT signal_entry_rules_key PRIMARY KEY (home, config_id, side, place), 
	CONSTRAINT signal_entry_rules_config FOREIGN KEY(home, config_id) REFERENCES signal_configs (home, id), 
	CONSTRAINT signal_entry_rules_side CHECK (side IN ('Long', 'Short')), 
	CONSTRAINT signal_entry_rules_rule_type CHECK (rule_type IN ('PriceAbove', 'PriceBelow', 'Correlation', 'Condition')), 
	CONSTRAINT signal_entry_rules_place CHECK (place >= 1), 
	CONSTRAINT signal_entry_rules_correlation_with_threshold CHECK ((rule_type = 'Correlation') = (correlation_threshold IS NOT NULL)), 
	CONSTRAINT signal_entry_rules_correlation_threshold CHECK (correlation_threshold IS NULL OR correlation_threshold BETWEEN -1 AND 1), 
	CONSTRAINT signal_entry_rules_price_with_parameter CHECK (rule_type NOT IN ('PriceAbove', 'PriceBelow') OR (symbol IS NOT NULL AND parameter IS NOT NULL))
);

CREATE TABLE signal_exit_rules (
	home TEXT NOT NULL, 
	config_id BIGINT NOT NULL, 
	side TEXT NOT NULL, 
	place INTEGER NOT NULL, 
	rule_type TEXT NOT NULL, 
	symbol TEXT, 
	parameter TEXT, 
	correlation_threshold FLOAT, 
	text TEXT NOT NULL, 
	CONSTRAINT signal_exit_rules_key PRIMARY KEY (home, config_id, side, place), 
	CONSTRAINT signal_exit_rules_config FOREIGN KEY(home, config_id) REFERENCES signal_configs (home, id), 
	CONSTRAINT signal_exit_rules_side CHECK (side IN ('Long', 'Short')), 
	CONSTRAINT signal_exit_rules_rule_type CHECK (rule_type IN ('PriceAbove', 'PriceBelow', 'Correlation', 'Condition')), 
	CONSTRAINT signal_exit_rules_place CHECK (place >= 1), 
	CONSTRAINT signal_exit_rules_correlation_with_threshold CHECK ((rule_type = 'Correlation') = (correlation_threshold IS NOT NULL)), 
	CONSTRAINT signal_exit_rules_correlation_threshold CHECK (correlation_threshold IS NULL OR correlation_threshold BETWEEN -1 AND 1), 
	CONSTRAINT signal_exit_rules_price_with_parameter CHECK (rule_type NOT IN ('PriceAbove', 'PriceBelow') OR (symbol IS NOT NULL AND parameter IS NOT NULL))
);

CREATE TABLE signal_symbols (
	home TEXT NOT NULL, 
	config_id BIGINT NOT NULL, 
	symbol TEXT NOT NULL, 
	token BIGINT, 
	is_primary BOOLEAN NOT NULL, 
	role TEXT NOT NULL, 
	timeframe TEXT NOT NULL, 
	CONSTRAINT signal_symbols_key PRIMARY KEY (home, config_id, symbol, timeframe), 
	CONSTRAINT signal_symbols_config FOREIGN KEY(home, config_id) REFERENCES signal_configs (home, id), 
	CONSTRAINT signal_symbols_role CHECK (role IN ('Primary', 'Partner', 'Other')), 
	CONSTRAINT signal_symbols_symbol CHECK (symbol <> ''), 
	CONSTRAINT signal_symbols_token CHECK (token IS NULL OR token > 0), 
	CONSTRAINT signal_symbols_is_primary CHECK (NOT is_primary OR role = 'Primary')
);

CREATE UNIQUE INDEX signal_symbols_one_primary ON signal_symbols (home, config_id) WHERE is_primary;

CREATE TRIGGER signal_config_changes_no_update BEFORE UPDATE ON signal_config_changes BEGIN SELECT RAISE(ABORT, 'changes of scan configurations are append-only'); END;

CREATE TRIGGER signal_config_changes_no_delete BEFORE DELETE ON signal_config_changes BEGIN SELECT RAISE(ABORT, 'changes of scan configurations are append-only'); END;

CREATE TRIGGER signal_config_changes_no_replace BEFORE INSERT ON signal_config_changes WHEN EXISTS (SELECT 1 FROM signal_config_changes c WHERE c.home = NEW.home AND (c.seq = NEW.seq OR (c.config_id = NEW.config_id AND c.number = NEW.number))) BEGIN SELECT RAISE(ABORT, 'changes of scan configurations are append-only'); END;
