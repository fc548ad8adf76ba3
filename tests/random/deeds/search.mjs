// Looking for something that was said. A hit is of a conversation of this person's, and says what was looked for: nothing
// that was recalled or hidden by then, nothing of a group that he had left by then.
const SOUGHT = ['courier', 'cour', '信使', 'наезд', 'better', 'cheval', '驿']

/** How often each thing was changed that decides who reads: what is the same afterwards did not change meanwhile. */
const changesOf = ({ touched }) => new Map([...touched].filter(([key]) => key.startsWith('members ')).map(([key, { changes }]) => [key, changes]))

function find(world, device, draw) {
  const { ledger } = world
  const user = device.account.id
  const q = draw.pick(SOUGHT)
  const conversation = draw.chance(0.3) ? draw.pick(ledger.of(user)) : undefined
  let changes
  return {
    conversations: conversation ? [conversation.id] : [], reads: conversation?.group ? [`members ${conversation.id}`] : [],
    request: { method: 'GET', path: `/search/messages?q=${encodeURIComponent(q)}&limit=100${conversation ? `&conversation_id=${conversation.id}` : ''}` },
    expect() {
      changes ??= changesOf(world)
      return [!conversation || ledger.isIn(user, conversation) ? 'ok' : 'not_found']
    },
    done({ items }) {
      for (const { entry, snippet } of items) {
        const of = ledger.conversations.get(entry.conversation_id)
        const key = `members ${of?.id}`
        const isStill = !of?.group || changes.get(key) === world.touched.get(key)?.changes
        const known = of?.entries.find(({ seq }) => seq === entry.seq)
        const gone = [known?.recalled, known?.hiddenBy.get(user)].some((since) => since < this.began)
        const isHit = snippet.some(({ hit, text }) => hit && text.toLowerCase().startsWith(q))
        if (!of || (isStill && !ledger.isIn(user, of)) || gone || !isHit || entry.recalled_at !== null) {
          world.wrong.push(`${device.who} looked for ${q} [${this.began}-${this.ended}] and found ${JSON.stringify(entry).slice(0, 300)} (request ${this.request_id})`)
        }
      }
    },
  }
}

export const SEARCH = { find: [0.7, find] }
