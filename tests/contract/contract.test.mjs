// The handlers' route tables against openapi.yaml: the same operations, and of each the same parameters, fields, types,
// bounds and words. What a handler decodes and encodes comes from these tables, so the two cannot say different things.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'

import { operations, resolve } from '../api/openapi.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const PREFIX = '/api/v1'

const programs = readdirSync(`${root}/handlers`).filter((name) => name.endsWith('.c')).map((name) => basename(name, '.c'))
const table = (name) => {
  const program = `${root}/build/${process.env.MODE ?? 'release'}/bin/posthouse-${name}`
  return JSON.parse(execFileSync(program, ['--routes'], { cwd: root, encoding: 'utf8' }))
}
const routes = programs.flatMap(table)
const prefixed = routes.filter(({ path }) => path.startsWith(`${PREFIX}/`))

/** The alternatives of a schema that are not null, and whether null is one. */
function alternatives(raw) {
  const schema = resolve(raw)
  const all = (schema.oneOf ?? [schema]).map(resolve)
  const types = all.flatMap(({ type }) => type ?? [])
  return { schema: all.find(({ type }) => type !== 'null') ?? schema, many: all.filter(({ type }) => type !== 'null').length > 1,
    nullable: types.includes('null') }
}

const JSON_TYPE = { bool: 'boolean', int: 'integer', time: 'integer', id: 'string', string: 'string', enum: 'string', uuid: 'string',
  object: 'object', list: 'array', ids: 'array', ints: 'array', strs: 'array', real: 'number' }
const ID_PATTERN = '^[1-9][0-9]{0,19}$'
const BOUNDS = { int: ['minimum', 'maximum'], string: ['minLength', 'maxLength'], list: ['minItems', 'maxItems'], ids: ['minItems', 'maxItems'],
  ints: ['minItems', 'maxItems'], strs: ['minItems', 'maxItems'], real: ['minimum', 'maximum'] }

/** What is different between a field of a table and its schema. */
function compareField(field, raw, at, isInput) {
  const { schema, many, nullable } = alternatives(raw)
  const wrong = []
  const differ = (what, ours, theirs) => {
    if (String(ours) !== String(theirs)) wrong.push(`${at}: ${what} is ${ours} in the table and ${theirs} in openapi.yaml`)
  }
  differ('null', Boolean(field.nullable), nullable)
  if (field.type === 'choice') return [...wrong, ...compareChoice(field, resolve(raw), at)]
  if (field.type === 'json' || many) return wrong
  differ('the type', JSON_TYPE[field.type], [schema.type].flat().find((type) => type !== 'null'))
  if (field.type === 'id') differ('the form', ID_PATTERN, schema.pattern)
  if (field.type === 'ids') differ('the form', ID_PATTERN, resolve(schema.items).pattern)
  if (field.type === 'enum') differ('the words', field.names, (schema.enum ?? []).filter((word) => word !== null))
  else differ('the words', '', schema.enum ?? '')
  if (isInput && BOUNDS[field.type]) {
    const [low, high] = BOUNDS[field.type]
    differ(low, field.min ?? 0, schema[low] ?? 0)
    differ(high, field.max ?? 'none', schema[high] ?? 'none')
  }
  if (field.type === 'object') wrong.push(...compareShape(field.shape, schema, at, isInput))
  if (field.type === 'list') wrong.push(...compareShape(field.shape, resolve(schema.items), `${at}[]`, isInput))
  return wrong
}

/** Each shape that can be chosen is one of the alternatives, by its name, and each alternative can be chosen. */
function compareChoice(field, { anyOf = [] }, at) {
  const alternatives = new Map(anyOf.map(({ $ref }) => [$ref.split('/').at(-1), { $ref }]))
  const named = new Map(field.shapes.map((shape) => [shape.name, shape]))
  const wrong = [...alternatives.keys()].filter((name) => !named.has(name)).map((name) => `${at}: ${name} cannot be chosen`)
  for (const [name, shape] of named) {
    if (!alternatives.has(name)) wrong.push(`${at}: ${name} is only in the table`)
    else wrong.push(...compareShape(shape, alternatives.get(name), `${at} as ${name}`, true))
  }
  return wrong
}

/** Fields of an object: the same names, the same ones required, each the same. */
function compareShape(shape, raw, at, isInput) {
  const schema = resolve(raw)
  if (!shape?.fields) return schema.properties && shape === null ? [`${at}: the table has no fields`] : []
  return compareFields(shape.fields, schema, at, isInput)
}

function compareFields(fields, schema, at, isInput) {
  if (schema.oneOf) return []
  const { properties = {}, required = [] } = schema
  const wrong = []
  const names = fields.map(({ name }) => name)
  for (const name of Object.keys(properties)) if (!names.includes(name)) wrong.push(`${at}.${name} is only in openapi.yaml`)
  for (const field of fields) {
    const here = `${at}.${field.name}`
    if (!properties[field.name]) {
      wrong.push(`${here} is only in the table`)
      continue
    }
    const must = isInput ? field.required : !field.optional
    if (must !== required.includes(field.name)) wrong.push(`${here}: required is ${must} in the table`)
    wrong.push(...compareField(field, properties[field.name], here, isInput))
  }
  return wrong
}

/** Parameters of the path or the query. */
function compareParameters(fields, parameters, at) {
  const properties = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]))
  const required = parameters.filter((parameter) => parameter.required).map(({ name }) => name)
  return compareFields(fields, { properties, required }, at, true)
}

function compareRoute(route, operation) {
  const at = operation.id
  const wrong = []
  const differ = (what, ours, theirs) => {
    if (ours !== theirs) wrong.push(`${at}: ${what} is ${ours} in the table and ${theirs} in openapi.yaml`)
  }
  differ('the method', route.method, operation.method)
  differ('the path', route.path, PREFIX + operation.path)
  differ('open', route.open, operation.open)
  differ('Idempotency-Key', route.idempotent, operation.parameters.some(({ name }) => name === 'Idempotency-Key'))
  if (!operation.answers.has(route.status)) wrong.push(`${at}: status ${route.status} is not in openapi.yaml`)
  const fields = route.in?.fields ?? []
  for (const place of ['path', 'query']) {
    const there = operation.parameters.filter((parameter) => parameter.in === place)
    wrong.push(...compareParameters(fields.filter(({ source }) => source === place), there, `${at} ${place}`))
  }
  const body = fields.filter(({ source }) => source === 'body')
  if (body.length || operation.body) wrong.push(...compareFields(body, operation.body ?? {}, `${at} request`, true))
  const answer = operation.answers.get(route.status)
  // An answer that another part encodes (the log writer, the poll) is checked where it is made: by every API test.
  if (route.out) wrong.push(...compareShape(route.out, answer ?? {}, `${at} answer`, false))
  else if (answer && !route.later) wrong.push(`${at}: the table has no answer`)
  return wrong
}

test('the tables and openapi.yaml have the same operations', () => {
  assert.deepEqual(prefixed.map(({ operation }) => operation).sort(), operations.map(({ id }) => id).sort())
})

test('what is answered without the prefix is answered with it', () => {
  for (const bare of routes.filter((route) => !prefixed.includes(route))) {
    assert.ok(prefixed.some(({ method, path }) => method === bare.method && path === PREFIX + bare.path), bare.path)
  }
})

for (const operation of operations) {
  test(`${operation.id}: parameters, fields, types and bounds are the same`, () => {
    const route = prefixed.find((one) => one.operation === operation.id)
    assert.ok(route, 'no route')
    assert.deepEqual(compareRoute(route, operation), [])
  })
}
