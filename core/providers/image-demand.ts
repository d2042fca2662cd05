/** What is asked of an image model beyond its size, held against what it can. Pure. */
import { type FieldError, invalid } from '../../infra/errors.ts';
import type { ImageRequest } from './provider.ts';

export interface ImageLimits {
  /** Pictures given to it. */
  readonly inputs: readonly [least: number, most: number];
  /** Pictures made of one request. */
  readonly outputs: readonly [least: number, most: number];
  readonly mask: boolean;
}

/** @throws {AppError} invalidParameter naming each field that the model cannot serve. */
export function checkDemand(request: ImageRequest, limits: ImageLimits, model: string): void {
  const errors: FieldError[] = [
    ...outside('image', request.images.length, limits.inputs, model),
    ...outside('n', request.n, limits.outputs, model),
    ...(request.mask !== undefined && !limits.mask ? [{ path: 'mask', message: `is not taken by ${model}` }] : []),
  ];
  if (errors.length > 0) throw invalid(errors);
}

function outside(path: string, count: number, [least, most]: readonly [number, number], model: string): FieldError[] {
  if (count >= least && count <= most) return [];
  const range = least === most ? `${least}` : `${least} to ${most}`;
  const message =
    path === 'n' ? `must be ${range} for ${model}` : `${model} takes ${range} input pictures, not ${count}`;
  return [{ path, message }];
}
