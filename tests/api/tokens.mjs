// Access tokens made by hand, with the key of the house.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { house } from './house.mjs'

const MAC_BYTES = 32
const KEY_AT = 2
const hmac = (key, data) => createHmac('sha256', key).update(data).digest()

/**
 * For changing one person's token: sign(change, key) gives a token whose payload went through `change`, expiring(at) one
 * that lives until then; keyOf(secret) is the key under another secret.
 */
export async function tokenSmith(person) {
  const genuine = Buffer.from(person.token, 'base64url')
  const keyId = genuine.readUInt16BE(KEY_AT) // after a rotation the former one signs for a while
  const [[salt]] = await house.sql(`SELECT HEX(salt) FROM token_keys WHERE id = ${keyId}`)
  const keyOf = (secret) => hmac(hmac(secret, 'posthouse'), Buffer.from(salt, 'hex'))
  const own = keyOf(readFileSync(`${house.folder}/secret`))
  const head = genuine.subarray(0, genuine.length - MAC_BYTES)
  assert.deepEqual(hmac(own, head), genuine.subarray(-MAC_BYTES), `key ${keyId} signs as the house does`)
  const sign = (change, key = own) => {
    const payload = Buffer.from(head)
    change(payload)
    return Buffer.concat([payload, hmac(key, payload)]).toString('base64url')
  }
  const expiring = (at) => sign((payload) => payload.writeBigInt64BE(BigInt(at), head.length - 8))
  return { sign, keyOf, expiring }
}
