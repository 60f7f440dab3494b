-- Rows, indexes, joins, window functions, text and JSON; every result depends on the script alone. The number of rows
-- is set by the runner in the table `scale`.
PRAGMA journal_mode = WAL;
PRAGMA cache_size = -2000;
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city INTEGER, born INTEGER, note TEXT);
CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE event (id INTEGER PRIMARY KEY, person INTEGER REFERENCES person(id), kind TEXT, amount REAL, data TEXT);

INSERT INTO city WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
  SELECT i, 'city ' || i || substr('abcdefghijklmnopqrstuvwxyz', i % 20, i % 7) FROM n;
BEGIN;
INSERT INTO person WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT rows FROM scale))
  SELECT i, printf('person %06d %x', (i * 7919) % 1000003, i * 31), (i * 37) % 200 + 1, 1930 + (i * 13) % 80,
         replace(hex(zeroblob((i * 11) % 90)), '00', char(97 + i % 26)) FROM n;
INSERT INTO event SELECT id * 3, id, CASE id % 3 WHEN 0 THEN 'in' WHEN 1 THEN 'out' ELSE 'void' END,
         ((id * 7927) % 100000) / 100.0, json_object('id', id, 'tags', json_array(id % 5, id % 7, 'x' || id)) FROM person;
INSERT INTO event SELECT id * 3 + 1, id, 'more', id % 97, json_object('half', id / 2) FROM person WHERE id % 2 = 0;
COMMIT;

CREATE INDEX person_city ON person(city, born);
CREATE INDEX person_name ON person(name);
CREATE INDEX event_person ON event(person, kind);

SELECT count(*), sum(length(note)), min(name), max(name) FROM person;
SELECT c.name, count(*), round(sum(e.amount), 2) FROM event e JOIN person p ON p.id = e.person JOIN city c ON c.id = p.city
  WHERE e.kind <> 'void' GROUP BY c.id ORDER BY 3 DESC, 1 LIMIT 15;
SELECT born, name, rank FROM (SELECT born, name, row_number() OVER (PARTITION BY born ORDER BY name DESC) AS rank FROM person)
  WHERE rank <= 2 AND born % 10 = 0 ORDER BY born, rank;
SELECT kind, count(*), round(avg(amount), 4), group_concat(id, ',') FROM (SELECT * FROM event WHERE id % 997 = 0 ORDER BY id)
  GROUP BY kind ORDER BY kind;
SELECT sum(json_extract(data, '$.tags[1]')), count(DISTINCT json_extract(data, '$.tags[2]')) FROM event;
SELECT count(*) FROM person a JOIN person b ON a.name = b.name;
SELECT a.id, b.id FROM person a, person b WHERE a.city = b.city AND a.born = b.born AND a.id < b.id ORDER BY 1, 2 LIMIT 20;

SAVEPOINT trial;
UPDATE person SET note = note || note || name WHERE id % 3 = 0;
SELECT sum(length(note)) FROM person;
ROLLBACK TO trial;
RELEASE trial;
DELETE FROM event WHERE kind = 'void';
UPDATE person SET note = upper(note) WHERE city < 50;
SELECT count(*), sum(unicode(note)) FROM person WHERE note LIKE '%A%';
VACUUM;
PRAGMA integrity_check;
PRAGMA foreign_key_check;
SELECT count(*), sum(id), round(sum(amount), 2) FROM event;
