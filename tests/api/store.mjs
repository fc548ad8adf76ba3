// What is in the store of the house that the suites share: a folder, or (POSTHOUSE_STORE=s3) a bucket.
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { house } from './house.mjs'

const execute = promisify(execFile)
export const isS3 = process.env.POSTHOUSE_STORE === 's3'

async function inFolder() {
  const all = await readdir(join(house.folder, 'files'), { withFileTypes: true, recursive: true }).catch(() => [])
  return all.filter((one) => one.isFile()).length
}

async function inBucket() {
  const { stdout } = await execute('radosgw-admin', ['-c', process.env.TEST_CEPH_CONF, 'bucket', 'list', '--bucket=posthouse',
    '--max-entries=100000'], { maxBuffer: 1 << 26 })
  return JSON.parse(stdout).length
}

/** How many objects the store has, unfinished ones included as far as it tells. */
export const objects = () => (isS3 ? inBucket() : inFolder())
