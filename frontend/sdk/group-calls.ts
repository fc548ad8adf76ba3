// Groups, their members, requests to join and links that lead to them, as typed calls. A group's id is that of its conversation.
import { bodyOf, done, every, onceMore, type House } from './call'
import type {
  CreateGroup,
  CreateInviteLink,
  Group,
  GroupMember,
  GroupView,
  InviteLink,
  InviteLook,
  JoinRequest,
  NewInviteLink,
  Page,
  PageQuery,
  UpdateGroup,
  UpdateGroupMember,
} from './types'
import { uuid } from './uuid'

export interface GroupCalls {
  list(query?: PageQuery): Promise<Page<Group>>
  all(): Promise<Group[]>
  /** All of it for a member, else its card (`my_role` is null). */
  get(id: string): Promise<GroupView>
  create(group: CreateGroup): Promise<Group>
  update(id: string, changes: UpdateGroup): Promise<Group>
  dismiss(id: string): Promise<void>
  handOver(id: string, userId: string): Promise<Group>
  /** The owner first, then admins, then the others. */
  members(id: string, query?: PageQuery): Promise<Page<GroupMember>>
  addMembers(id: string, userIds: string[]): Promise<Group>
  /** `me` for oneself. */
  updateMember(id: string, userId: string, changes: UpdateGroupMember): Promise<GroupMember>
  removeMember(id: string, userId: string): Promise<void>
  leave(id: string): Promise<void>
  joinRequests(id: string, query?: PageQuery): Promise<Page<JoinRequest>>
  allJoinRequests(id: string): Promise<JoinRequest[]>
  /** Into an open group at once: `accepted`. */
  askToJoin(id: string, message?: string): Promise<JoinRequest>
  acceptJoin(id: string, requestId: string): Promise<JoinRequest>
  declineJoin(id: string, requestId: string): Promise<JoinRequest>
  inviteLinks(id: string): Promise<InviteLink[]>
  /** Its token is told this once. */
  createInviteLink(id: string, link?: CreateInviteLink): Promise<NewInviteLink>
  revokeInviteLink(id: string, linkId: string): Promise<void>
  lookAtInvite(token: string): Promise<InviteLook>
  joinByInvite(token: string): Promise<Group>
}

const WEEK_S = 604_800

/** `left` is called when I am out of a group by a call of mine. */
export function createGroupCalls(house: House, left: (groupId: string) => void): GroupCalls {
  const list = (query: PageQuery = {}) => bodyOf(house.GET('/groups', { params: { query } }))
  const byId = (id: string) => ({ params: { path: { id } } })
  const byMember = (id: string, userId: string) => ({ params: { path: { id, user_id: userId } } })
  const byRequest = (id: string, requestId: string) => ({ params: { path: { id, request_id: requestId } } })
  const byToken = (token: string) => ({ params: { path: { token } } })
  const paged = (id: string, query: PageQuery) => ({ params: { path: { id }, query } })
  /** What creates, with a key, so that it may be repeated. */
  const keyed = (id: string) => ({ params: { path: { id }, header: { 'Idempotency-Key': uuid() } } })
  const joinRequests = (id: string, query: PageQuery = {}) => bodyOf(house.GET('/groups/{id}/join-requests', paged(id, query)))
  const links = (id: string, query: PageQuery) => bodyOf(house.GET('/groups/{id}/invite-links', paged(id, query)))

  return {
    list,
    all: () => every(list),
    // The types of openapi-fetch lose a field that is always null.
    get: (id) => bodyOf(house.GET('/groups/{id}', byId(id))) as Promise<GroupView>,
    create(group) {
      const header = { 'Idempotency-Key': uuid() }
      return onceMore(() => bodyOf(house.POST('/groups', { params: { header }, body: { join_policy: 'invite', ...group } })))
    },
    update: (id, changes) => onceMore(() => bodyOf(house.PATCH('/groups/{id}', { ...byId(id), body: changes }))),
    async dismiss(id) {
      await house.DELETE('/groups/{id}', byId(id))
      left(id)
    },
    handOver: (id, userId) => bodyOf(house.POST('/groups/{id}/owner', { ...byId(id), body: { user_id: userId } })),
    members: (id, query = {}) => bodyOf(house.GET('/groups/{id}/members', paged(id, query))),
    addMembers(id, userIds) {
      const request = { ...keyed(id), body: { user_ids: userIds } }
      return onceMore(() => bodyOf(house.POST('/groups/{id}/members', request)))
    },
    updateMember: (id, userId, changes) =>
      onceMore(() => bodyOf(house.PATCH('/groups/{id}/members/{user_id}', { ...byMember(id, userId), body: changes }))),
    removeMember: (id, userId) => done(house.DELETE('/groups/{id}/members/{user_id}', byMember(id, userId))),
    async leave(id) {
      await house.DELETE('/groups/{id}/members/{user_id}', byMember(id, 'me'))
      left(id)
    },
    joinRequests,
    allJoinRequests: (id) => every((query) => joinRequests(id, query)),
    askToJoin(id, message) {
      const request = { ...keyed(id), body: message ? { message } : {} }
      return onceMore(() => bodyOf(house.POST('/groups/{id}/join-requests', request)))
    },
    acceptJoin: (id, requestId) =>
      onceMore(() => bodyOf(house.POST('/groups/{id}/join-requests/{request_id}/accept', byRequest(id, requestId)))),
    declineJoin: (id, requestId) =>
      onceMore(() => bodyOf(house.POST('/groups/{id}/join-requests/{request_id}/decline', byRequest(id, requestId)))),
    inviteLinks: (id) => every((query) => links(id, query)),
    createInviteLink: (id, link = {}) =>
      bodyOf(house.POST('/groups/{id}/invite-links', { ...byId(id), body: { expires_in: WEEK_S, ...link } })),
    revokeInviteLink: (id, linkId) =>
      done(house.DELETE('/groups/{id}/invite-links/{link_id}', { params: { path: { id, link_id: linkId } } })),
    lookAtInvite: (token) => bodyOf(house.GET('/join/{token}', byToken(token))),
    joinByInvite: (token) => onceMore(() => bodyOf(house.POST('/join/{token}', byToken(token)))),
  }
}
