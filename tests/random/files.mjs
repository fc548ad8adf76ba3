// Files after all that was done with the messages that name them: who reads one, and what a conversation lists, is what a
// fresh reading shows of entries.
const KINDS = ['image', 'file', 'voice', 'video']

/** Each person's own file, small. */
export async function giveFile(device) {
  const { is, body } = await device.ask({ method: 'POST', path: '/files', body: { of: device.account.name } })
  if (is !== 'ok') throw new Error(`a file of ${device.account.name}: ${JSON.stringify(body)}`)
  device.account.file = body.id
}

/** What the reader of `fresh` may do with files and should not, or the other way round: [{conversation?, what}]. */
export async function wrongFiles(device, fresh, people) {
  const wrong = []
  const named = new Set()
  for (const [id, { entries }] of fresh.conversations) {
    const naming = [...entries.values()].filter((text) => text.includes('"file_id"'))
    for (const text of naming) for (const [, file] of text.matchAll(/"file_id":"(\d+)"/g)) named.add(file)
    const seqs = naming.map((text) => JSON.parse(text)).filter(({ type }) => KINDS.includes(type)).map(({ seq }) => seq).sort((a, b) => b - a)
    const listed = (await device.all(`/conversations/${id}/files`)).map(({ seq }) => seq)
    if (String(listed) !== String(seqs)) wrong.push({ conversation: id, what: `lists files of ${listed}, a reading has ${seqs}` })
  }
  for (const { id, name, file } of people) {
    const { status } = await device.ask({ path: `/files/${file}` })
    const wanted = id === device.account.id || named.has(file) ? 200 : 404
    if (status !== wanted) wrong.push({ what: `the file ${file} of ${name} is ${status}, not ${wanted}` })
  }
  return wrong
}
