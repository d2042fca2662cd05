/**
 * Run it after a new version was put first in KEY_ENCRYPTION_KEY; afterwards the old one may leave the list, unless
 * access keys still need it. Safe to stop and to run again.
 */
import { SecretStore } from '../activities/webhooks/secret-store.ts';
import { createAccounts } from '../core/accounts/accounts.ts';
import { KeyStore } from '../core/catalog/key-store.ts';
import { defineCatalogTables } from '../core/catalog/tables.ts';
import { expectNoWords, runCommand } from './command.ts';
import { withLedger } from './services.ts';

async function run(args: readonly string[]): Promise<number> {
  expectNoWords(args);
  return withLedger(async (services) => {
    const { sequelize, vault } = services;
    const { rotated, unreadable } = await new KeyStore(defineCatalogTables(sequelize), vault).rotate();
    const secrets = await new SecretStore(sequelize, vault).reseal();
    console.log(`${rotated} provider keys and ${secrets} webhook secrets are sealed under the newest version now.`);
    const waiting = await (await createAccounts(services)).accessKeys.withOlderHash();
    if (waiting > 0) {
      console.log(
        `${waiting} access keys still need an older version: keep it in KEY_ENCRYPTION_KEY until each was used or deleted.`,
      );
    }
    if (unreadable.length === 0) return 0;
    console.error(`These cannot be read, enter them again: ${unreadable.join(', ')} (ids of provider keys)`);
    return 1;
  });
}

await runCommand({
  name: 'rotate-keys',
  purpose: 'Seals stored provider keys and webhook secrets under the newest version of KEY_ENCRYPTION_KEY.',
  forms: [''],
  run,
});
