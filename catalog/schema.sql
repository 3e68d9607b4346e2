-- The catalog: append-only tables folded from the events, and views over them. Times are UTC.
-- Names and columns are promises: docs/catalog.md.
CREATE SCHEMA raw;
CREATE SCHEMA processed;
CREATE SCHEMA output;
CREATE TABLE folded (stream VARCHAR, number BIGINT);
CREATE TABLE assets (
  declared_at TIMESTAMP, key VARCHAR, layer VARCHAR, description VARCHAR, file VARCHAR, line BIGINT,
  owner VARCHAR, tags VARCHAR[], schedule VARCHAR, task VARCHAR, sources VARCHAR[],
  code_version VARCHAR, schema_fingerprint VARCHAR, renamed_from VARCHAR, error VARCHAR,
  removed BOOLEAN, event BIGINT);
CREATE TABLE edges (declared_at TIMESTAMP, upstream VARCHAR, downstream VARCHAR, event BIGINT);
CREATE TABLE materializations (
  key VARCHAR, version BIGINT, created_at TIMESTAMP, created_by VARCHAR, run VARCHAR, attempt VARCHAR,
  request VARCHAR, as_of TIMESTAMP, started_at TIMESTAMP, why VARCHAR[], unchanged BOOLEAN,
  rows BIGINT, rows_in BIGINT, duplicates BIGINT, quarantined BIGINT, retry_rows BIGINT,
  bytes BIGINT, data_version VARCHAR, content_algorithm VARCHAR, code_version VARCHAR,
  config MAP(VARCHAR, VARCHAR), schema_version BIGINT, schema_fingerprint VARCHAR,
  seconds DOUBLE, cpu_seconds DOUBLE, peak_memory BIGINT, host VARCHAR, log VARCHAR,
  release VARCHAR, provenance VARCHAR, warnings VARCHAR[],
  mode VARCHAR, base BIGINT, added BIGINT, replaced BIGINT, cursor VARCHAR);
CREATE TABLE files (
  key VARCHAR, version BIGINT, ordinal BIGINT, path VARCHAR, rows BIGINT, bytes BIGINT,
  checksum VARCHAR, content VARCHAR, partition VARCHAR);
CREATE TABLE inputs (
  key VARCHAR, version BIGINT, upstream VARCHAR, upstream_version BIGINT, data_version VARCHAR);
CREATE TABLE sources (
  key VARCHAR, version BIGINT, path VARCHAR, bytes BIGINT, checksum VARCHAR);
CREATE TABLE schema_versions (
  key VARCHAR, schema_version BIGINT, fingerprint VARCHAR, since_version BIGINT, created_at TIMESTAMP);
CREATE TABLE schema_columns (
  key VARCHAR, schema_version BIGINT, ordinal BIGINT, name VARCHAR, type VARCHAR,
  nullable BOOLEAN, is_unique BOOLEAN, allowed VARCHAR[]);
CREATE TABLE checks (
  key VARCHAR, version BIGINT, attempt VARCHAR, created_at TIMESTAMP, name VARCHAR, column_name VARCHAR,
  severity VARCHAR, passed BOOLEAN, rows BIGINT, value DOUBLE, threshold DOUBLE, detail VARCHAR);
CREATE TABLE quarantine (
  key VARCHAR, version BIGINT, attempt VARCHAR, created_at TIMESTAMP, rows BIGINT, retry_rows BIGINT,
  file VARCHAR);
CREATE TABLE llm_usage (
  key VARCHAR, version BIGINT, attempt VARCHAR, created_at TIMESTAMP, engine VARCHAR, model VARCHAR, task VARCHAR,
  rows BIGINT, unique_rows BIGINT, cached_rows BIGINT, requests BIGINT, failed_requests BIGINT,
  prompt_tokens BIGINT, completion_tokens BIGINT, cost DOUBLE, seconds DOUBLE);
CREATE TABLE attempts (
  key VARCHAR, number BIGINT, after_version BIGINT, created_at TIMESTAMP, created_by VARCHAR, run VARCHAR,
  attempt VARCHAR, state VARCHAR, error_type VARCHAR, error VARCHAR, fix VARCHAR, rows BIGINT,
  quarantined BIGINT, seconds DOUBLE, log VARCHAR, host VARCHAR);
CREATE TABLE changes (
  key VARCHAR, number BIGINT, created_at TIMESTAMP, created_by VARCHAR, kind VARCHAR, version BIGINT,
  versions BIGINT[], reason VARCHAR);
CREATE TABLE reviews (
  key VARCHAR, number BIGINT, version BIGINT, created_at TIMESTAMP, created_by VARCHAR,
  reviewer VARCHAR, rows BIGINT, good BIGINT, bad BIGINT, reviewed_rows BIGINT, right_rows BIGINT,
  accuracy DOUBLE, low DOUBLE, high DOUBLE, file VARCHAR);
CREATE TABLE states (
  key VARCHAR, as_of TIMESTAMP, state VARCHAR, reasons VARCHAR[], held BIGINT, event BIGINT);
CREATE TABLE run_events (
  run VARCHAR, created_at TIMESTAMP, created_by VARCHAR, kind VARCHAR, trigger VARCHAR, selected VARCHAR[],
  planned BIGINT, state VARCHAR, made BIGINT, unchanged BIGINT, fresh BIGINT, failed BIGINT,
  number BIGINT);
CREATE TABLE alerts (
  created_at TIMESTAMP, change VARCHAR, kind VARCHAR, key VARCHAR, cause VARCHAR, title VARCHAR,
  text VARCHAR, told VARCHAR[], event BIGINT);
CREATE TABLE audit (
  created_at TIMESTAMP, created_by VARCHAR, what VARCHAR, key VARCHAR, number BIGINT, event_id VARCHAR);

CREATE VIEW current AS
WITH moves AS (
  SELECT key, version AS number, version, 0 AS held FROM materializations
  UNION ALL
  SELECT key, number, version, version FROM changes WHERE kind = 'rolled_back'
  UNION ALL
  SELECT key, number, NULL, 0 FROM changes WHERE kind = 'released'
), filled AS (
  SELECT key, number, held,
    last_value(version IGNORE NULLS) OVER (PARTITION BY key ORDER BY number) AS version
  FROM moves
), last AS (
  SELECT * FROM filled QUALIFY row_number() OVER (PARTITION BY key ORDER BY number DESC) = 1
)
SELECT m.*, last.held FROM materializations m
JOIN last ON last.key = m.key AND last.version = m.version;

CREATE VIEW declared AS
SELECT * EXCLUDE (removed) FROM (
  SELECT * FROM assets QUALIFY row_number() OVER (PARTITION BY key ORDER BY event DESC) = 1)
WHERE NOT removed;

CREATE VIEW lineage AS
SELECT e.upstream, e.downstream FROM edges e
JOIN declared d ON d.key = e.downstream AND d.event = e.event;

CREATE VIEW state AS
SELECT s.key, s.state, s.reasons, s.held, s.as_of FROM (
  SELECT * FROM states QUALIFY row_number() OVER (PARTITION BY key ORDER BY event DESC) = 1) s
JOIN declared d ON d.key = s.key;

CREATE VIEW freshness AS
SELECT c.key, c.version, c.created_at AS made_at, c.as_of, d.schedule,
  s.state, s.as_of AS state_as_of
FROM current c LEFT JOIN declared d USING (key) LEFT JOIN state s USING (key);

CREATE VIEW runs AS
SELECT run, min(created_at) FILTER (WHERE kind = 'run_started') AS started_at,
  max(created_at) FILTER (WHERE kind = 'run_finished') AS finished_at,
  any_value(created_by) FILTER (WHERE kind = 'run_started') AS created_by, any_value(trigger) AS trigger,
  any_value(selected) AS selected, max(planned) AS planned,
  coalesce(max_by(state, number) FILTER (WHERE kind = 'run_finished'), 'running') AS state,
  max_by(made, number) AS made, max_by(unchanged, number) AS unchanged,
  max_by(fresh, number) AS fresh, max_by(failed, number) AS failed
FROM run_events GROUP BY run;

-- The page in Data Docs of each version and blocked attempt, below the data folder. An asset's
-- newest pages are kept (DATAOPS_DOCS_KEEP), and that of the current version.
CREATE VIEW data_docs AS
SELECT key, version, attempt, created_at, 'docs/' || key || '/' || version || '.html' AS page
FROM materializations
UNION ALL
SELECT key, NULL, attempt, created_at, 'docs/' || key || '/attempt-' || number || '.html'
FROM attempts WHERE state = 'blocked';

CREATE VIEW success_rate AS
WITH tries AS (
  SELECT key, created_at, true AS ok FROM materializations
  UNION ALL SELECT key, created_at, false FROM attempts)
SELECT key, count(*) AS attempts, count(*) FILTER (WHERE ok) AS succeeded,
  count(*) FILTER (WHERE ok) / count(*) AS rate, max(created_at) AS last_attempt_at
FROM tries GROUP BY key;

-- Alerts whose cause lasts; `told` are the connections that they are for.
CREATE VIEW open_alerts AS
SELECT kind, key, cause, title, text, told, created_at AS since FROM alerts
WHERE change IN ('opened', 'closed')
QUALIFY row_number() OVER (PARTITION BY kind, key, cause ORDER BY event DESC) = 1
  AND change = 'opened';

-- The rows in all quarantine files; folding points it at them as soon as there is one.
CREATE VIEW quarantined_rows AS
SELECT NULL::VARCHAR AS file, NULL::VARCHAR AS row, NULL::VARCHAR AS rule, NULL::VARCHAR AS column,
  NULL::VARCHAR AS reason, NULL::VARCHAR AS source, NULL::BIGINT AS line, NULL::BOOLEAN AS retry,
  NULL::VARCHAR AS answer
WHERE false;

-- Every call to a model and to a web source, and how each cleaned row was made; pointed at their files likewise.
CREATE VIEW llm_calls AS
SELECT NULL::VARCHAR AS key, NULL::VARCHAR AS file, NULL::TIMESTAMP AS called_at,
  NULL::VARCHAR AS endpoint, NULL::VARCHAR AS model, NULL::VARCHAR AS answered_as,
  NULL::VARCHAR AS task, NULL::VARCHAR AS kind, NULL::BIGINT AS rows, NULL::BIGINT AS status,
  NULL::BIGINT AS prompt_tokens, NULL::BIGINT AS completion_tokens, NULL::DOUBLE AS cost,
  NULL::DOUBLE AS latency, NULL::VARCHAR AS error, NULL::VARCHAR AS request,
  NULL::VARCHAR AS response
WHERE false;
CREATE VIEW source_calls AS
SELECT NULL::VARCHAR AS key, NULL::VARCHAR AS file, NULL::TIMESTAMP AS called_at,
  NULL::VARCHAR AS method, NULL::VARCHAR AS url, NULL::VARCHAR AS kind, NULL::BIGINT AS attempt,
  NULL::BIGINT AS status, NULL::BIGINT AS bytes, NULL::DOUBLE AS seconds, NULL::VARCHAR AS error
WHERE false;
CREATE VIEW provenance AS
SELECT NULL::VARCHAR AS key, NULL::VARCHAR AS file, NULL::BIGINT AS position, NULL::VARCHAR AS id,
  NULL::VARCHAR AS item, NULL::VARCHAR AS model, NULL::VARCHAR AS task,
  NULL::VARCHAR AS config_version, NULL::VARCHAR AS origin, NULL::INTEGER AS attempts
WHERE false;

-- What people found in the rows of each version, as of its latest review.
CREATE VIEW accuracy AS
SELECT key, version, reviewed_rows AS reviewed, right_rows AS good, accuracy, low, high,
  created_at AS latest
FROM reviews QUALIFY row_number() OVER (PARTITION BY key, version ORDER BY number DESC) = 1;
CREATE VIEW verdicts AS
SELECT NULL::VARCHAR AS key, NULL::VARCHAR AS file, NULL::BIGINT AS row, NULL::VARCHAR AS id,
  NULL::VARCHAR AS "column", NULL::VARCHAR AS raw, NULL::VARCHAR AS cleaned,
  NULL::VARCHAR AS verdict, NULL::VARCHAR AS corrected, NULL::VARCHAR AS comment
WHERE false;

CREATE VIEW cost_by_day AS
SELECT created_at::DATE AS day, key, model, sum(requests) AS requests, sum(rows) AS rows,
  sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
  sum(cost) AS cost
FROM llm_usage GROUP BY ALL;

-- Each asset is reached once, by the shortest way: that also ends where a broken graph goes round.
CREATE MACRO upstream_of(k) AS TABLE
WITH RECURSIVE edge AS MATERIALIZED (FROM lineage), walk(key, distance) USING KEY (key) AS (
  SELECT DISTINCT upstream, 1 FROM edge WHERE downstream = k
  UNION
  SELECT DISTINCT l.upstream, w.distance + 1 FROM walk w JOIN edge l ON l.downstream = w.key
  WHERE l.upstream NOT IN (SELECT key FROM recurring.walk))
SELECT key, distance FROM walk ORDER BY distance, key;

CREATE MACRO downstream_of(k) AS TABLE
WITH RECURSIVE edge AS MATERIALIZED (FROM lineage), walk(key, distance) USING KEY (key) AS (
  SELECT DISTINCT downstream, 1 FROM edge WHERE upstream = k
  UNION
  SELECT DISTINCT l.downstream, w.distance + 1 FROM walk w JOIN edge l ON l.upstream = w.key
  WHERE l.downstream NOT IN (SELECT key FROM recurring.walk))
SELECT key, distance FROM walk ORDER BY distance, key;

-- Which versions went into a version, down to the beginning; and which versions it went into.
CREATE MACRO made_from(k, v) AS TABLE
WITH RECURSIVE walk AS (
  SELECT upstream AS key, upstream_version AS version, 1 AS distance
  FROM inputs WHERE key = k AND version = v
  UNION
  SELECT i.upstream, i.upstream_version, w.distance + 1
  FROM walk w JOIN inputs i ON i.key = w.key AND i.version = w.version)
SELECT key, version, min(distance) AS distance FROM walk GROUP BY ALL ORDER BY distance, key, version;

CREATE MACRO used_by(k, v) AS TABLE
WITH RECURSIVE walk AS (
  SELECT key, version, 1 AS distance FROM inputs WHERE upstream = k AND upstream_version = v
  UNION
  SELECT i.key, i.version, w.distance + 1
  FROM walk w JOIN inputs i ON i.upstream = w.key AND i.upstream_version = w.version)
SELECT key, version, min(distance) AS distance FROM walk GROUP BY ALL ORDER BY distance, key, version;

-- The versions whose rows stand in a version: its own, and those it was appended to, newest first.
CREATE MACRO parts_of(k, v) AS TABLE
WITH RECURSIVE walk AS (
  SELECT key, version, base FROM materializations WHERE key = k AND version = v
  UNION
  SELECT m.key, m.version, m.base
  FROM walk w JOIN materializations m ON m.key = w.key AND m.version = w.base)
SELECT key, version FROM walk ORDER BY version DESC;

CREATE MACRO history_of(k) AS TABLE
SELECT * FROM (
  SELECT version AS number, created_at, 'materialized' AS what, created_by, rows, data_version, unchanged,
    seconds, array_to_string(why, '; ') AS detail
  FROM materializations WHERE key = k
  UNION ALL
  SELECT number, created_at, kind, created_by, NULL, NULL, NULL, NULL,
    concat_ws(' ', 'version ' || version, array_to_string(versions, ', '), reason)
  FROM changes WHERE key = k
  UNION ALL
  SELECT after_version, created_at, state, created_by, rows, NULL, NULL, seconds, error
  FROM attempts WHERE key = k)
ORDER BY created_at DESC, number DESC;

CREATE MACRO schema_diff(k, a, b) AS TABLE
WITH old AS (SELECT * FROM schema_columns WHERE key = k AND schema_version = a),
     new AS (SELECT * FROM schema_columns WHERE key = k AND schema_version = b)
SELECT coalesce(old.name, new.name) AS column_name,
  CASE WHEN old.name IS NULL THEN 'added' WHEN new.name IS NULL THEN 'removed'
       ELSE 'changed' END AS change,
  old.type AS old_type, new.type AS new_type,
  old.nullable AS old_nullable, new.nullable AS new_nullable,
  old.is_unique AS old_unique, new.is_unique AS new_unique,
  old.allowed AS old_allowed, new.allowed AS new_allowed
FROM old FULL JOIN new ON old.name = new.name
WHERE old.name IS NULL OR new.name IS NULL OR old.type <> new.type
  OR old.nullable <> new.nullable OR old.is_unique <> new.is_unique
  OR old.allowed IS DISTINCT FROM new.allowed
ORDER BY coalesce(new.ordinal, old.ordinal);
