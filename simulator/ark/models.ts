/** Ark's models, as data. */

interface ArkChatModel {
  readonly vision: boolean;
  /** Reasons unless `thinking: {"type": "disabled"}` says otherwise. */
  readonly thinks: boolean;
  readonly contextTokens: number;
}

const SEED: ArkChatModel = { vision: true, thinks: true, contextTokens: 224_000 };
const PRO: ArkChatModel = { vision: false, thinks: false, contextTokens: 32_000 };

export const CHAT_MODELS: Record<string, ArkChatModel> = {
  'doubao-seed-1-6-250615': SEED,
  'doubao-seed-1-8-251228': SEED,
  'doubao-seed-2-0-pro-260215': SEED,
  'doubao-seed-2-0-lite-260215': SEED,
  'doubao-seed-2-1-pro-260915': SEED,
  'doubao-seed-2-1-lite-260915': SEED,
  'doubao-1-5-pro-32k-250115': PRO,
  'doubao-1-5-vision-pro-32k-250115': { ...PRO, vision: true },
};

/** A model of the table, an endpoint (`ep-…`), or any name that starts with `sim-` (which reasons as `…-thinking`). */
export function findChatModel(name: string): ArkChatModel | undefined {
  if (name.startsWith('ep-')) return SEED;
  if (name.startsWith('sim-')) return { ...SEED, thinks: name.endsWith('-thinking') };
  return CHAT_MODELS[name];
}

export interface ArkImageModel {
  /** Named sizes, each with the side of its square. */
  readonly named: Readonly<Record<string, number>>;
  /** Bounds of width x height; undefined where only `adaptive` is taken. */
  readonly pixels: { readonly least: number; readonly most: number } | undefined;
  readonly defaultSide: number;
  /** Images in `image`. */
  readonly inputs: { readonly least: number; readonly most: number };
  /** Takes `sequential_image_generation` and `stream`. */
  readonly groups: boolean;
}

const SEEDREAM_4: ArkImageModel = {
  named: { '1K': 1_024, '2K': 2_048, '4K': 4_096 },
  pixels: { least: 921_600, most: 16_777_216 },
  defaultSide: 2_048,
  inputs: { least: 0, most: 14 },
  groups: true,
};

export const IMAGE_MODELS: Record<string, ArkImageModel> = {
  'doubao-seedream-5-0-260128': {
    ...SEEDREAM_4,
    named: { '2K': 2_048, '3K': 3_072 },
    pixels: { least: 3_686_400, most: 16_777_216 },
  },
  'doubao-seedream-4-5-251128': {
    ...SEEDREAM_4,
    named: { '2K': 2_048, '4K': 4_096 },
    pixels: { least: 3_686_400, most: 16_777_216 },
  },
  'doubao-seedream-4-0-250828': SEEDREAM_4,
  'doubao-seedream-3-0-t2i-250415': {
    named: {},
    pixels: { least: 512 * 512, most: 2_048 * 2_048 },
    defaultSide: 1_024,
    inputs: { least: 0, most: 0 },
    groups: false,
  },
  'doubao-seededit-3-0-i2i-250628': {
    named: {},
    pixels: undefined,
    defaultSide: 1_024,
    inputs: { least: 1, most: 1 },
    groups: false,
  },
};
