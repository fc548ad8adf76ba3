// All suites of the API through nginx, over one house. A suite alone:  tools/node.sh --test tests/api/suites/poll.mjs
import assert from 'node:assert/strict'

import { test } from './client.mjs'
import { unexercised } from './validate.mjs'

import './suites/gateway.mjs'
import './suites/accounts.mjs'
import './suites/sessions.mjs'
import './suites/users.mjs'
import './suites/friends.mjs'
import './suites/messages.mjs'
import './suites/history.mjs'
import './suites/sync.mjs'
import './suites/files.mjs'
import './suites/uploads.mjs'
import './suites/pictures.mjs'
import './suites/poll.mjs'
import './suites/stream.mjs'
import './suites/roles.mjs'
import './suites/hostile.mjs'

test('every operation of openapi.yaml was answered, and as it says', () => {
  assert.deepEqual(unexercised(), [])
})
