// What tests ask an S3 server by themselves: paths that are signed in the query (AWS's signature, version 4), and how much is in
// a bucket. Of its own, so that a mistake of the house's signer is none of the tests'.
import { createHash, createHmac } from 'node:crypto'

const REGION = 'us-east-1'
const escape = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** The path and query for one request. @param server {endpoint, accessKey, secretKey} */
export function presigned(server, method, path, query = {}, { at = new Date(), expiresS = 600 } = {}) {
  const host = new URL(server.endpoint).host
  const time = at.toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/${REGION}/s3/aws4_request`
  const all = { ...query, 'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Credential': `${server.accessKey}/${scope}`, 'X-Amz-Date': time,
    'X-Amz-Expires': String(expiresS), 'X-Amz-SignedHeaders': 'host' }
  const words = Object.entries(all).map((pair) => pair.map(escape).join('=')).sort().join('&')
  const request = [method, path, words, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join('\n')
  const key = scope.split('/').reduce((former, part) => createHmac('sha256', former).update(part).digest(), `AWS4${server.secretKey}`)
  return `${path}?${words}&X-Amz-Signature=${createHmac('sha256', key).update(text).digest('hex')}`
}

async function ask(server, method, path, query) {
  const response = await fetch(server.endpoint + presigned(server, method, path, query), { method })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.text()
}

const valuesOf = (xml, name) => [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, value]) => value)

async function keys(server) {
  const all = []
  let after
  do {
    const xml = await ask(server, 'GET', `/${server.bucket}`, { 'list-type': '2', ...(after ? { 'start-after': after } : {}) })
    const some = valuesOf(xml, 'Key')
    all.push(...some)
    after = /<IsTruncated>true/.test(xml) && some.at(-1)
  } while (after)
  return all
}

/** How many objects the house's bucket has, and uploads by pieces that were begun and neither joined nor dropped. */
export async function countObjects(server) {
  const unfinished = valuesOf(await ask(server, 'GET', `/${server.bucket}`, { uploads: '' }), 'UploadId')
  return (await keys(server)).length + unfinished.length
}

/** Removes the bucket with all that is in it, if it is there. */
export async function removeBucket(server) {
  const there = await fetch(server.endpoint + presigned(server, 'HEAD', `/${server.bucket}`), { method: 'HEAD' })
  if (there.status === 404) return
  for (const key of await keys(server)) await ask(server, 'DELETE', `/${server.bucket}/${key}`)
  const xml = await ask(server, 'GET', `/${server.bucket}`, { uploads: '' })
  const ids = valuesOf(xml, 'UploadId')
  for (const [i, key] of valuesOf(xml, 'Key').entries()) await ask(server, 'DELETE', `/${server.bucket}/${key}`, { uploadId: ids[i] })
  await ask(server, 'DELETE', `/${server.bucket}`)
}
