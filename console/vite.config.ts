import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm start` runs the API. */
const API = 'http://localhost:8060';

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: { target: 'es2024', emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: {
    port: 5173,
    proxy: Object.fromEntries(['/v1', '/v2', '/readyz', '/openapi.json', '/docs'].map((path) => [path, API])),
  },
});
