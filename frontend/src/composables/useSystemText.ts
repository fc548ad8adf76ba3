/* What the house says in a system entry, in the reader's language, from its code and params. Names are asked for by id. */
import { useI18n } from 'vue-i18n'
import { useSession } from '@/stores/session'
import { useTimeFormat } from './useTimeFormat'

export type NameOf = (userId: string) => string

/* So many names are said; the rest are counted. */
const MOST_NAMES = 5
/* Params that name a person who is spoken of, and not the one who acts. */
const OBJECTS = new Set(['to'])
/* Who does it, by code, where it is not `by`. */
const SUBJECTS = new Set(['group.created', 'member.joined', 'member.left', 'entry.pinned', 'entry.unpinned'])

function idsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((id): id is string => typeof id === 'string') : []
}

export function useSystemText() {
  const { t, te } = useI18n()
  const session = useSession()
  const time = useTimeFormat()

  function person(id: unknown, nameOf: NameOf, subject: boolean): string {
    if (typeof id !== 'string') return t('system.somebody')
    if (id === session.userId) return t(subject ? 'system.you' : 'system.youObject')
    return nameOf(id) || t('system.somebody')
  }

  function people(ids: string[], nameOf: NameOf): string {
    const names = ids.slice(0, MOST_NAMES).map((id) => person(id, nameOf, false))
    const comma = t('system.comma')
    if (ids.length > MOST_NAMES) return t('system.andMore', { names: names.join(comma), n: ids.length })
    const last = names.pop() ?? t('system.somebody')
    return names.length === 0 ? last : t('system.and', { names: names.join(comma), last })
  }

  /* Some codes say different things by one of their params. */
  function keyOf(code: string, params: Record<string, unknown>): string {
    if (code === 'group.role') return `${code}.${params['role'] === 'admin' ? 'admin' : 'member'}`
    if (code === 'ai.failed') return `${code}.${String(params['reason'])}`
    if (code === 'group.announcement' && !params['text']) return 'group.announcementGone'
    if (code !== 'member.joined') return code
    const via = params['via']
    if (via === 'approval' && params['by'] != null) return `${code}.approval`
    return `${code}.${via === 'link' ? 'link' : 'open'}`
  }

  function systemText(code: string, params: Record<string, unknown>, nameOf: NameOf, fallback = ''): string {
    const key = `system.${keyOf(code, params)}`
    if (!te(key)) return fallback || t('system.other')

    const named: Record<string, string> = {}
    for (const field of ['by', 'from', 'to'] as const) {
      if (field in params) named[field] = person(params[field], nameOf, !OBJECTS.has(field))
    }
    const acts = SUBJECTS.has(code) && !key.endsWith('.approval')
    if ('user_id' in params) named['user'] = person(params['user_id'], nameOf, acts)
    if ('user_ids' in params) named['users'] = people(idsOf(params['user_ids']), nameOf)
    if (typeof params['until'] === 'number') named['when'] = time.soon(params['until'])
    for (const field of ['name', 'text'] as const) {
      if (typeof params[field] === 'string') named[field] = params[field]
    }
    return t(key, named)
  }

  return { systemText }
}
