// A person without a browser, who speaks to the house by its API; for what a scene needs before it begins.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'

import { house } from './browser.mjs'

export const PASSWORD = 'a horse at every 驿站 1'

export class Person {
  /** In another house than the one that all share, by its `url`. */
  static async register(nickname, url = house.local_url) {
    const person = new Person()
    person.url = url
    person.name = `p_${randomBytes(4).toString('hex')}`
    const account = { username: person.name, nickname: nickname ?? person.name, password: PASSWORD, device: { name: 'test', platform: 'web' } }
    const { user, access_token } = await person.call('POST', '/register', account)
    return Object.assign(person, { id: user.id, nickname: user.nickname, token: access_token })
  }

  async call(method, path, body) {
    const headers = { 'content-type': 'application/json', ...(this.token && { authorization: `Bearer ${this.token}` }) }
    const answer = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
    return answer.json()
  }

  async befriend(other) {
    const request = await this.call('POST', '/friend-requests', { user_id: other.id })
    this.conversation = (await other.call('POST', `/friend-requests/${request.id}/accept`)).conversation_id
  }

  say(text, conversation = this.conversation) {
    return this.send('text', { text }, conversation)
  }

  send(type, content, conversation = this.conversation) {
    return this.call('POST', `/conversations/${conversation}/messages`, { client_msg_id: randomUUID(), type, content })
  }
}
