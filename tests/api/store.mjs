// What is in the store of the house that the suites share: a folder, or (POSTHOUSE_STORE=s3) a bucket.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { countObjects } from '../lib/s3sign.mjs'
import { house } from './house.mjs'

export const isS3 = process.env.POSTHOUSE_STORE === 's3'

async function inFolder() {
  const all = await readdir(join(house.folder, 'files'), { withFileTypes: true, recursive: true }).catch(() => [])
  return all.filter((one) => one.isFile()).length
}

/** Not by the house's own way to it, which may be one with troubles. */
const inBucket = () => countObjects(JSON.parse(process.env.TEST_BUCKET))

/** How many objects the store has, unfinished ones included as far as it tells. */
export const objects = () => (isS3 ? inBucket() : inFolder())
