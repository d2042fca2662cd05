/**
 * `node --import 'file:///…/record-loaded.js?FILE' …`: appends the address of every module of OpenTelemetry that the
 * process loads to FILE, and "started" when it begins.
 */
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const file = new URL(import.meta.url).search.slice(1);
if (isMainThread) appendFileSync(file, 'started\n');
registerHooks({
  load(url, context, nextLoad) {
    if (/opentelemetry/.test(url)) appendFileSync(file, `${url}\n`);
    return nextLoad(url, context);
  },
});
