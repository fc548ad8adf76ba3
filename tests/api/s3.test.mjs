// The suites of files once more, over a real S3 server instead of a folder; and what only such a store can do to a house.
import { after } from 'node:test'

import { openS3 } from '../lib/s3.mjs'

const s3 = await openS3()
Object.assign(process.env, s3.settings, { TEST_BUCKET: JSON.stringify(s3) })
after(() => s3.close())
// At once: the runner ends when all tests that it knows of are done.
await Promise.all([import('./suites/files.mjs'), import('./suites/filesonce.mjs'), import('./suites/filesload.mjs'), import('./suites/uploads.mjs'),
  import('./suites/tusclient.mjs'), import('./suites/pictures.mjs')])
