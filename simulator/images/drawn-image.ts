/** An image the simulator has "generated": it exists as its description only, and is drawn where it is asked for. */
import type { Buffer } from 'node:buffer';
import { hashText } from '../content/seeded-random.ts';
import type { Route } from '../routes.ts';
import { makePng } from './png.ts';

export interface DrawnImage {
  width: number;
  height: number;
  seed: number;
  /** Noted in the link and in the file; not painted. */
  watermark?: boolean;
}

/** As vendors do: a link is valid for a day. */
const URL_LIFETIME_SECONDS = 24 * 60 * 60;
const GONE = 'gone';

export function drawImage({ width, height, seed, watermark }: DrawnImage): Promise<Buffer> {
  return makePng(width, height, seed, `simulated image ${seed}${watermark ? ', watermarked' : ''}`);
}

/** A signed link on the simulator itself. A `gone` image's link answers 404. */
export function imageUrl(origin: string, image: DrawnImage, gone: boolean): string {
  const { width, height, seed, watermark } = image;
  const path = `/pictures/${gone ? GONE : seed}/${width}x${height}${watermark ? '-watermarked' : ''}.png`;
  const expires = Math.floor(Date.now() / 1_000) + URL_LIFETIME_SECONDS;
  return `${origin}${path}?Expires=${expires}&OSSAccessKeyId=simulator&Signature=${signature(path, expires)}`;
}

export function imageRoute(): Route {
  return {
    method: 'GET',
    path: '/pictures/:seed/:file',
    handle: async (_, response, { url, params }) => {
      const refuse = (status: number, reason: string) => {
        response
          .writeHead(status, { 'content-type': 'application/xml' })
          .end(`<Error><Message>${reason}</Message></Error>`);
      };
      const expires = Number(url.searchParams.get('Expires'));
      if (url.searchParams.get('Signature') !== signature(url.pathname, expires))
        return refuse(403, 'SignatureDoesNotMatch');
      if (expires < Date.now() / 1_000) return refuse(403, 'Request has expired.');
      const size = /^(\d+)x(\d+)(-watermarked)?\.png$/.exec(params.file ?? '');
      if (params.seed === GONE || size === null) return refuse(404, 'NoSuchKey');
      const [, width, height, watermark] = size;
      const bytes = await drawImage({
        width: Number(width),
        height: Number(height),
        seed: Number(params.seed),
        watermark: watermark !== undefined,
      });
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': bytes.length }).end(bytes);
    },
  };
}

/** Not a secret: it only shows that a link was passed on unchanged. */
function signature(path: string, expires: number): string {
  return hashText(`${path} ${expires}`).toString(16).padStart(8, '0');
}
