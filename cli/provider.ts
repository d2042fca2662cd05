/**
 * A known vendor's provider, key and models in one command, straight in the database; and what has gone from the list
 * of models that the vendor gives.
 */

import { createInference } from '../activities/inference/create-inference.ts';
import { AuditLog } from '../core/accounts/audit-log.ts';
import { addPreset } from '../core/catalog/add-preset.ts';
import type { Model } from '../core/catalog/model-record.ts';
import { PRESETS, type Preset, presetNamed, presetRate } from '../core/catalog/presets.ts';
import { makesText } from '../core/catalog/pricing.ts';
import { checkVendor } from '../core/catalog/vendor-check.ts';
import { FileStore } from '../core/files/file-store.ts';
import { formatMoney, NANO_PER_UNIT, parseMoney } from '../core/ledger/money.ts';
import { readConfig, vendorKey } from '../infra/config.ts';
import { createOutbound } from '../infra/outbound.ts';
import { askSecret, readWords, runCommand, UsageError } from './command.ts';
import { checkLines, curlLine, priceLine } from './preset-report.ts';
import { withLedger } from './services.ts';

const BY_THE_KEYBOARD = { actor: null };
const TEST_TIMEOUT_MS = 60_000;

type CatalogServices = Awaited<ReturnType<typeof createInference>>;

/** The catalog, and what calls its models. */
function withCatalog(work: (services: CatalogServices) => Promise<number>): Promise<number> {
  return withLedger(async (services) => {
    const { config, sequelize } = services;
    const outbound = createOutbound(config);
    const [audit, files] = [new AuditLog(sequelize), new FileStore(sequelize)];
    const inference = await createInference({ ...services, outbound, audit, files });
    try {
      return await work(inference);
    } finally {
      await inference.closeInference();
      await outbound.close();
    }
  });
}

/** What the command line asks for. @throws UsageError */
function readArguments(args: readonly string[]) {
  const { values, positionals } = readWords(args, { rate: { type: 'string' }, url: { type: 'string' } });
  const [command, name, surplus] = positionals;
  if (command !== 'add' && command !== 'check')
    throw new UsageError(command === undefined ? 'a command is missing' : `"${command}" is no command`);
  if (name === undefined) throw new UsageError('NAME is missing');
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one word too many`);
  if (command === 'check' && values.rate !== undefined) throw new UsageError('--rate belongs to add');
  return { ...values, command, name, preset: presetNamed(name) };
}

/** How much of our currency one unit of the vendor's is. @throws Error when nobody has said. */
function rateFor(preset: Preset, given: string | undefined, currency: string): bigint {
  const parsed = given === undefined ? undefined : (parseMoney(given) ?? 0n);
  if (parsed !== undefined && parsed <= 0n) throw new UsageError(`--rate: "${given}" is not a number above 0`);
  const rate = presetRate(preset, currency, parsed);
  if (rate !== undefined) return rate;
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
async function testKey(services: CatalogServices, keyId: number): Promise<boolean> {
  const result = await services.providerKeys.test(keyId, AbortSignal.timeout(TEST_TIMEOUT_MS));
  const outcome = result.ok ? `was answered: "${result.answer}"` : `failed: ${result.error}`;
  console.log(`A test call with this key ${outcome} (${result.latencyMs} ms)`);
  return result.ok;
}

async function run(args: readonly string[]): Promise<number> {
  const { command, name, preset, rate, url } = readArguments(args);
  if (command === 'check') return check(name, preset, url);
  if (preset === undefined) throw new UsageError(`"${name}" is no known vendor`);
  return add(preset, rate, url);
}

const PAGE = 200;

async function modelsOf(services: CatalogServices, providerId: number): Promise<Model[]> {
  const found: Model[] = [];
  for (let pageNum = 1; ; pageNum += 1) {
    const { records, total } = await services.models.page({ pageNum, pageSize: PAGE });
    found.push(...records.filter((model) => model.providerId === providerId));
    if (pageNum * PAGE >= total) return found;
  }
}

/** @returns 1 when something that is called has gone. */
function check(name: string, preset: Preset | undefined, url: string | undefined): Promise<number> {
  return withCatalog(async (services) => {
    const { catalog, providers, listUpstreamModels } = services;
    const isNamed = (id: number) => catalog.providerName(id).toLowerCase() === name.trim().toLowerCase();
    const id = catalog.providerIds().find(isNamed);
    if (id === undefined && preset === undefined)
      throw new UsageError(`"${name}" is neither a provider nor a known vendor`);
    const provider = id === undefined ? undefined : await providers.get(id);
    const kind = provider?.kind ?? preset?.kind ?? 'openai';
    const [key] = id === undefined ? [] : catalog.keysOf(id);
    const apiKey = url === undefined ? key?.apiKey : undefined;
    const urlBase = url ?? (provider?.urlBase || preset?.urlBase || '');
    if (apiKey === undefined && preset === undefined) throw new Error(`provider ${name} has no active key`);
    const listed = await listUpstreamModels({ kind, urlBase }, apiKey ?? (preset ? await keyFor(preset) : ''));
    const configured = id === undefined ? [] : await modelsOf(services, id);
    const found = checkVendor(kind, preset, configured, listed);
    console.log(`${preset?.displayName ?? name} lists ${listed.length} models at ${urlBase}.`);
    for (const line of checkLines(found)) console.log(line);
    return found.gone.length > 0 ? 1 : 0;
  });
}

async function add(preset: Preset, givenRate: string | undefined, url: string | undefined): Promise<number> {
  const config = readConfig();
  const rate = rateFor(preset, givenRate, config.CURRENCY);
  const apiKey = await keyFor(preset);
  return withCatalog(async (services) => {
    const request = { preset, urlBase: url, apiKey, rate };
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
    const answered = keyId !== undefined && (await testKey(services, keyId));
    const text = [...added, ...existing].find((model) => makesText(model.capabilities));
    if (text !== undefined) console.log(`\n${curlLine(config.publicUrl, text.modelIdentifier)}`);
    return answered ? 0 : 1;
  });
}

await runCommand({
  name: 'provider',
  purpose:
    "add: a known vendor's provider, key and models; one test call shows whether the key works. " +
    "check: what the vendor's list of models no longer has of them, and what is new in it; exit code 1 when something has gone.",
  forms: ['add NAME [--rate NUMBER] [--url BASE]', 'check NAME [--url BASE]'],
  notes: [
    `NAME is one of ${PRESETS.providers.map(({ name }) => name).join(', ')}; check also takes the name of any provider.`,
    "--rate: how much of this installation's currency one unit of the vendor's is. --url: another base URL.",
    'The key is read from NAME_API_KEY (DEEPSEEK_API_KEY), asked for, or read from a pipe.',
  ],
  run,
});
