// A model for llama.cpp that knows nothing: the architecture of Llama, a vocabulary of bytes, random weights, 17 MB.
// What it says is noise, but it is loaded, asked, and answers token by token as a trained one does.
import { writeFileSync } from 'node:fs'

const WIDTH = 256 // so large that it takes a moment to answer
const LAYERS = 4
const HEADS = 4
const HIDDEN = 768
const ALIGN = 32
const TYPE = { u32: 4, f32: 6, bool: 7, string: 8, array: 9 }
const TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"

const fixed = (bytes, write) => (value) => {
  const buffer = Buffer.alloc(bytes)
  buffer[write](value)
  return buffer
}
const u32 = fixed(4, 'writeUInt32LE')
const f32 = fixed(4, 'writeFloatLE')
const u64 = (value) => fixed(8, 'writeBigUInt64LE')(BigInt(value))
const text = (value) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])
const array = (type, items) => Buffer.concat([u32(TYPE[type]), u64(items.length), ...items])
const padded = (buffer) => Buffer.concat([buffer, Buffer.alloc((ALIGN - (buffer.length % ALIGN)) % ALIGN)])

function metadata(context) {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
  const tokens = ['<unk>', '<s>', '</s>', ...bytes]
  const kinds = [2, 3, 3, ...bytes.map(() => 6)] // unknown, control, bytes
  const rows = {
    'general.architecture': ['string', text('llama')],
    'general.name': ['string', text('noise')],
    'llama.context_length': ['u32', u32(context)],
    'llama.embedding_length': ['u32', u32(WIDTH)],
    'llama.block_count': ['u32', u32(LAYERS)],
    'llama.feed_forward_length': ['u32', u32(HIDDEN)],
    'llama.attention.head_count': ['u32', u32(HEADS)],
    'llama.attention.head_count_kv': ['u32', u32(HEADS)],
    'llama.rope.dimension_count': ['u32', u32(WIDTH / HEADS)],
    'llama.attention.layer_norm_rms_epsilon': ['f32', f32(1e-5)],
    'tokenizer.ggml.model': ['string', text('llama')],
    'tokenizer.ggml.tokens': ['array', array('string', tokens.map(text))],
    'tokenizer.ggml.scores': ['array', array('f32', tokens.map(() => f32(0)))],
    'tokenizer.ggml.token_type': ['array', Buffer.concat([u32(5), u64(kinds.length), ...kinds.map(u32)])],
    'tokenizer.ggml.bos_token_id': ['u32', u32(1)],
    'tokenizer.ggml.eos_token_id': ['u32', u32(2)],
    'tokenizer.ggml.unknown_token_id': ['u32', u32(0)],
    'tokenizer.ggml.add_space_prefix': ['bool', Buffer.from([0])],
    'tokenizer.chat_template': ['string', text(TEMPLATE)],
  }
  return { rows, words: tokens.length }
}

/** name → [dimensions, how large its numbers are; 0: they are all 1]. */
function tensors(words) {
  const all = { 'token_embd.weight': [[WIDTH, words], 0.5], 'output_norm.weight': [[WIDTH], 0], 'output.weight': [[WIDTH, words], 0.5] }
  for (let i = 0; i < LAYERS; i++) {
    const square = ['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) => [name, [[WIDTH, WIDTH], 0.3]])
    const wide = ['ffn_gate', 'ffn_up'].map((name) => [name, [[WIDTH, HIDDEN], 0.3]])
    const layer = { attn_norm: [[WIDTH], 0], ffn_norm: [[WIDTH], 0], ...Object.fromEntries([...square, ...wide]), ffn_down: [[HIDDEN, WIDTH], 0.3] }
    for (const [name, tensor] of Object.entries(layer)) all[`blk.${i}.${name}.weight`] = tensor
  }
  return all
}

/** Writes the file. The same one each time. */
export function writeModel(path, context = 2048) {
  const { rows, words } = metadata(context)
  const infos = []
  const data = []
  let seed = 1
  let offset = 0
  const noise = (size) => {
    seed = (seed * 1664525 + 1013904223) >>> 0
    return (seed / 2 ** 32 - 0.5) * size
  }
  for (const [name, [dimensions, size]] of Object.entries(tensors(words))) {
    const numbers = new Float32Array(dimensions.reduce((a, b) => a * b))
    for (let i = 0; i < numbers.length; i++) numbers[i] = size ? noise(size) : 1
    infos.push(Buffer.concat([text(name), u32(dimensions.length), ...dimensions.map(u64), u32(0), u64(offset)]))
    data.push(padded(Buffer.from(numbers.buffer)))
    offset += data.at(-1).length
  }
  const known = Object.entries(rows).map(([name, [type, value]]) => Buffer.concat([text(name), u32(TYPE[type]), value]))
  const head = [Buffer.from('GGUF'), u32(3), u64(infos.length), u64(known.length), ...known, ...infos]
  writeFileSync(path, Buffer.concat([padded(Buffer.concat(head)), ...data]))
}
