import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import AuthRegister from '@/features/auth/AuthRegister.vue'
import AuthReset from '@/features/auth/AuthReset.vue'
import AuthSignIn from '@/features/auth/AuthSignIn.vue'
import { useSession } from '@/stores/session'

declare module 'vue-router' {
  interface RouteMeta {
    /* Also for those who are not signed in. `anonymous` is only for them. */
    open?: boolean
    anonymous?: boolean
  }
}

const ContactsScreen = () => import('@/features/contacts/ContactsScreen.vue')

const routes: RouteRecordRaw[] = [
  { path: '/signin', name: 'signin', component: AuthSignIn, meta: { open: true, anonymous: true } },
  { path: '/register', name: 'register', component: AuthRegister, meta: { open: true, anonymous: true } },
  { path: '/reset/:token', name: 'reset', component: AuthReset, props: true, meta: { open: true } },
  {
    path: '/',
    component: () => import('./AppFrame.vue'),
    children: [
      { path: '', redirect: { name: 'chats' } },
      { path: 'chats', name: 'chats', component: () => import('@/features/chats/ChatsScreen.vue') },
      { path: 'chats/:id([0-9]+)', name: 'chat', component: () => import('@/features/chats/ChatsScreen.vue') },
      { path: 'join/:token', name: 'join', component: () => import('@/features/groups/JoinScreen.vue'), props: true },
      { path: 'groups/:id([0-9]+)', name: 'group', component: () => import('@/features/groups/JoinScreen.vue'), props: true },
      { path: 'contacts', name: 'contacts', component: ContactsScreen },
      { path: 'contacts/requests', name: 'requests', component: ContactsScreen },
      { path: 'contacts/assistants', name: 'assistants', component: ContactsScreen },
      { path: 'contacts/blocks', name: 'blocks', component: ContactsScreen },
      { path: 'contacts/people/:id([0-9]+)', name: 'person', component: ContactsScreen },
      { path: 'me/:page(profile|settings|devices|password|usage|account)?', name: 'me', component: () => import('@/features/me/MeScreen.vue') },
    ],
  },
  { path: '/:rest(.*)*', redirect: '/' },
]

export function makeRouter() {
  const router = createRouter({ history: createWebHistory(import.meta.env.BASE_URL), routes })

  router.beforeEach((to) => {
    const session = useSession()
    if (!to.meta.open && !session.signedIn) {
      return { name: 'signin', query: to.fullPath === '/' || to.fullPath === '/chats' ? {} : { next: to.fullPath } }
    }
    return to.meta.anonymous && session.signedIn ? { name: 'chats' } : true
  })
  return router
}
