/** A known vendor's provider, key and models in one command, straight in the database. */

import type { Services } from '../activities/services.ts';
import { addPreset } from '../core/catalog/add-preset.ts';
import { PRESETS, type Preset, presetNamed } from '../core/catalog/presets.ts';
import { makesText } from '../core/catalog/pricing.ts';
import { formatMoney, NANO_PER_UNIT, parseMoney } from '../core/ledger/money.ts';
import { readConfig, vendorKey } from '../infra/config.ts';
import { readWords, runCommand, UsageError } from './command.ts';
import { curlLine, priceLine } from './preset-report.ts';
import { askSecret } from './prompt.ts';
import { withServices } from './services.ts';

const BY_THE_KEYBOARD = { actor: null };
const TEST_TIMEOUT_MS = 60_000;

/** What the command line asks for. @throws UsageError */
function readArguments(args: readonly string[]) {
  const { values, positionals } = readWords(args, { rate: { type: 'string' }, url: { type: 'string' } });
  const [command, name, surplus] = positionals;
  if (command !== 'add')
    throw new UsageError(command === undefined ? 'a command is missing' : `"${command}" is no command`);
  if (name === undefined) throw new UsageError('NAME is missing');
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one word too many`);
  const preset = presetNamed(name);
  if (preset === undefined) throw new UsageError(`"${name}" is no known vendor`);
  return { ...values, preset };
}

/** How much of our currency one unit of the vendor's is. @throws Error when nobody has said. */
function rateFor(preset: Preset, given: string | undefined, currency: string): bigint {
  if (given !== undefined) {
    const rate = parseMoney(given);
    if (rate !== undefined && rate > 0n) return rate;
    throw new UsageError(`--rate: "${given}" is not a number above 0`);
  }
  if (preset.currency === null || preset.currency === currency) return NANO_PER_UNIT;
  throw new Error(
    `${preset.displayName} has its prices in ${preset.currency} and this installation counts in ${currency}: ` +
      `say with --rate how many ${currency} one ${preset.currency} is`,
  );
}

async function keyFor(preset: Preset): Promise<string> {
  const known = vendorKey(preset.name);
  if (known !== '') return known;
  // Takes no key, but a call carries one.
  if (preset.currency === null) return preset.name;
  const asked = await askSecret(`API key of ${preset.displayName}: `);
  if (asked === '') throw new Error('no key was given');
  return asked;
}

/** @returns whether the test call was answered. */
async function testKey(services: Services, keyId: number): Promise<boolean> {
  const result = await services.providerKeys.test(keyId, AbortSignal.timeout(TEST_TIMEOUT_MS));
  const outcome = result.ok ? `was answered: "${result.answer}"` : `failed: ${result.error}`;
  console.log(`A test call with this key ${outcome} (${result.latencyMs} ms)`);
  return result.ok;
}

async function run(args: readonly string[]): Promise<number> {
  const { preset, rate: givenRate, url } = readArguments(args);
  const config = readConfig();
  const rate = rateFor(preset, givenRate, config.CURRENCY);
  const apiKey = await keyFor(preset);
  return withServices(async (services) => {
    const request = { preset, urlBase: url ?? preset.urlBase, apiKey, rate };
    const { added, existing, keyId } = await addPreset(services, request, BY_THE_KEYBOARD);
    const conversion =
      rate === NANO_PER_UNIT ? '' : `, at ${formatMoney(rate)} ${config.CURRENCY} a ${preset.currency}`;
    console.log(`${preset.displayName}: ${added.length} models added, ${existing.length} were there before.`);
    for (const model of added) console.log(priceLine(model, config.CURRENCY));
    if (added.length > 0) {
      console.log(
        `Prices are drafts (list prices of ${PRESETS.asOf}${conversion}); change them with PUT /v1/models/ID.`,
      );
    }
    const answered = await testKey(services, keyId);
    const text = [...added, ...existing].find((model) => makesText(model.capabilities));
    if (text !== undefined) console.log(`\n${curlLine(config.publicUrl, text.modelIdentifier)}`);
    return answered ? 0 : 1;
  });
}

await runCommand({
  name: 'provider',
  purpose: "Adds a known vendor's provider, key and models; one test call shows whether the key works.",
  forms: ['add NAME [--rate NUMBER] [--url BASE]'],
  notes: [
    `NAME is one of ${PRESETS.providers.map(({ name }) => name).join(', ')}.`,
    "--rate: how much of this installation's currency one unit of the vendor's is. --url: another base URL.",
    'The key is read from NAME_API_KEY (DEEPSEEK_API_KEY), asked for, or read from a pipe.',
  ],
  run,
});
