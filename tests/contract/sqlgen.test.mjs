// The generator of typed queries: what it makes of a statement, and what it refuses.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'

const generator = fileURLToPath(new URL('../../tools/sqlgen.py', import.meta.url))

/** {code, says, header, source} of a folder with this one file. */
function generate(sql) {
  const folder = mkdtempSync(join(tmpdir(), 'sqlgen-'))
  try {
    mkdirSync(join(folder, 'sql'))
    writeFileSync(join(folder, 'sql/x.sql'), sql)
    const { status, stderr } = spawnSync('python3', [generator, join(folder, 'sql'), folder], { encoding: 'utf8' })
    const read = (name) => (status === 0 ? readFileSync(join(folder, name), 'utf8') : '')
    return { code: status, says: stderr, header: read('queries.h'), source: read('queries.c') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const statement = ({ name = 'thing_get', kind = 'one', input = 'id u64', out = 'thing_row(id u64, name str?)',
  sql = 'SELECT id, name FROM things WHERE id = :id;' }) =>
  [`-- name: ${name} :${kind}`, input && `-- in: ${input}`, out && `-- out: ${out}`, sql].filter(Boolean).join('\n') + '\n'

test('a statement becomes a typed function', () => {
  const { code, says, header, source } = generate(statement({}))
  assert.equal(code, 0, says)
  assert.match(header, /struct thing_row \{\n {4}uint64_t id;\n {4}struct str name;\n\};/)
  assert.match(header, /enum err q_thing_get\(struct ctx \*ctx, uint64_t id, struct thing_row \*row\) MUST_CHECK;/)
  assert.match(source, /"SELECT id, name FROM things WHERE id = \?"/)
})

test('a parameter may stand twice, and a comment may hold a semicolon', () => {
  const { code, says, source } = generate('-- name: thing_get :one\n-- This; and that.\n-- in: id u64\n-- out: thing_row(id u64)\n'
    + 'SELECT id FROM things\nWHERE id = :id OR parent_id = :id;\n\n-- a closing word\n')
  assert.equal(code, 0, says)
  assert.match(source, /WHERE id = \? OR parent_id = \?/)
  assert.match(source, /\{value_u64\(id\), value_u64\(id\)\}/)
})

test('more than four parameters are a struct', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const { code, says, header } = generate(statement({ kind: 'exec', out: null, input: names.map((name) => `${name} i64`).join(', '),
    sql: `INSERT INTO things (a, b, c, d, e) VALUES (${names.map((name) => `:${name}`).join(', ')});` }))
  assert.equal(code, 0, says)
  assert.match(header, /enum err q_thing_get\(struct ctx \*ctx, const struct q_thing_get_in \*in, uint64_t \*affected\)/)
})

test('lists are run in fixed sizes', () => {
  const { code, says, header, source } = generate(statement({ kind: 'many', input: 'ids u64[]', sql: 'SELECT id, name FROM things WHERE id IN (:ids);' }))
  assert.equal(code, 0, says)
  assert.match(header, /const uint64_t \*ids, size_t n_ids, struct thing_row \*\*rows, size_t \*n/)
  assert.deepEqual([...source.matchAll(/\.n_params = (\d+)/g)].map(([, n]) => Number(n)), [1, 4, 16, 64, 256])
})

test('lists of structs are rows of an INSERT that may be run twice', () => {
  const rows = (sql) => generate(statement({ name: 'things_add', kind: 'exec', out: '', input: 'rows thing(id u64, name str)[]', sql }))
  const { code, says, header, source } = rows('INSERT INTO things (id, name) VALUES :rows ON DUPLICATE KEY UPDATE name = VALUES(name);')
  assert.equal(code, 0, says)
  assert.match(header, /const struct thing \*rows, size_t n_rows/)
  assert.match(source, /VALUES \(\?, \?\), \(\?, \?\), \(\?, \?\), \(\?, \?\) ON DUPLICATE KEY UPDATE/)
  for (const sql of ['INSERT INTO things (id, name) VALUES :rows;', 'INSERT INTO things (id, name) VALUES (:rows) ON DUPLICATE KEY UPDATE id = id;']) {
    const refused = rows(sql)
    assert.notEqual(refused.code, 0)
    assert.match(refused.says, /a list stands in IN/)
  }
})

test('lists of structs stand in tuples', () => {
  const { code, says, header, source } = generate(statement({ kind: 'many', input: 'refs thing_ref(a u64, b u64)[]',
    sql: 'SELECT id, name FROM things WHERE (a, b) IN (:refs);' }))
  assert.equal(code, 0, says)
  assert.match(header, /struct thing_ref \{/)
  assert.match(source, /\(a, b\) IN \(\(\?, \?\)\)/)
})

test('lists of spans are ranges, and long ones a union', () => {
  const { code, says, header, source } = generate(statement({ kind: 'many',
    input: 'spans span(id u64, low u64, high u64)[]', sql: 'SELECT t.id, t.name FROM things AS t WHERE (t.id, t.at) WITHIN :spans;' }))
  assert.equal(code, 0, says)
  assert.match(header, /const struct span \*spans, size_t n_spans/)
  assert.match(source, /WHERE \(\(t\.id = \? AND t\.at BETWEEN \? AND \?\)\)"/)
  assert.deepEqual([...source.matchAll(/\.n_params = (\d+)/g)].map(([, n]) => Number(n)), [3, 12, 48, 192, 768])
  const texts = source.split('.sql =').slice(1).map((text) => text.replace(/"\s+"/g, ''))
  assert.deepEqual(texts.map((text) => text.match(/BETWEEN/g).length), [1, 4, 16, 64, 256])
  assert.deepEqual(texts.map((text) => text.match(/SELECT/g).length), [1, 1, 4, 16, 64])
  assert.deepEqual(texts.map((text) => (text.match(/ UNION ALL /g) ?? []).length), [0, 0, 3, 15, 63])
})

const refusals = {
  'columns by another name': [{ sql: 'SELECT id, title FROM things WHERE id = :id;' }, /columns declared/],
  'columns in another order': [{ sql: 'SELECT name, id FROM things WHERE id = :id;' }, /columns declared/],
  'a column without a name': [{ sql: 'SELECT id, COUNT(name) FROM things WHERE id = :id;' }, /needs a name/],
  'a parameter that is not used': [{ input: 'id u64, other u64' }, /parameters declared/],
  'a parameter that is not declared': [{ input: null }, /parameters declared/],
  'an unknown type': [{ input: 'id int' }, /is not `name type`/],
  'a select of everything': [{ sql: 'SELECT * FROM things WHERE id = :id;' }, /refused/],
  'a bare question mark': [{ sql: 'SELECT id, name FROM things WHERE id = :id AND name = ?;' }, /refused/],
  'two statements': [{ sql: 'SELECT id, name FROM things WHERE id = :id; DELETE FROM things WHERE id = :id;' }, /text after the semicolon/],
  'no semicolon': [{ sql: 'SELECT id, name FROM things WHERE id = :id' }, /no semicolon/],
  'a comment inside': [{ sql: 'SELECT id, name FROM things WHERE id = :id /* x */;' }, /refused/],
  'a double quote': [{ sql: 'SELECT id, name FROM things WHERE id = :id AND name = "x";' }, /refused/],
  'concatenation': [{ sql: "SELECT id, name FROM things WHERE id = :id AND name = CONCAT(name, 'x');" }, /concatenation/],
  'RETURNING': [{ kind: 'exec', out: null, sql: 'DELETE FROM things WHERE id = :id RETURNING id;' }, /RETURNING/],
  'a change of a whole table': [{ kind: 'exec', out: null, input: null, sql: 'DELETE FROM things;' }, /whole table/],
  'another verb than the kind says': [{ sql: 'DELETE FROM things WHERE id = :id;' }, /begins with SELECT/],
  'columns of a change': [{ kind: 'exec', sql: 'DELETE FROM things WHERE id = :id;' }, /has no out/],
  'a row that nobody declares': [{ out: 'other_row' }, /declared nowhere/],
  'an order of what may be a union': [{ kind: 'many', input: 'spans span(id u64, low u64, high u64)[]',
    sql: 'SELECT id, name FROM things WHERE (id, at) WITHIN :spans ORDER BY id;' }, /neither ORDER BY nor LIMIT/],
  'a list outside IN': [{ kind: 'many', input: 'id u64[]' }, /stands in IN/],
}
for (const [what, [parts, says]] of Object.entries(refusals)) {
  test(`refused: ${what}`, () => {
    const made = generate(statement(parts))
    assert.notEqual(made.code, 0)
    assert.match(made.says, says)
    assert.doesNotMatch(made.says, /Traceback/)
  })
}

test('refused: a name twice', () => {
  assert.match(generate(statement({}) + statement({ out: 'thing_row' })).says, /the name is taken/)
})
