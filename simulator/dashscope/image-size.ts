/** Checks a size, `W*H` or a name such as `2K`, against a model's rule. Pure. */
import type { ImageSize } from '../content/image-size.ts';
import type { ImageModel } from './image-models.ts';

export type SizeCheck = { ok: true; size: ImageSize } | { ok: false; message: string };

/** `input` is the size of the last image in the request, if there is one. */
export function checkSize(model: ImageModel, asked: string | undefined, input: ImageSize | undefined): SizeCheck {
  if (asked === undefined || model.size.by === 'none') return { ok: true, size: defaultSize(model, input) };
  const named = model.size.by === 'area' ? model.size.named?.[asked] : undefined;
  if (named !== undefined) return { ok: true, size: { width: named, height: named } };
  const size = parse(asked);
  if (size === undefined) return refuse(`The size "${asked}" is not of the form width*height.`);
  const { width, height } = size;
  switch (model.size.by) {
    case 'list':
      return model.size.sizes.includes(asked)
        ? { ok: true, size }
        : refuse(`The size does not match the allowed size ${model.size.sizes.join(', ')}.`);
    case 'sides': {
      const { least, most } = model.size;
      const fits = Math.min(width, height) >= least && Math.max(width, height) <= most;
      return fits ? { ok: true, size } : refuse(`The width and height must be in the range [${least}, ${most}].`);
    }
    case 'area': {
      const { leastSide, mostSide, ratio } = model.size;
      const area = width * height;
      if (area < leastSide ** 2 || area > mostSide ** 2) {
        return refuse(`The total pixels must be between ${leastSide}*${leastSide} and ${mostSide}*${mostSide}.`);
      }
      const fits = Math.max(width, height) <= ratio * Math.min(width, height);
      return fits ? { ok: true, size } : refuse(`The aspect ratio must be between 1:${ratio} and ${ratio}:1.`);
    }
  }
}

function refuse(message: string): SizeCheck {
  return { ok: false, message };
}

function parse(text: string): ImageSize | undefined {
  const found = /^(\d+)\*(\d+)$/.exec(text);
  return found === null ? undefined : { width: Number(found[1]), height: Number(found[2]) };
}

/** About 1024 squared in the input's ratio, in steps of eight, where a model follows its input. */
function defaultSize(model: ImageModel, input: ImageSize | undefined): ImageSize {
  const named = model.size.by === 'area' ? model.size.named?.[model.defaultSize] : undefined;
  if (named !== undefined) return { width: named, height: named };
  const fixed = parse(model.defaultSize);
  if (fixed !== undefined) return fixed;
  const { width, height } = input ?? { width: 1_024, height: 1_024 };
  const scale = Math.sqrt((1_024 * 1_024) / (width * height));
  return { width: Math.round((width * scale) / 8) * 8, height: Math.round((height * scale) / 8) * 8 };
}
