// All suites of the API through nginx, over one house. A suite alone:  tools/node.sh --test tests/api/suites/poll.mjs
import assert from 'node:assert/strict'

import { test } from './client.mjs'
import { metric } from './house.mjs'
import { unexercised } from './validate.mjs'

import './suites/gateway.mjs'
import './suites/accounts.mjs'
import './suites/sessions.mjs'
import './suites/users.mjs'
import './suites/friends.mjs'
import './suites/groups.mjs'
import './suites/messages.mjs'
import './suites/entries.mjs'
import './suites/groupmessages.mjs'
import './suites/found.mjs'
import './suites/history.mjs'
import './suites/search.mjs'
import './suites/sync.mjs'
import './suites/files.mjs'
import './suites/filesonce.mjs'
import './suites/filesload.mjs'
import './suites/uploads.mjs'
import './suites/tusclient.mjs'
import './suites/pictures.mjs'
import './suites/filemessages.mjs'
import './suites/poll.mjs'
import './suites/stream.mjs'
import './suites/ai.mjs'
import './suites/helps.mjs'
import './suites/roles.mjs'
import './suites/hostile.mjs'

test('every operation of openapi.yaml was answered, and as it says', () => {
  assert.deepEqual(unexercised(), [])
})

// It would go in the middle of some count of rows (house.mjs).
test('nothing was left for the courier to sweep', async () => {
  assert.equal(await metric('posthouse_rows_expired_total'), 0)
})
