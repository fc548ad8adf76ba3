// A real model behind OpenAI's /v1/chat/completions, as a process of its own: llama.cpp (node-llama-cpp) with the model of
// gguf.mjs, or TEST_MODEL_FILE, a trained one.   node model-server.mjs FOLDER   where node-llama-cpp is installed; says its
// port in a line.
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { writeModel } from './gguf.mjs'

const [folder] = process.argv.slice(2)
const { getLlama, LlamaChatSession, LlamaLogLevel, TokenBias } = await import(pathToFileURL(join(folder, 'node_modules/node-llama-cpp/dist/index.js')))

const trained = process.env.TEST_MODEL_FILE
const path = trained ?? join(folder, 'noise.gguf')
if (!trained) writeModel(path)
const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.error })
const model = await llama.loadModel({ modelPath: path })
const context = await model.createContext({ threads: 1, sequences: 1 })
const sequence = context.getSequence()
// Noise would end anywhere.
const endless = new TokenBias(model.tokenizer).set(model.tokens.eos, 'never')
const said = []

async function answer(body, response) {
  await sequence.clearHistory()
  const session = new LlamaChatSession({ contextSequence: sequence, autoDisposeSequence: false })
  const send = (event) => response.write(`data: ${JSON.stringify(event)}\n\n`)
  const history = body.messages.slice(0, -1).map(({ role, content }) => (role === 'assistant' ? { type: 'model', response: [content] }
    : { type: role === 'system' ? 'system' : 'user', text: content }))
  session.setChatHistory(history)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let text = ''
  await session.prompt(body.messages.at(-1).content, {
    maxTokens: body.max_tokens,
    temperature: body.temperature,
    seed: 7,
    tokenBias: trained ? undefined : endless,
    onTextChunk(part) {
      text += part
      send({ object: 'chat.completion.chunk', model: body.model, choices: [{ index: 0, delta: { content: part }, finish_reason: null }] })
    },
  })
  const meter = sequence.tokenMeter
  send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  send({ choices: [], usage: { prompt_tokens: meter.usedInputTokens, completion_tokens: meter.usedOutputTokens } })
  said.push({ text, input: meter.usedInputTokens, output: meter.usedOutputTokens })
  response.end('data: [DONE]\n\n')
  session.dispose({ disposeSequence: false })
}

let turn = Promise.resolve() // one answer at a time
createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (part) => (text += part))
  request.on('end', () => {
    if (request.url === '/said') return response.end(JSON.stringify(said))
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions') return response.writeHead(404).end()
    turn = turn.then(() => answer(JSON.parse(text), response)).catch((problem) => {
      console.error(problem)
      response.destroy()
    })
  })
}).listen(0, '127.0.0.1', function () {
  console.log(this.address().port)
})
