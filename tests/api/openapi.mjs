// openapi.yaml as tests need it: operations with their parameters and bodies, references resolved.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const document = parse(readFileSync(fileURLToPath(new URL('../../openapi.yaml', import.meta.url)), 'utf8'))

/** Follows a reference; a schema that has none is itself. */
export function resolve(node) {
  if (!node?.$ref) return node
  return resolve(node.$ref.slice(2).split('/').reduce((at, key) => at[key], document))
}

/** The name of the schema that a reference points to, or undefined. */
export const nameOf = (node) => node?.$ref?.split('/').at(-1)

const METHODS = ['get', 'put', 'post', 'patch', 'delete']

/** [{id, method, path, open, parameters, body, bodyName, answers: status → schema, statuses}] */
export const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => {
    const operation = item[method]
    const body = operation.requestBody?.content['application/json']?.schema
    const answers = Object.entries(operation.responses).map(([status, response]) =>
      [Number(status), resolve(response).content?.['application/json']?.schema])
    return {
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      open: operation.security?.length === 0,
      parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve),
      body: resolve(body),
      bodyName: nameOf(body),
      answers: new Map(answers),
    }
  }))

export const operation = (id) => operations.find((one) => one.id === id)
