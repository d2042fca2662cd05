/** What has gone from a vendor's list of models, and what is new in it. Pure. */
import type { ProviderKind } from '../providers/provider.ts';
import type { Capability } from './model.ts';
import type { Model } from './model-record.ts';
import type { Preset } from './presets.ts';
import { makesText } from './pricing.ts';
import type { UpstreamModel } from './upstream-models.ts';

export interface GoneModel {
  /** As the vendor knew it. */
  readonly name: string;
  /** The configured models that call it; none: only the preset has it. */
  readonly models: readonly Model[];
}

export interface VendorCheck {
  readonly gone: readonly GoneModel[];
  readonly fresh: readonly string[];
}

/** @param listed what GET /models answered; @param configured the models of the provider. */
export function checkVendor(
  kind: ProviderKind,
  preset: Preset | undefined,
  configured: readonly Model[],
  listed: readonly Pick<UpstreamModel, 'id'>[],
): VendorCheck {
  const known = new Map<string, Model[]>();
  for (const { identifier, capabilities } of preset?.models ?? []) {
    if (isListed(kind, capabilities)) known.set(sameName(identifier), []);
  }
  const names = new Map((preset?.models ?? []).map(({ identifier }) => [sameName(identifier), identifier]));
  for (const model of configured) {
    const name = model.upstreamModel === '' ? model.modelIdentifier : model.upstreamModel;
    if (!isListed(kind, model.capabilities)) continue;
    names.set(sameName(name), name);
    known.set(sameName(name), [...(known.get(sameName(name)) ?? []), model]);
  }
  const there = new Set(listed.map(({ id }) => sameName(id)));
  return {
    gone: [...known]
      .filter(([name]) => !there.has(name))
      .map(([name, models]) => ({ name: names.get(name) ?? name, models })),
    fresh: listed.filter(({ id }) => !known.has(sameName(id))).map(({ id }) => id),
  };
}

/** DashScope's list has the models of its compatible side only, which are those of text. */
function isListed(kind: ProviderKind, capabilities: readonly Capability[]): boolean {
  return kind !== 'dashscope' || makesText(capabilities);
}

/** Google lists `models/NAME`, and vendors take names in any case. */
function sameName(id: string): string {
  return id.replace(/^models\//, '').toLowerCase();
}
