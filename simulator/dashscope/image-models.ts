/**
 * DashScope's image models, as data: which call a model uses, how many images, which sizes, how usage is written.
 *
 * Calls, all under /api/v1/services/aigc:
 *   M  multimodal-generation/generation  synchronous, input.messages
 *   G  image-generation/generation       asynchronous, input.messages
 *   T  text2image/image-synthesis        asynchronous, input.prompt
 *   I  image2image/image-synthesis       asynchronous, input.prompt and images
 */

export type CallName = 'M' | 'G' | 'T' | 'I';

type SizeRule =
  /** Each side between two bounds. */
  | { by: 'sides'; least: number; most: number }
  /** The area between two squares, the ratio at most `ratio` to one. Named sizes such as 2K beside it. */
  | { by: 'area'; leastSide: number; mostSide: number; ratio: number; named?: Record<string, number> }
  | { by: 'list'; sizes: readonly string[] }
  /** `size` cannot be set. */
  | { by: 'none' };

type UsageForm = 'count' | 'count-and-sides' | 'count-and-size' | 'tokens' | 'input-and-output';

export interface ImageModel {
  readonly sync?: 'M';
  readonly async?: 'G' | 'T' | 'I';
  readonly images: { readonly least: number; readonly most: number; readonly omitted: number };
  readonly size: SizeRule;
  /** The size when none is given; `input` follows the last image of the request. */
  readonly defaultSize: string;
  readonly usage: UsageForm;
  /** Images the request must and may carry. */
  readonly inputs: { readonly least: number; readonly most: number };
  /** Where several images stand in a reply with messages. */
  readonly layout: 'choices' | 'content';
}

const NO_INPUTS = { least: 0, most: 0 };
const ONE = { least: 1, most: 1, omitted: 1 };

const WAN_CLASSIC: ImageModel = {
  async: 'T',
  images: { least: 1, most: 4, omitted: 4 },
  size: { by: 'sides', least: 512, most: 1_440 },
  defaultSize: '1024*1024',
  usage: 'count',
  inputs: NO_INPUTS,
  layout: 'choices',
};
const WAN_25: ImageModel = {
  ...WAN_CLASSIC,
  size: { by: 'area', leastSide: 1_280, mostSide: 1_440, ratio: 4 },
  defaultSize: '1280*1280',
};
const WAN_26: ImageModel = { ...WAN_25, sync: 'M', async: 'G', usage: 'count-and-size' };
const WAN_27: ImageModel = {
  ...WAN_26,
  images: { least: 1, most: 4, omitted: 1 },
  size: { by: 'area', leastSide: 768, mostSide: 2_048, ratio: 8, named: { '1K': 1_024, '2K': 2_048 } },
  defaultSize: '2K',
  usage: 'tokens',
  inputs: { least: 0, most: 9 },
};
const QWEN_SIZES = ['1664*928', '1472*1104', '1328*1328', '1104*1472', '928*1664'];
const QWEN: ImageModel = {
  sync: 'M',
  async: 'T',
  images: ONE,
  size: { by: 'list', sizes: QWEN_SIZES },
  defaultSize: '1664*928',
  usage: 'count-and-sides',
  inputs: NO_INPUTS,
  layout: 'content',
};
const QWEN_SYNC_ONLY: ImageModel = {
  sync: 'M',
  images: { least: 1, most: 6, omitted: 1 },
  size: { by: 'area', leastSide: 512, mostSide: 2_048, ratio: 8 },
  defaultSize: '1024*1024',
  usage: 'input-and-output',
  inputs: { least: 0, most: 3 },
  layout: 'content',
};
const QWEN_EDIT: ImageModel = {
  ...QWEN_SYNC_ONLY,
  size: { by: 'sides', least: 512, most: 2_048 },
  defaultSize: 'input',
  usage: 'count-and-sides',
  inputs: { least: 1, most: 3 },
};
const FLUX: ImageModel = {
  ...WAN_CLASSIC,
  images: { least: 1, most: 4, omitted: 1 },
  size: { by: 'list', sizes: ['512*1024', '768*512', '768*1024', '1024*576', '576*1024', '1024*1024'] },
};

/** Sequential groups of wan2.7 and interleaved replies of wan2.6-image have bounds of their own. */
export const SEQUENTIAL_IMAGES = { least: 1, most: 12, omitted: 12 };
export const INTERLEAVED_IMAGES = { least: 1, most: 5, omitted: 5 };

export const IMAGE_MODELS: Record<string, ImageModel> = {
  'wanx2.0-t2i-turbo': WAN_CLASSIC,
  'wanx2.1-t2i-turbo': WAN_CLASSIC,
  'wanx2.1-t2i-plus': WAN_CLASSIC,
  'wan2.1-t2i-turbo': WAN_CLASSIC,
  'wan2.1-t2i-plus': WAN_CLASSIC,
  'wan2.2-t2i-flash': WAN_CLASSIC,
  'wan2.2-t2i-plus': WAN_CLASSIC,
  'wan2.5-t2i-preview': WAN_25,
  'wan2.6-t2i': WAN_26,
  'wan2.6-image': {
    ...WAN_26,
    size: { by: 'area', leastSide: 768, mostSide: 2_048, ratio: 4, named: { '1K': 1_024, '2K': 2_048 } },
    defaultSize: '1K',
    inputs: { least: 0, most: 4 },
  },
  'wan2.7-image': WAN_27,
  'wan2.7-image-pro': {
    ...WAN_27,
    size: { by: 'area', leastSide: 768, mostSide: 4_096, ratio: 8, named: { '1K': 1_024, '2K': 2_048, '4K': 4_096 } },
  },
  'qwen-image': QWEN,
  'qwen-image-plus': QWEN,
  'qwen-image-max': {
    ...QWEN_SYNC_ONLY,
    images: ONE,
    size: QWEN.size,
    defaultSize: '1664*928',
    usage: 'count-and-sides',
    inputs: NO_INPUTS,
  },
  'qwen-image-2.0': QWEN_SYNC_ONLY,
  'qwen-image-2.0-pro': QWEN_SYNC_ONLY,
  'qwen-image-3.0': QWEN_SYNC_ONLY,
  'qwen-image-3.0-pro': QWEN_SYNC_ONLY,
  'qwen-image-edit': { ...QWEN_EDIT, images: ONE, size: { by: 'none' } },
  'qwen-image-edit-plus': QWEN_EDIT,
  'qwen-image-edit-max': QWEN_EDIT,
  'z-image-turbo': { ...QWEN_SYNC_ONLY, images: ONE, usage: 'count-and-sides', inputs: NO_INPUTS },
  'wanx2.1-imageedit': {
    ...WAN_CLASSIC,
    async: 'I',
    images: { least: 1, most: 4, omitted: 1 },
    size: { by: 'none' },
    defaultSize: 'input',
    inputs: { least: 1, most: 1 },
  },
  'wan2.5-i2i-preview': {
    ...WAN_25,
    async: 'I',
    size: { by: 'area', leastSide: 768, mostSide: 1_280, ratio: 4 },
    inputs: { least: 1, most: 3 },
  },
  'flux-schnell': FLUX,
  'flux-dev': FLUX,
  'flux-merged': FLUX,
};

/** Functions of wanx2.1-imageedit. */
export const EDIT_FUNCTIONS = [
  'stylization_all',
  'stylization_local',
  'description_edit',
  'description_edit_with_mask',
  'remove_watermark',
  'expand',
  'super_resolution',
  'colorization',
  'doodle',
  'control_cartoon_feature',
] as const;
