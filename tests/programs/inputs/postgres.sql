-- Sorts, joins, aggregates, JSON, arrays, large values and functions on parallel workers; every result depends on the
-- script alone. `:rows` is set by the caller.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET work_mem = '16MB';

CREATE TABLE fact AS
  SELECT i AS id, (i::bigint * 7919) % 100003 AS key, md5(i::text) AS text, (i % 97)::numeric / 7 AS amount,
         CASE WHEN i % 50 = 0 THEN repeat(md5(i::text), 200 + i % 300) END AS large,
         jsonb_build_object('id', i, 'tags', jsonb_build_array(i % 5, i % 7, 'x' || i), 'half', i / 2) AS data
  FROM generate_series(1, :rows) AS i;
ALTER TABLE fact ALTER COLUMN large SET STORAGE EXTERNAL;
CREATE INDEX fact_key ON fact (key);
CREATE INDEX fact_data ON fact USING gin (data);
CREATE TABLE part (key bigint, name text) PARTITION BY HASH (key);
CREATE TABLE part0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO part SELECT key, 'name ' || key FROM fact WHERE id % 3 = 0;
ANALYZE;

SELECT count(*), sum(key), min(text), max(text), sum(length(large)) FROM fact;
SELECT key % 10 AS k, count(*), round(avg(amount), 6), count(DISTINCT left(text, 3)) FROM fact GROUP BY 1 ORDER BY 1;
SELECT count(*), sum(a.key), min(b.name) FROM fact a JOIN part b ON a.key = b.key WHERE a.text > '4';
SELECT md5(string_agg(text, ',' ORDER BY text DESC)) FROM fact;
SELECT md5(array_agg(data ORDER BY key, id)::text) FROM fact WHERE data @> '{"tags": [3]}';
SELECT sum((data->>'half')::int), count(DISTINCT data->'tags'->2) FROM fact;
SELECT key, id, rank FROM (SELECT key, id, row_number() OVER (PARTITION BY key % 100 ORDER BY text) AS rank FROM fact) AS r
  WHERE rank = 1 ORDER BY key, id LIMIT 10;
SELECT count(*), sum(length(m[1])) FROM (SELECT regexp_matches(text, '([a-f]{2,})[0-9]+([a-f])', 'g') AS m FROM fact) AS r;
SELECT md5(string_agg(xmlelement(name row, xmlattributes(id), text)::text, '' ORDER BY id)) FROM fact WHERE id % 100 = 0;
WITH RECURSIVE tree (id, depth) AS (
  SELECT 1, 0 UNION ALL SELECT child, depth + 1 FROM tree, LATERAL (VALUES (id * 2), (id * 2 + 1)) AS c (child)
    WHERE child < :rows / 4)
SELECT depth, count(*), sum(id) FROM tree GROUP BY depth ORDER BY depth DESC LIMIT 3;

CREATE FUNCTION collatz(n bigint) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS $$
DECLARE
  steps int := 0;
BEGIN
  WHILE n <> 1 LOOP
    n := CASE WHEN n % 2 = 0 THEN n / 2 ELSE 3 * n + 1 END;
    steps := steps + 1;
  END LOOP;
  RETURN steps;
EXCEPTION WHEN division_by_zero THEN
  RETURN -1;
END $$;
SELECT max(collatz(i)), sum(collatz(i)) FROM generate_series(1, :rows / 40) AS i;

-- The compiler of expressions, where it is installed.
SET jit = on;
SET jit_above_cost = 0;
SET jit_inline_above_cost = 0;
SET jit_optimize_above_cost = 0;
SELECT sum(key * 3 + id % 7), count(*) FILTER (WHERE text LIKE '%ab%'), max(amount * 2 + key) FROM fact WHERE key % 3 <> 1;
SET jit = off;

UPDATE fact SET text = upper(text), large = large || 'more' WHERE id % 5 = 0;
DELETE FROM fact WHERE id % 7 = 0;
SELECT count(*), md5(string_agg(text || coalesce(md5(large), ''), '' ORDER BY id)) FROM fact;
VACUUM FULL fact;
REINDEX TABLE fact;
CLUSTER fact USING fact_key;
SELECT count(*), md5(string_agg(text, '' ORDER BY id)) FROM fact;
