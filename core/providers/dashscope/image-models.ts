/** Which call each of DashScope's image models uses and what it takes (docs/providers.md), as data. */
import type { ImageLimits, SizeRule } from '../images.ts';

/**
 * Where a Wan model has both a task and a synchronous call, the task is used: it outlives a broken connection and a
 * crash, and it can be cancelled. qwen-image is called synchronously, as all of its family.
 */
export type ImageCall =
  /** Synchronous, `input.messages`. */
  | 'multimodal-generation/generation'
  /** Task, `input.messages`. */
  | 'image-generation/generation'
  /** Task, `input.prompt`. */
  | 'text2image/image-synthesis'
  /** Task, `input.prompt` with `input.images`, or with a function and one image. */
  | 'image2image/image-synthesis';

export type OptionalParameter = 'negative_prompt' | 'prompt_extend' | 'seed' | 'strength' | 'watermark';

export interface DashScopeImageModel extends ImageLimits {
  readonly name: RegExp;
  readonly call: ImageCall;
  /** Undefined: nothing is known, so nothing is held back. */
  readonly size: SizeRule | undefined;
  /** In place of `size` where images are given or several are made with `enable_sequential`. */
  readonly sizeOfOthers?: SizeRule;
  readonly takes: readonly OptionalParameter[];
  /** Images of one request with `enable_sequential`. */
  readonly sequentialOutputs?: readonly [least: number, most: number];
  /** Edits by a `function` with `base_image_url`. */
  readonly byFunction?: true;
  /** Sent where the caller does not say: the model's own default doubles the price. */
  readonly promptExtendDefault?: false;
}

type Rule = Omit<DashScopeImageModel, 'name'>;

const square = (side: number): number => side * side;
const NOT_SETTABLE: SizeRule = { namesOnly: true };
const COMMON: readonly OptionalParameter[] = ['negative_prompt', 'prompt_extend', 'seed', 'watermark'];

const WAN_CLASSIC: Rule = {
  call: 'text2image/image-synthesis',
  inputs: [0, 0],
  outputs: [1, 4],
  mask: false,
  size: { side: [512, 1_440] },
  takes: COMMON,
};
const WAN_25: Rule = { ...WAN_CLASSIC, size: { area: [square(1_280), square(1_440)], ratio: 4 } };
const WAN_26: Rule = { ...WAN_25, call: 'image-generation/generation' };
const WAN_26_IMAGE: Rule = {
  ...WAN_26,
  inputs: [1, 4],
  size: { names: ['1K', '2K'], area: [square(768), square(2_048)] },
};
const WAN_27: Rule = {
  ...WAN_26,
  inputs: [0, 9],
  sequentialOutputs: [1, 12],
  size: { names: ['1K', '2K'], area: [square(768), square(2_048)], ratio: 8 },
  takes: ['seed', 'watermark'],
};
const WAN_27_PRO: Rule = {
  ...WAN_27,
  size: { names: ['1K', '2K', '4K'], area: [square(768), square(4_096)], ratio: 8 },
  sizeOfOthers: { names: ['1K', '2K'], area: [square(768), square(2_048)], ratio: 8 },
};
const WAN_25_EDIT: Rule = {
  ...WAN_CLASSIC,
  call: 'image2image/image-synthesis',
  inputs: [1, 3],
  size: { area: [square(768), square(1_280)] },
};
const WANX_EDIT: Rule = {
  ...WAN_25_EDIT,
  inputs: [1, 1],
  mask: true,
  size: NOT_SETTABLE,
  takes: ['seed', 'strength', 'watermark'],
  byFunction: true,
};
const QWEN: Rule = {
  ...WAN_CLASSIC,
  call: 'multimodal-generation/generation',
  outputs: [1, 1],
  size: { list: ['1664x928', '1472x1104', '1328x1328', '1104x1472', '928x1664'] },
};
const QWEN_2: Rule = {
  ...QWEN,
  inputs: [0, 3],
  outputs: [1, 6],
  size: { area: [square(512), square(2_048)] },
};
const QWEN_3: Rule = { ...QWEN_2, size: { area: [square(512), square(2_048)], ratio: 8 } };
const QWEN_EDIT: Rule = {
  ...QWEN,
  inputs: [1, 1],
  size: NOT_SETTABLE,
  takes: ['negative_prompt', 'seed', 'watermark'],
};
const QWEN_EDIT_PLUS: Rule = { ...QWEN_2, inputs: [1, 3], size: { side: [512, 2_048] } };
const Z_IMAGE: Rule = {
  ...QWEN,
  size: {},
  takes: ['prompt_extend', 'seed'],
  promptExtendDefault: false,
};
const FLUX: Rule = {
  ...WAN_CLASSIC,
  size: { list: ['512x1024', '768x512', '768x1024', '1024x576', '576x1024', '1024x1024'] },
  takes: ['seed'],
};
/** Newer models all have the synchronous call. */
const UNKNOWN: Rule = { ...QWEN, inputs: [0, 14], outputs: [1, 12], size: undefined };

/** The first name that fits; newer members of a family fall under its newest rule. Dated names end in their date. */
const MODELS: readonly DashScopeImageModel[] = [
  { name: /^wanx?\d.*imageedit/, ...WANX_EDIT },
  { name: /^wanx?\d.*-i2i/, ...WAN_25_EDIT },
  { name: /^wanx?2\.[0-4].*-t2i/, ...WAN_CLASSIC },
  { name: /^wan2\.5-t2i/, ...WAN_25 },
  { name: /^wan\d.*-t2i/, ...WAN_26 },
  { name: /^wan2\.6-image/, ...WAN_26_IMAGE },
  { name: /^wan\d.*-image-pro/, ...WAN_27_PRO },
  { name: /^wan\d.*-image/, ...WAN_27 },
  { name: /^qwen-image-edit-(plus|max)/, ...QWEN_EDIT_PLUS },
  { name: /^qwen-image-edit/, ...QWEN_EDIT },
  { name: /^qwen-image-2\.\d/, ...QWEN_2 },
  { name: /^qwen-image-\d+\.\d/, ...QWEN_3 },
  { name: /^qwen-image(-plus|-max)?(-\d|$)/, ...QWEN },
  { name: /^z-image/, ...Z_IMAGE },
  { name: /^flux-/, ...FLUX },
  { name: /^/, ...UNKNOWN },
];

export function dashScopeImageModel(name: string): DashScopeImageModel {
  const spelling = name.toLowerCase();
  return MODELS.find((model) => model.name.test(spelling)) ?? { name: /^/, ...UNKNOWN };
}

/** A task is submitted and asked after; the synchronous call refuses the header of a task, and the other way round. */
export function isTask(call: ImageCall): boolean {
  return call !== 'multimodal-generation/generation';
}
