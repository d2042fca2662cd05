/**
 * `npm run provider -- add deepseek [--rate 7.2] [--url BASE]`: a known vendor's provider, key and models in one
 * command, straight in the database. The key comes from the environment (DEEPSEEK_API_KEY), or is asked for, or read
 * from a pipe.
 */
import { parseArgs } from 'node:util';
import { readConfig, vendorKey } from '../../../infra/config.ts';
import { AppError } from '../../../infra/errors.ts';
import { createLogger } from '../../../infra/logger.ts';
import { formatMoney, NANO_PER_UNIT, parseMoney } from '../../billing/money.ts';
import { createServices, type Services } from '../../wiring.ts';
import { addPreset } from '../add-preset.ts';
import { PRESETS, type Preset, presetNamed } from '../presets.ts';
import { makesText } from '../pricing.ts';
import { curlLine, priceLine } from './preset-report.ts';
import { askSecret } from './prompt.ts';

const BY_THE_KEYBOARD = { actor: null };
const TEST_TIMEOUT_MS = 60_000;

/** What the command line asks for. @throws Error saying how to call it. */
function readArguments() {
  const { values, positionals } = parseArgs({
    options: { rate: { type: 'string' }, url: { type: 'string' } },
    allowPositionals: true,
  });
  const [command, name] = positionals;
  const preset = name === undefined ? undefined : presetNamed(name);
  if (command === 'add' && preset !== undefined && positionals.length === 2) return { ...values, preset };
  const names = PRESETS.providers.map((known) => known.name).join(', ');
  throw new Error(`usage: npm run provider -- add NAME [--rate NUMBER] [--url BASE]\nNAME is one of ${names}`);
}

/** How much of our currency one unit of the vendor's is. @throws Error when nobody has said. */
function rateFor(preset: Preset, given: string | undefined, currency: string): bigint {
  if (given !== undefined) {
    const rate = parseMoney(given);
    if (rate !== undefined && rate > 0n) return rate;
    throw new Error(`--rate: "${given}" is not a number above 0`);
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

async function main(): Promise<boolean> {
  const { preset, rate: givenRate, url } = readArguments();
  const config = readConfig();
  const rate = rateFor(preset, givenRate, config.CURRENCY);
  const apiKey = await keyFor(preset);
  const services = await createServices(config, createLogger('error'));
  try {
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
    return answered;
  } finally {
    await services.close();
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  const expected = error instanceof AppError || (error instanceof Error && error.constructor === Error);
  console.error(expected ? error.message : error);
  process.exitCode = 1;
}
