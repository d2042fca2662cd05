/** What each family of Ark's image models takes (PROVIDERS.md, 3.2), as data. */
import type { ImageLimits } from '../image-demand.ts';
import type { SizeRule } from '../image-size.ts';

export interface ArkImageModel extends ImageLimits {
  readonly name: RegExp;
  readonly size: SizeRule | undefined;
  /** Takes `sequential_image_generation`: several pictures of one call. */
  readonly groups: boolean;
  /** `image` is one text there; elsewhere a list is taken too. */
  readonly singleInput: boolean;
  /** Takes `seed` and `guidance_scale`. */
  readonly seedAndGuidance: boolean;
}

/** Pictures given and pictures made of one call, together. */
export const MOST_PICTURES_OF_A_GROUP = 15;
/** A call makes one picture where there are no groups; more are several calls at once. */
const MOST_CALLS = 10;

const SEEDREAM_4: Omit<ArkImageModel, 'name' | 'size'> = {
  inputs: [0, 14],
  outputs: [1, MOST_PICTURES_OF_A_GROUP],
  mask: false,
  groups: true,
  singleInput: false,
  seedAndGuidance: false,
};
const ALONE: Omit<ArkImageModel, 'name' | 'size' | 'inputs' | 'seedAndGuidance'> = {
  outputs: [1, MOST_CALLS],
  mask: false,
  groups: false,
  singleInput: true,
};

/** The first name that fits. Outside mainland China the names have no `doubao-`. */
const MODELS: readonly ArkImageModel[] = [
  { name: /^seedream-5/, ...SEEDREAM_4, size: { names: ['2K', '3K', '4K'], area: [3_686_400, 16_777_216] } },
  { name: /^seedream-4-5/, ...SEEDREAM_4, size: { names: ['2K', '4K'], area: [3_686_400, 16_777_216] } },
  { name: /^seedream-4/, ...SEEDREAM_4, size: { names: ['1K', '2K', '4K'], area: [921_600, 16_777_216] } },
  { name: /^seedream-3/, ...ALONE, inputs: [0, 0], seedAndGuidance: true, size: { side: [512, 2_048] } },
  {
    name: /^seededit/,
    ...ALONE,
    inputs: [1, 1],
    seedAndGuidance: true,
    size: { names: ['adaptive'], namesOnly: true },
  },
];

/** Endpoints (`ep-…`) and names to come: nothing is known, so nothing is held back. */
const UNKNOWN: ArkImageModel = {
  name: /^/,
  ...SEEDREAM_4,
  groups: false,
  outputs: [1, MOST_CALLS],
  size: undefined,
};

export function arkImageModel(name: string): ArkImageModel {
  const spelling = name.toLowerCase().replace(/^doubao-/, '');
  return MODELS.find((model) => model.name.test(spelling)) ?? UNKNOWN;
}
