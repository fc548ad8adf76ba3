// Every kind of deed: kind → [how often, (world, device, draw, wish) → deed], null where it cannot be done now. A deed is
//   request          what is asked                   cut            ms after which the first try is given up
//   conversations    that it may change              done(body)     what is known afterwards
//   reads            names of what it depends on
//   writes, changes  names of what it changes: alone, and together with others
//   expect()         the answers that are right now: 'ok' or codes
//   races            codes that are right, besides the usual ones, while another deed changes what it depends on
import { GROUPS } from './deeds/groups.mjs'
import { MESSAGES } from './deeds/messages.mjs'
import { PEOPLE } from './deeds/people.mjs'
import { SEARCH } from './deeds/search.mjs'
import { SETTINGS } from './deeds/settings.mjs'

export const DEEDS = { ...MESSAGES, ...SETTINGS, ...PEOPLE, ...GROUPS, ...SEARCH }
