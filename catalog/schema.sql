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
  mode VARCHAR, base BIGINT, added BIGINT, replaced BIGINT, cursor VARCHAR, accepted BIGINT,
  corrections VARCHAR, deleted BIGINT, deleted_keys VARCHAR[], deleted_file VARCHAR, marks BIGINT,
  workbook VARCHAR);
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
CREATE TABLE profiles (
  key VARCHAR, version BIGINT, created_at TIMESTAMP, column_name VARCHAR, rows BIGINT, missing BIGINT,
  distinct_values BIGINT, mean DOUBLE);
CREATE TABLE decisions (
  key VARCHAR, version BIGINT, created_at TIMESTAMP, created_by VARCHAR, decision VARCHAR,
  rows BIGINT, file VARCHAR, reason VARCHAR);
CREATE TABLE llm_usage (
  key VARCHAR, version BIGINT, attempt VARCHAR, created_at TIMESTAMP, engine VARCHAR, model VARCHAR, task VARCHAR,
  rows BIGINT, unique_rows BIGINT, cached_rows BIGINT, requests BIGINT, failed_requests BIGINT,
  prompt_tokens BIGINT, completion_tokens BIGINT, cost DOUBLE, seconds DOUBLE);
CREATE TABLE attempts (
  key VARCHAR, number BIGINT, after_version BIGINT, created_at TIMESTAMP, created_by VARCHAR, run VARCHAR,
  attempt VARCHAR, state VARCHAR, error_type VARCHAR, error VARCHAR, fix VARCHAR, rows BIGINT,
  quarantined BIGINT, seconds DOUBLE, log VARCHAR, host VARCHAR,
  signal VARCHAR, step VARCHAR, peak_memory BIGINT, memory_limit BIGINT);
CREATE TABLE changes (
  key VARCHAR, number BIGINT, created_at TIMESTAMP, created_by VARCHAR, kind VARCHAR, version BIGINT,
  versions BIGINT[], reason VARCHAR);
CREATE TABLE reviews (
  key VARCHAR, number BIGINT, version BIGINT, created_at TIMESTAMP, created_by VARCHAR,
  reviewer VARCHAR, rows BIGINT, good BIGINT, bad BIGINT, reviewed_rows BIGINT, right_rows BIGINT,
  accuracy DOUBLE, low DOUBLE, high DOUBLE, file VARCHAR);
CREATE TABLE states (
  key VARCHAR, as_of TIMESTAMP, state VARCHAR, reasons VARCHAR[], held BIGINT, event BIGINT,
  due_at TIMESTAMP);
CREATE TABLE run_events (
  run VARCHAR, created_at TIMESTAMP, created_by VARCHAR, kind VARCHAR, trigger VARCHAR, selected VARCHAR[],
  planned BIGINT, state VARCHAR, made BIGINT, unchanged BIGINT, fresh BIGINT, failed BIGINT,
  number BIGINT);
CREATE TABLE alerts (
  created_at TIMESTAMP, change VARCHAR, kind VARCHAR, key VARCHAR, cause VARCHAR, title VARCHAR,
  text VARCHAR, told VARCHAR[], event BIGINT);
CREATE TABLE verifications (
  number BIGINT, created_at TIMESTAMP, created_by VARCHAR, events BIGINT, files BIGINT, bytes BIGINT,
  total_files BIGINT, total_bytes BIGINT, findings BIGINT, oldest_read_at TIMESTAMP);
CREATE TABLE findings (
  created_at TIMESTAMP, change VARCHAR, kind VARCHAR, key VARCHAR, version BIGINT, path VARCHAR,
  found VARCHAR, detail VARCHAR, event BIGINT);
CREATE TABLE lost_events (
  stream VARCHAR, number BIGINT, created_at TIMESTAMP, checksum VARCHAR, reason VARCHAR);
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
SELECT s.key, s.state, s.reasons, s.held, s.as_of, s.due_at FROM (
  SELECT * FROM states QUALIFY row_number() OVER (PARTITION BY key ORDER BY event DESC) = 1) s
JOIN declared d ON d.key = s.key;

-- Late: its time to be made has passed, as of now; nothing that is held is. What is made from
-- something late is behind.
CREATE VIEW freshness AS
WITH RECURSIVE own AS (
  SELECT d.key, c.version, c.created_at AS made_at, c.as_of, d.schedule, s.state,
    s.as_of AS state_as_of, s.due_at,
    coalesce(s.due_at <= make_timestamp(epoch_us(now())) AND coalesce(c.held, 0) = 0, false) AS late
  FROM declared d LEFT JOIN current c USING (key) LEFT JOIN state s USING (key)
), behind(key, late_upstream) AS (
  SELECT l.downstream, o.key FROM lineage l JOIN own o ON o.key = l.upstream WHERE o.late
  UNION
  SELECT l.downstream, b.late_upstream FROM behind b JOIN lineage l ON l.upstream = b.key
)
SELECT o.*, CASE WHEN late THEN due_at END AS late_since,
  CASE WHEN late THEN make_timestamp(epoch_us(now())) - due_at END AS late_for,
  (SELECT coalesce(list(late_upstream ORDER BY late_upstream), []) FROM behind b
   WHERE b.key = o.key) AS late_upstream
FROM own o;

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

-- What was found not to be as it was recorded, and still is not.
CREATE VIEW open_findings AS
SELECT kind, key, version, path, found, detail, created_at AS since FROM findings
QUALIFY row_number() OVER (PARTITION BY path ORDER BY event DESC) = 1 AND change = 'opened';

-- How good each version is, 0 to 100, and each blocked attempt (0): docs/quality.md has the formula.
CREATE VIEW quality AS
WITH found AS (
  SELECT key, version, attempt, any_value(created_at) AS created_at,
    count(*) FILTER (WHERE passed) / count(*) AS checks,
    count(*) FILTER (WHERE NOT passed) AS failed_checks,
    sum(rows) FILTER (WHERE name = 'missing values') AS missing,
    bool_or(NOT passed AND severity = 'block') AS blocked,
    coalesce(max(rows) FILTER (
      WHERE NOT passed AND severity = 'warn' AND name LIKE 'expect!_%' ESCAPE '!'), 0) AS broken
  FROM checks GROUP BY ALL
), wide AS (
  SELECT key, schema_version, count(*) AS columns FROM schema_columns GROUP BY ALL
), made AS (
  SELECT m.key, m.version, m.attempt, m.created_at, m.rows, m.rows_in, m.quarantined, m.duplicates,
    coalesce(f.missing, 0) AS missing, m.rows * w.columns AS cells,
    coalesce(f.checks, 1) AS checks, coalesce(f.failed_checks, 0) AS failed_checks,
    coalesce(f.broken, 0) AS broken, coalesce(f.blocked, false) AS blocked
  FROM materializations m LEFT JOIN wide w USING (key, schema_version)
  LEFT JOIN found f ON f.key = m.key AND f.version = m.version
  UNION ALL
  SELECT a.key, NULL, a.attempt, a.created_at, NULL, a.rows, a.quarantined, NULL,
    f.missing, NULL, coalesce(f.checks, 0), coalesce(f.failed_checks, 0), coalesce(f.broken, 0), true
  FROM attempts a LEFT JOIN found f ON f.key = a.key AND f.attempt = a.attempt AND f.version IS NULL
  WHERE a.state = 'blocked'
), parts AS (
  SELECT *, CASE WHEN cells > 0 THEN 1 - missing / cells WHEN cells = 0 THEN 1 END AS complete,
    -- Rows set aside are of those that came, rows that break a suite of the version as a whole.
    greatest(1 - coalesce(quarantined / nullif(rows_in, 0), 0)
      - coalesce(broken / nullif(coalesce(rows, rows_in), 0), 0), 0) AS valid,
    CASE WHEN rows_in > 0 THEN 1 - duplicates / rows_in ELSE 1 END AS unique_rows
  FROM made
), scored AS (
  SELECT *, CASE WHEN blocked THEN 0 ELSE
    round(100 * (0.3 * complete + 0.4 * valid + 0.1 * unique_rows + 0.2 * checks), 1) END AS score
  FROM parts
)
SELECT key, version, attempt, created_at, score,
  round(score - lag(CASE WHEN version IS NOT NULL THEN score END IGNORE NULLS)
    OVER (PARTITION BY key ORDER BY created_at), 1) AS change,
  complete, valid, unique_rows, checks, failed_checks, rows, rows_in, missing, cells, quarantined,
  broken, duplicates
FROM scored;

-- A version beside the versions that it was made from: before and after cleaning.
CREATE VIEW quality_change AS
WITH above AS (
  SELECT i.key, i.version, list(i.upstream || ' ' || i.upstream_version ORDER BY i.upstream) AS made_from,
    sum(u.missing) / nullif(sum(u.cells), 0) AS missing,
    sum(u.quarantined) / nullif(sum(u.rows_in), 0)
      + coalesce(sum(u.broken) / nullif(sum(u.rows), 0), 0) AS errors,
    sum(u.duplicates) / nullif(sum(u.rows_in), 0) AS duplicates,
    sum(u.score * u.rows_in) / nullif(sum(u.rows_in), 0) AS score
  FROM inputs i JOIN quality u ON u.key = i.upstream AND u.version = i.upstream_version
  GROUP BY ALL
), both_sides AS (
  SELECT q.key, q.version, q.created_at, a.made_from,
    a.missing AS missing_before, q.missing / nullif(q.cells, 0) AS missing_after,
    a.errors AS errors_before, q.quarantined / nullif(q.rows_in, 0)
      + coalesce(q.broken / nullif(q.rows, 0), 0) AS errors_after,
    a.duplicates AS duplicates_before, q.duplicates / nullif(q.rows_in, 0) AS duplicates_after,
    a.score AS score_before, q.score AS score_after
  FROM quality q JOIN above a USING (key, version)
)
SELECT *, (missing_after - missing_before) / nullif(missing_before, 0) AS missing_change,
  (errors_after - errors_before) / nullif(errors_before, 0) AS errors_change,
  (duplicates_after - duplicates_before) / nullif(duplicates_before, 0) AS duplicates_change,
  (score_after - score_before) / nullif(score_before, 0) AS score_change
FROM both_sides;

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

-- Corrections that people made of rejected rows: each file holds all that were in force by then.
CREATE VIEW corrections AS
SELECT NULL::VARCHAR AS key, NULL::VARCHAR AS file, NULL::VARCHAR AS rejected,
  NULL::VARCHAR AS corrected, NULL::VARCHAR AS rule, NULL::VARCHAR AS "column",
  NULL::VARCHAR AS reason, NULL::VARCHAR AS accepted_by, NULL::TIMESTAMP AS accepted_at,
  NULL::VARCHAR AS why
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
