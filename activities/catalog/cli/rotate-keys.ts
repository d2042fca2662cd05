/**
 * `npm run rotate-keys`: seals the stored provider keys and webhook secrets under the newest version of
 * KEY_ENCRYPTION_KEY. Run it after a new version was put first in the list; afterwards the old one may leave it, unless
 * access keys still need it. Safe to stop and to run again.
 */
import { readConfig } from '../../../infra/config.ts';
import { createLogger } from '../../../infra/logger.ts';
import { createServices } from '../../wiring.ts';

const services = await createServices(readConfig(), createLogger('error'));
try {
  const { rotated, unreadable } = await services.rotateProviderKeys();
  const secrets = await services.resealWebhookSecrets();
  console.log(`${rotated} provider keys and ${secrets} webhook secrets are sealed under the newest version now.`);
  const waiting = await services.accessKeys.withOlderHash();
  if (waiting > 0) {
    console.log(
      `${waiting} access keys still need an older version: keep it in KEY_ENCRYPTION_KEY until each was used or deleted.`,
    );
  }
  if (unreadable.length > 0) {
    console.error(`These cannot be read, enter them again: ${unreadable.join(', ')} (ids of provider keys)`);
    process.exitCode = 1;
  }
} finally {
  await services.close();
}
