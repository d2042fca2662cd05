/**
 * Run it after a new version was put first in KEY_ENCRYPTION_KEY; afterwards the old one may leave the list, unless
 * access keys still need it. Safe to stop and to run again.
 */
import { expectNoWords, runCommand } from './command.ts';
import { withServices } from './services.ts';

async function run(args: readonly string[]): Promise<number> {
  expectNoWords(args);
  return withServices(async (services) => {
    const { rotated, unreadable } = await services.rotateProviderKeys();
    const secrets = await services.resealWebhookSecrets();
    console.log(`${rotated} provider keys and ${secrets} webhook secrets are sealed under the newest version now.`);
    const waiting = await services.accessKeys.withOlderHash();
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
