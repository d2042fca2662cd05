/** Documents a caller sends: PDFs as `data:` URLs are read, http(s) addresses are believed. */
import { Buffer } from 'node:buffer';

const PDF_URL = /^data:application\/pdf;base64,/i;
/** What a page shows as text, where it is not compressed. */
const SHOWN = /\(((?:[^()\\]|\\.)*)\)\s*Tj/g;

/** @returns its text; undefined for what is no PDF. */
export function documentText(url: string): string | undefined {
  if (/^https?:\/\//i.test(url)) return `the document at ${url}`;
  const prefix = PDF_URL.exec(url)?.[0];
  return prefix === undefined ? undefined : pdfText(url.slice(prefix.length));
}

/** @returns its text; undefined for what is no PDF. */
export function pdfText(base64: string): string | undefined {
  const bytes = Buffer.from(base64, 'base64').toString('latin1');
  if (!bytes.startsWith('%PDF-')) return undefined;
  return Array.from(bytes.matchAll(SHOWN), ([, text = '']) => text.replace(/\\(.)/g, '$1')).join('\n');
}
