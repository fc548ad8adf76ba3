// Checks answers of a running house against openapi.yaml, and remembers which operations were exercised.
//
//   const recorder = createRecorder('openapi.yaml')
//   recorder.check('GET', '/api/v1/me', 200, headers, bodyText)   → [] or what is wrong, each a sentence
//   recorder.unexercised()                                        → operationIds that no answer was checked for
//
// Says nothing about requests: a test may send what it likes.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import responseValidator from 'openapi-response-validator'
import { parse } from 'yaml'

const ResponseValidator = responseValidator.default ?? responseValidator
const PREFIX = '/api/v1'
const METHODS = ['get', 'put', 'post', 'patch', 'delete']

// Codes that any operation may answer where it declares their status; the others stand in its `x-codes`.
const COMMON_CODES = new Set([
  'invalid_request', 'unauthenticated', 'token_expired', 'not_found', 'length_required', 'too_large',
  'upgrade_required', 'rate_limited', 'unavailable', 'outcome_unknown',
])
// Statuses that tell how long to wait.
const RETRY_AFTER = new Set([429, 503])

export function createRecorder(openapiPath) {
  const document = parse(readFileSync(openapiPath, 'utf8'))
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    if (schema.discriminator) document.components.schemas[name] = byDiscriminator(schema)
  }
  const operations = operationsOf(document)
  const problem = new ResponseValidator({
    responses: { 404: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } } },
    components: document.components,
  })
  const seen = new Map()

  function find(method, path) {
    const plain = path.split('?')[0]
    const below = plain.startsWith(`${PREFIX}/`) ? plain.slice(PREFIX.length) : plain
    return operations.find((one) => one.method === method.toLowerCase() && one.pattern.test(below)) ?? null
  }

  /** What is wrong with one answer. `headers` is a Headers or an object with names in any case. */
  function check(method, path, status, headers, bodyText) {
    const header = headerOf(headers)
    const operation = find(method, path)
    const wrong = commonFaults(status, header)
    if (!operation) return [...wrong, ...strayFaults(status, header, bodyText, problem)]
    note(seen, operation.id, status)
    const response = operation.responses[status]
    if (!response) return [...wrong, `${operation.id} does not declare status ${status}`]
    return [...wrong, ...bodyFaults(operation, response, status, header, bodyText)]
  }

  /** What is wrong with a body of a poll that came in another way. */
  function pollFaults(bodyText) {
    const operation = find('GET', '/poll')
    return bodyFaults(operation, operation.responses[200], 200, () => 'application/json', bodyText)
  }

  return {
    check,
    pollFaults,
    /** The operationId of a request, or null. */
    operationOf: (method, path) => find(method, path)?.id ?? null,
    operationIds: operations.map((one) => one.id),
    /** operationId → set of the statuses that were answered. */
    exercised: () => seen,
    unexercised: () => operations.map((one) => one.id).filter((id) => !seen.has(id)),
  }
}

let recorder = null

/** `check` with the repository's openapi.yaml, told together with the operation. `body` is the parsed body or its text. */
export function checkAnswer(method, path, status, headers, body) {
  recorder ??= createRecorder(fileURLToPath(new URL('../../openapi.yaml', import.meta.url)))
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  return { operationId: recorder.operationOf(method, path), problems: recorder.check(method, path, status, headers, text) }
}

/** A piece of an event stream: {messages: [{id, data}], comments, rest: what is not whole yet}. Fields that we never send are kept. */
export function splitStream(text) {
  const blocks = text.split('\n\n')
  const rest = blocks.pop()
  const messages = []
  let comments = 0
  for (const lines of blocks.map((block) => block.split('\n'))) {
    const said = lines.filter((line) => !line.startsWith(':'))
    comments += lines.length - said.length
    if (said.length) messages.push(Object.fromEntries(said.map((line) => line.split(/: (.*)/s, 2))))
  }
  return { messages, comments, rest }
}

/** What is wrong with one message of a stream: it is what a poll answers, and its id is the cursor. */
export function messageFaults({ id, data, ...others }) {
  recorder ??= createRecorder(fileURLToPath(new URL('../../openapi.yaml', import.meta.url)))
  const faults = recorder.pollFaults(data ?? '')
  if (!faults.length && JSON.parse(data).cursor !== id) faults.push(`the id is ${id}, not the cursor`)
  return [...faults, ...Object.keys(others).map((name) => `a message has no ${name}`)]
}

/** The operationIds that `checkAnswer` has not seen. */
export function unexercised() {
  recorder ??= createRecorder(fileURLToPath(new URL('../../openapi.yaml', import.meta.url)))
  return recorder.unexercised()
}

function operationsOf(document) {
  const operations = []
  const validators = new Map()
  // Compiling one takes a while, and most responses are the same: each is compiled once, when it is first met.
  const validatorOf = (response) => {
    const key = JSON.stringify(response.content)
    if (!validators.has(key)) {
      validators.set(key, new ResponseValidator({ responses: { default: response }, components: document.components }))
    }
    return validators.get(key)
  }
  for (const [path, item] of Object.entries(document.paths)) {
    const pattern = new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`)
    for (const method of METHODS) {
      const operation = item[method]
      if (!operation) continue
      const responses = {}
      for (const [status, response] of Object.entries(operation.responses)) responses[status] = resolve(document, response)
      operations.push({
        id: operation.operationId,
        method,
        pattern,
        responses,
        codes: new Set(operation['x-codes'] ?? []),
        faultsIn: (response, value) => faultsOf(validatorOf(response).validateResponse('default', value)),
      })
    }
  }
  // A path without parameters before one that would match it with some.
  return operations.sort((a, b) => a.pattern.source.split('[^/]+').length - b.pattern.source.split('[^/]+').length)
}

/** A oneOf with a discriminator, so written that a fault names what is wrong with the one that was meant, not with all the others. */
function byDiscriminator({ discriminator: { propertyName, mapping } }) {
  return {
    type: 'object',
    required: [propertyName],
    properties: { [propertyName]: { enum: Object.keys(mapping) } },
    allOf: Object.entries(mapping).map(([value, $ref]) => ({
      if: { properties: { [propertyName]: { const: value } } },
      then: { $ref },
    })),
  }
}

function resolve(document, node) {
  if (!node.$ref) return node
  return node.$ref.slice(2).split('/').reduce((at, key) => at[key], document)
}

function headerOf(headers) {
  if (typeof headers?.get === 'function') return (name) => headers.get(name)
  const lower = new Map(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  return (name) => lower.get(name.toLowerCase()) ?? null
}

function commonFaults(status, header) {
  const wrong = []
  if (!header('X-Request-Id')) wrong.push('X-Request-Id is missing')
  if (RETRY_AFTER.has(status) && !/^[1-9]\d*$/.test(header('Retry-After') ?? '')) {
    wrong.push(`Retry-After is ${header('Retry-After')}, not whole seconds`)
  }
  return wrong
}

/** No operation has this path and method: it must be refused, by a problem. */
function strayFaults(status, header, bodyText, problem) {
  if (status < 400) return [`status ${status} for a path and method that openapi.yaml does not have`]
  const { value, wrong } = parsed(bodyText, header, 'application/problem+json')
  return wrong ?? faultsOf(problem.validateResponse(404, value))
}

function bodyFaults(operation, response, status, header, bodyText) {
  const types = Object.keys(response.content ?? {})
  if (types.length === 0) return bodyText ? [`${status} has a body: ${bodyText.slice(0, 80)}`] : []
  if (types[0] === '*/*') return header('Content-Type') ? [] : ['it has no Content-Type']
  if (types[0] === 'text/event-stream') return streamFaults(header, bodyText)
  const { value, wrong } = parsed(bodyText, header, types[0])
  if (wrong) return wrong
  const faults = operation.faultsIn(response, value)
  if (types[0] !== 'application/problem+json') return faults
  if (value.status !== status) faults.push(`the problem says status ${value.status}, the answer ${status}`)
  if (!COMMON_CODES.has(value.code) && !operation.codes.has(value.code)) {
    faults.push(`${operation.id} does not declare the code ${value.code}`)
  }
  return faults
}

function streamFaults(header, bodyText) {
  const { messages, rest } = splitStream(bodyText)
  const type = header('Content-Type')
  const wrong = [
    ...(type === 'text/event-stream; charset=utf-8' ? [] : [`Content-Type is ${type}`]),
    ...(header('X-Accel-Buffering') === 'no' ? [] : ['it may be buffered']),
    ...(messages.length ? [] : ['no message came']),
    ...(rest === '' ? [] : [`it ends within ${rest}`]),
  ]
  return [...wrong, ...messages.flatMap(messageFaults)]
}

function parsed(bodyText, header, type) {
  const given = (header('Content-Type') ?? '').split(';')[0].trim().toLowerCase()
  if (given !== type) return { wrong: [`Content-Type is ${given || 'missing'}, not ${type}`] }
  try {
    return { value: JSON.parse(bodyText) }
  } catch (error) {
    return { wrong: [`the body is no JSON: ${error.message}`] }
  }
}

function faultsOf(result) {
  return (result?.errors ?? []).map((error) => `${error.path ?? 'body'}: ${error.message}`)
}

function note(seen, id, status) {
  const statuses = seen.get(id) ?? new Set()
  seen.set(id, statuses.add(status))
}
