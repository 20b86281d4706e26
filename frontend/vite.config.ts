/// <reference types="vitest/config" />
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The page is served by `accord web` from src/accord/web/static; nothing is inlined, since the page's policy
// (default-src 'self') refuses inline scripts, inline styles and data: addresses.
export default defineConfig({
  plugins: [svelte()],
  base: '/',
  build: {
    outDir: '../src/accord/web/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    target: 'es2022',
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8321' } },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
