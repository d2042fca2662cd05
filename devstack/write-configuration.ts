/** Writes docs/configuration.md: `npx node devstack/write-configuration.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { configurationReference } from '../infra/config-reference.ts';

const CHECKOUT = resolve(import.meta.dirname, '..');
const source = readFileSync(join(CHECKOUT, 'infra/config/settings.ts'), 'utf8');
writeFileSync(join(CHECKOUT, 'docs/configuration.md'), configurationReference(source));
