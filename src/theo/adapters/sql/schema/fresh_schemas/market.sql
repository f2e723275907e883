CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO "alembic_version" VALUES('0015');

CREATE TABLE archived_ticks (
	file TEXT NOT NULL, 
	instrument BIGINT NOT NULL, 
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	digest TEXT NOT NULL, 
	sources TEXT NOT NULL, 
	home TEXT NOT NULL, 
	PRIMARY KEY (file)
);

CREATE TABLE bars (
	instrument BIGINT NOT NULL, 
	timeframe TEXT NOT NULL, 
	start_at BIGINT NOT NULL, 
	contract TEXT NOT NULL, 
	source_id BIGINT NOT NULL, 
	revision INTEGER NOT NULL, 
	known_at BIGINT NOT NULL, 
	end_at BIGINT NOT NULL, 
	open BIGINT NOT NULL, 
	high BIGINT NOT NULL, 
	low BIGINT NOT NULL, 
	close BIGINT NOT NULL, 
	volume BIGINT NOT NULL, 
	session_date INTEGER NOT NULL, 
	PRIMARY KEY (instrument, timeframe, start_at, contract, source_id, revision)
)
 WITHOUT ROWID

;

CREATE TABLE daily_pnl (
	home TEXT NOT NULL, 
	account TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	day INTEGER NOT NULL, 
	user_name TEXT NOT NULL, 
	equity_start BIGINT NOT NULL, 
	equity_end BIGINT, 
	trades_closed INTEGER NOT NULL, 
	gross BIGINT NOT NULL, 
	charges BIGINT NOT NULL, 
	net BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	PRIMARY KEY (home, account, mode, run, day)
);

CREATE TABLE deals (
	home TEXT NOT NULL, 
	trade_id TEXT NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	signal_id TEXT NOT NULL, 
	instrument BIGINT NOT NULL, 
	side TEXT NOT NULL, 
	quantity BIGINT NOT NULL, 
	entry_sum BIGINT NOT NULL, 
	exit_sum BIGINT NOT NULL, 
	gross BIGINT NOT NULL, 
	charges BIGINT NOT NULL, 
	net BIGINT NOT NULL, 
	how TEXT NOT NULL, 
	entered_at BIGINT NOT NULL, 
	closed_at BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	PRIMARY KEY (home, trade_id)
);

CREATE TABLE "decisions" (
	home TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	place INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	end_at BIGINT NOT NULL, 
	verdict TEXT NOT NULL, 
	numbers TEXT NOT NULL, 
	truths BIGINT NOT NULL, 
	PRIMARY KEY (home, end_at, config, seq, place)
)
 WITHOUT ROWID

;

CREATE TABLE events (
	home TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	place INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (home, seq, place)
);

CREATE TABLE fills (
	home TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	place INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	execution TEXT NOT NULL, 
	order_id TEXT NOT NULL, 
	trade_id TEXT NOT NULL, 
	instrument BIGINT NOT NULL, 
	role TEXT NOT NULL, 
	side TEXT NOT NULL, 
	quantity BIGINT NOT NULL, 
	price BIGINT NOT NULL, 
	value BIGINT NOT NULL, 
	charges BIGINT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (home, seq, place)
);

CREATE TABLE import_ranges (
	source_id BIGINT NOT NULL, 
	instrument BIGINT NOT NULL, 
	timeframe TEXT NOT NULL, 
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	PRIMARY KEY (source_id, instrument, timeframe)
);

CREATE TABLE instruments (
	id BIGINT NOT NULL, 
	symbol TEXT NOT NULL, 
	token BIGINT NOT NULL, 
	security_type TEXT NOT NULL, 
	exchange TEXT NOT NULL, 
	calendar TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	multiplier BIGINT NOT NULL, 
	price_decimals INTEGER NOT NULL, 
	tick BIGINT NOT NULL, 
	contract_size BIGINT NOT NULL, 
	expiry TEXT NOT NULL, 
	strike BIGINT NOT NULL, 
	option_right TEXT NOT NULL, 
	aliases TEXT NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE latches (
	home TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	place INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	value FLOAT, 
	limit_value FLOAT, 
	holds_until BIGINT, 
	PRIMARY KEY (home, seq, place)
);

CREATE TABLE level_marks (
	home TEXT NOT NULL, 
	instrument BIGINT NOT NULL, 
	timeframe TEXT NOT NULL, 
	source TEXT NOT NULL, 
	chain TEXT NOT NULL, 
	start_at BIGINT NOT NULL, 
	parameters TEXT NOT NULL, 
	bars BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (home, instrument, timeframe, source, chain, start_at)
)
 WITHOUT ROWID

;

CREATE TABLE levels (
	instrument BIGINT NOT NULL, 
	timeframe TEXT NOT NULL, 
	start_at BIGINT NOT NULL, 
	contract TEXT NOT NULL, 
	source_id BIGINT NOT NULL, 
	sh_price FLOAT, 
	sl_price FLOAT, 
	sh_status FLOAT, 
	sl_status FLOAT, 
	fh_price FLOAT, 
	fl_price FLOAT, 
	atr FLOAT, 
	trailing_stop FLOAT, 
	trailing_side FLOAT, 
	donchian_high FLOAT, 
	donchian_low FLOAT, 
	pivot_p FLOAT, 
	pivot_r1 FLOAT, 
	pivot_r2 FLOAT, 
	pivot_r3 FLOAT, 
	pivot_s1 FLOAT, 
	pivot_s2 FLOAT, 
	pivot_s3 FLOAT, 
	fibonacci_r1 FLOAT, 
	fibonacci_r2 FLOAT, 
	fibonacci_r3 FLOAT, 
	fibonacci_s1 FLOAT, 
	fibonacci_s2 FLOAT, 
	fibonacci_s3 FLOAT, 
	camarilla_r1 FLOAT, 
	camarilla_r2 FLOAT, 
	camarilla_r3 FLOAT, 
	camarilla_s1 FLOAT, 
	camarilla_s2 FLOAT, 
	camarilla_s3 FLOAT, 
	PRIMARY KEY (instrument, timeframe, start_at, contract, source_id)
)
 WITHOUT ROWID

;

CREATE TABLE new_levels (
	home TEXT NOT NULL, 
	instrument BIGINT NOT NULL, 
	timeframe TEXT NOT NULL, 
	source TEXT NOT NULL, 
	chain TEXT NOT NULL, 
	level TEXT NOT NULL, 
	at_start BIGINT NOT NULL, 
	price FLOAT NOT NULL, 
	known_start BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	PRIMARY KEY (home, instrument, timeframe, source, chain, level, at_start, price)
)
 WITHOUT ROWID

;

CREATE TABLE orders (
	home TEXT NOT NULL, 
	id TEXT NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	trade_id TEXT NOT NULL, 
	instrument BIGINT NOT NULL, 
	side TEXT NOT NULL, 
	order_type TEXT NOT NULL, 
	quantity BIGINT NOT NULL, 
	tif TEXT NOT NULL, 
	role TEXT NOT NULL, 
	limit_price BIGINT, 
	stop_price BIGINT, 
	trail BIGINT, 
	parent TEXT NOT NULL, 
	oca_group TEXT NOT NULL, 
	oca_type TEXT NOT NULL, 
	outside_rth BOOLEAN NOT NULL, 
	passed TEXT NOT NULL, 
	status TEXT NOT NULL, 
	status_reason TEXT NOT NULL, 
	filled BIGINT NOT NULL, 
	broker_id TEXT NOT NULL, 
	intended_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	route TEXT NOT NULL, 
	broker TEXT NOT NULL, 
	broker_client_id BIGINT NOT NULL, 
	broker_handle BIGINT NOT NULL, contract TEXT DEFAULT '' NOT NULL, underlying BIGINT, underlying_price BIGINT, underlying_above BOOLEAN, 
	PRIMARY KEY (home, id)
);

CREATE TABLE pruned_decisions (
	home TEXT NOT NULL, 
	"before" BIGINT NOT NULL, 
	PRIMARY KEY (home)
);

CREATE TABLE runs (
	home TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	place INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	build TEXT NOT NULL, 
	cash BIGINT NOT NULL, 
	restarted BOOLEAN NOT NULL, 
	world TEXT NOT NULL, 
	config_versions TEXT NOT NULL, 
	PRIMARY KEY (home, seq, place)
);

CREATE TABLE "signals" (
	home TEXT NOT NULL, 
	id TEXT NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	end_at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	instrument BIGINT NOT NULL, 
	side TEXT NOT NULL, 
	order_type TEXT NOT NULL, 
	entry BIGINT, 
	stop BIGINT, 
	target BIGINT, 
	quantity BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	status TEXT NOT NULL, 
	status_reason TEXT NOT NULL, 
	refused_rule TEXT NOT NULL, 
	refused_value FLOAT, 
	refused_limit FLOAT, 
	seq BIGINT NOT NULL, 
	timeframe TEXT DEFAULT ('') NOT NULL, 
	config_id BIGINT, 
	exchange TEXT, 
	product_type TEXT, 
	contract_size BIGINT, 
	active BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	PRIMARY KEY (home, id), 
	CONSTRAINT signals_kind CHECK (kind IN ('entry', 'exit')), 
	CONSTRAINT signals_side CHECK (side IN ('BUY', 'SELL') OR (kind = 'exit' AND side = '')), 
	CONSTRAINT signals_order_type CHECK (order_type IN ('MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT', 'TRAILING_STOP') OR (kind = 'exit' AND order_type = '')), 
	CONSTRAINT signals_exchange CHECK (exchange IN ('NYSE', 'NASDAQ', 'CBOE', 'SMART', 'CME', 'AMEX', 'ARCA', 'BATS', 'IEX', 'CBOT', 'CFE', 'COMEX', 'NYMEX', 'SIM')), 
	CONSTRAINT signals_product_type CHECK (product_type IN ('MARGIN', 'CASH')), 
	CONSTRAINT signals_status CHECK (status IN ('PENDING', 'VALIDATED', 'EXECUTED', 'CANCELLED', 'FAILED')), 
	CONSTRAINT signals_user_name CHECK (user_name <> ''), 
	CONSTRAINT signals_config_id CHECK (config_id >= 1), 
	CONSTRAINT signals_contract_size CHECK (contract_size >= 1), 
	CONSTRAINT signals_prices_positive CHECK (status IN ('CANCELLED', 'FAILED') OR (coalesce(entry, 1) > 0 AND coalesce(stop, 1) > 0 AND coalesce(target, 1) > 0)), 
	CONSTRAINT signals_quantity_positive CHECK (status IN ('CANCELLED', 'FAILED') OR quantity > 0 OR (quantity = 0 AND (kind = 'exit' OR status = 'PENDING'))), 
	CONSTRAINT signals_quantity_of_contract_size CHECK (status IN ('CANCELLED', 'FAILED') OR quantity % contract_size = 0), 
	CONSTRAINT signals_entry_of_limit CHECK (order_type NOT IN ('LIMIT', 'STOP_LIMIT') OR entry IS NOT NULL), 
	CONSTRAINT signals_stop_behind_entry CHECK (status IN ('CANCELLED', 'FAILED') OR stop IS NULL OR entry IS NULL OR (side = 'BUY' AND stop < entry) OR (side = 'SELL' AND stop > entry)), 
	CONSTRAINT signals_target_beyond_entry CHECK (status IN ('CANCELLED', 'FAILED') OR target IS NULL OR entry IS NULL OR (side = 'BUY' AND target > entry) OR (side = 'SELL' AND target < entry)), 
	CONSTRAINT signals_active CHECK (active = (status IN ('PENDING', 'VALIDATED'))), 
	CONSTRAINT signals_updated_at CHECK (updated_at >= created_at), 
	CONSTRAINT signals_expires_at CHECK (expires_at > created_at), 
	CONSTRAINT signals_once_a_moment UNIQUE (home, account, user_name, mode, run, config, instrument, created_at)
);

CREATE TABLE sources (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	visible BOOLEAN NOT NULL, 
	origin TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	staged_rows BIGINT NOT NULL, home TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE staged_ticks (
	instrument BIGINT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	source_id BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	kind INTEGER NOT NULL, 
	price BIGINT NOT NULL, 
	volume BIGINT NOT NULL, 
	flags INTEGER NOT NULL, 
	time_source INTEGER NOT NULL, 
	PRIMARY KEY (source_id, instrument, timestamp, seq)
);

CREATE TABLE "ticks" (
	instrument BIGINT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	source_id BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	kind INTEGER NOT NULL, 
	price BIGINT NOT NULL, 
	volume BIGINT NOT NULL, 
	flags INTEGER NOT NULL, 
	time_source INTEGER NOT NULL, 
	PRIMARY KEY (instrument, timestamp, source_id, seq)
)
 WITHOUT ROWID

;

CREATE TABLE trades (
	home TEXT NOT NULL, 
	id TEXT NOT NULL, 
	account TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	run TEXT NOT NULL, 
	config TEXT NOT NULL, 
	config_version TEXT NOT NULL, 
	signal_id TEXT NOT NULL, 
	instrument BIGINT NOT NULL, 
	side TEXT NOT NULL, 
	quantity BIGINT NOT NULL, 
	entry BIGINT NOT NULL, 
	stop BIGINT NOT NULL, 
	target BIGINT, 
	current_stop BIGINT NOT NULL, 
	risk BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	close_reason TEXT NOT NULL, 
	how TEXT NOT NULL, 
	in_quantity BIGINT NOT NULL, 
	out_quantity BIGINT NOT NULL, 
	entry_sum BIGINT NOT NULL, 
	exit_sum BIGINT NOT NULL, 
	gross BIGINT NOT NULL, 
	charges BIGINT NOT NULL, 
	opened_at BIGINT NOT NULL, 
	first_fill_at BIGINT, 
	closed_at BIGINT, 
	seq BIGINT NOT NULL, contract TEXT DEFAULT '' NOT NULL, underlying BIGINT, underlying_stop BIGINT, underlying_target BIGINT, 
	PRIMARY KEY (home, id)
);

CREATE TABLE watermarks (
	home TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (home, stream)
);

CREATE INDEX ix_instruments_symbol ON instruments (symbol);

CREATE INDEX ix_instruments_token ON instruments (token);

CREATE INDEX ix_sources_name ON sources (name);

CREATE INDEX ix_orders_trade_id ON orders (trade_id);

CREATE INDEX ix_fills_execution ON fills (execution);

CREATE INDEX ix_fills_order_id ON fills (order_id);

CREATE INDEX ix_fills_trade_id ON fills (trade_id);

CREATE INDEX trades_by_config ON trades (config, opened_at);

CREATE INDEX deals_by_closed ON deals (closed_at);

CREATE INDEX ix_events_kind ON events (kind);

CREATE VIEW stock_ticks AS SELECT datetime(t.timestamp / 1000000, 'unixepoch') || printf('.%06d', t.timestamp % 1000000) AS timestamp, datetime(t.timestamp / 1000000, 'unixepoch') || printf('.%06d', t.timestamp % 1000000) AS created, i.token, i.symbol, t.price / pow(10.0, i.price_decimals) AS price, t.volume, t.seq, s.name AS source, t.kind, t.flags FROM ticks t JOIN instruments i ON i.id = t.instrument JOIN sources s ON s.id = t.source_id WHERE s.visible;

CREATE INDEX ix_archived_ticks_instrument ON archived_ticks (instrument);

CREATE INDEX new_levels_by_time ON new_levels (known_at);

CREATE VIEW tbl_ohlc_fifteen_output AS SELECT row_number() OVER (ORDER BY b.start_at, i.symbol, s.name, b.contract) AS id, i.token, i.symbol, datetime(b.start_at / 1000000, 'unixepoch') AS created, round(b.close / pow(10.0, i.price_decimals), i.price_decimals + 0) AS close, round(l.sh_price / pow(10.0, i.price_decimals), i.price_decimals + 0) AS sh_price, round(l.sl_price / pow(10.0, i.price_decimals), i.price_decimals + 0) AS sl_price, l.sh_status <> 0 AS sh_status, l.sl_status <> 0 AS sl_status, round(l.fh_price / pow(10.0, i.price_decimals), i.price_decimals + 0) AS fh_price, round(l.fl_price / pow(10.0, i.price_decimals), i.price_decimals + 0) AS fl_price, round(l.atr / pow(10.0, i.price_decimals), i.price_decimals + 4) AS atr, round(l.trailing_stop / pow(10.0, i.price_decimals), i.price_decimals + 4) AS trailing_stop, CASE WHEN l.trailing_side > 0 THEN 'Long' WHEN l.trailing_side < 0 THEN 'Short' END AS trailing_side, round(l.donchian_high / pow(10.0, i.price_decimals), i.price_decimals + 0) AS donchian_high, round(l.donchian_low / pow(10.0, i.price_decimals), i.price_decimals + 0) AS donchian_low, round(l.pivot_p / pow(10.0, i.price_decimals), i.price_decimals + 4) AS pivot_p, round(l.pivot_r1 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS pivot_r1, round(l.pivot_r2 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS pivot_r2, round(l.pivot_r3 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS pivot_r3, round(l.pivot_s1 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS pivot_s1, round(l.pivot_s2 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS pivot_s2, round(l.pivot_s3 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS pivot_s3, round(l.fibonacci_r1 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS fibonacci_r1, round(l.fibonacci_r2 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS fibonacci_r2, round(l.fibonacci_r3 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS fibonacci_r3, round(l.fibonacci_s1 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS fibonacci_s1, round(l.fibonacci_s2 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS fibonacci_s2, round(l.fibonacci_s3 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS fibonacci_s3, round(l.camarilla_r1 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS camarilla_r1, round(l.camarilla_r2 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS camarilla_r2, round(l.camarilla_r3 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS camarilla_r3, round(l.camarilla_s1 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS camarilla_s1, round(l.camarilla_s2 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS camarilla_s2, round(l.camarilla_s3 / pow(10.0, i.price_decimals), i.price_decimals + 4) AS camarilla_s3, round(b.open / pow(10.0, i.price_decimals), i.price_decimals + 0) AS open, round(b.high / pow(10.0, i.price_decimals), i.price_decimals + 0) AS high, round(b.low / pow(10.0, i.price_decimals), i.price_decimals + 0) AS low, b.volume, b.contract, s.name AS source, s.home FROM bars b JOIN instruments i ON i.id = b.instrument JOIN sources s ON s.id = b.source_id AND s.visible LEFT JOIN levels l ON l.instrument = b.instrument AND l.timeframe = b.timeframe AND l.start_at = b.start_at AND l.contract = b.contract AND l.source_id = b.source_id WHERE b.timeframe = '15min' AND NOT EXISTS (SELECT 1 FROM bars n WHERE n.instrument = b.instrument AND n.timeframe = b.timeframe AND n.start_at = b.start_at AND n.contract = b.contract AND n.source_id = b.source_id AND n.revision > b.revision);

CREATE INDEX trades_by_signal ON trades (signal_id);

CREATE INDEX signals_by_end ON signals (config, end_at);

CREATE INDEX signals_by_user ON signals (user_name);

CREATE INDEX signals_in_order ON signals (home, end_at, id);

CREATE TRIGGER signals_moves BEFORE UPDATE OF status ON signals WHEN NEW.status <> OLD.status AND NOT (OLD.status = 'PENDING' OR (OLD.status = 'VALIDATED' AND NEW.status IN ('EXECUTED', 'CANCELLED', 'FAILED'))) BEGIN SELECT RAISE(ABORT, 'a signal does not move like that'); END;

CREATE VIEW generated_signals AS SELECT g.id, g.config_id, i.symbol, i.token, datetime(g.end_at / 1000000, 'unixepoch') AS signal_time, CASE g.side WHEN 'BUY' THEN 'Long' ELSE 'Short' END AS direction, round(g.entry / pow(10.0, i.price_decimals), i.price_decimals) AS price, nullif(g.timeframe, '') AS timeframe, CASE g.status WHEN 'EXECUTED' THEN 'Executed' WHEN 'FAILED' THEN 'Rejected' WHEN 'CANCELLED' THEN 'Rejected' ELSE 'New' END AS status, g.home, g.mode, g.run, g.status_reason AS reason, g.config AS config_name, g.user_name, g.exchange, g.order_type, g.product_type, g.contract_size, g.quantity, round(g.stop / pow(10.0, i.price_decimals), i.price_decimals) AS stop, round(g.target / pow(10.0, i.price_decimals), i.price_decimals) AS target, g.active, datetime(g.created_at / 1000000, 'unixepoch') AS created_at, datetime(g.updated_at / 1000000, 'unixepoch') AS updated_at FROM signals g JOIN instruments i ON i.id = g.instrument;
