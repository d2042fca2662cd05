import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import './console.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { startLanguage } from './language/language.ts';
import { STYLE_NONCE } from './settings.ts';

// Read by the library that holds the page still under a dialog, for the style that it adds.
Reflect.set(globalThis, '__webpack_nonce__', STYLE_NONCE);

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root');
await startLanguage();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
