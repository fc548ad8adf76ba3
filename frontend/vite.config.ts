// One configuration for the development server, the build and the tests.
// In development the API of a running house is proxied, so that the page and the API share one origin as they do behind nginx.
import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  plugins: [vue()],
  resolve: {
    alias: { '@': folder('./src'), '@sdk': folder('./sdk') },
  },
  build: {
    target: 'es2022',
    sourcemap: true,
    rolldownOptions: {
      output: {
        // What changes rarely is cached apart from what changes with each release.
        codeSplitting: {
          groups: [
            { name: 'element', test: /node_modules[\\/](element-plus|@element-plus)/ },
            { name: 'vue', test: /node_modules[\\/](vue|@vue|vue-router|pinia|vue-i18n|@intlify)/ },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      // A poll waits up to 280 s, so must the proxy.
      '/api': { target: process.env.POSTHOUSE_URL ?? 'http://127.0.0.1:8080', changeOrigin: true, proxyTimeout: 300_000 },
    },
  },
  test: {
    include: ['sdk/**/*.test.ts', 'src/**/*.test.ts'],
    // The SDK must run without a DOM; a test of the app asks for one with `// @vitest-environment happy-dom`.
    environment: 'node',
    restoreMocks: true,
  },
})
