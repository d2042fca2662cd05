/**
 * Documents in a request. Those of text become text; any other is a part `file` of a chat, given by its bytes
 * (`file_data`), by its address (there, too), or by the id of a file that its owner keeps here (kept-files.ts).
 */
import { listIn, textIn } from '../../core/providers/message.ts';
import type { ModelNeeds } from '../../core/providers/needs.ts';
import type { ChatBody, DocumentForm, ProviderKind } from '../../core/providers/provider.ts';
import { takesDocument } from '../../core/providers/vendors.ts';
import type { FieldError } from '../../infra/errors.ts';
import { isJsonObject, isSet, type JsonObject as Json } from '../../infra/json-object.ts';

/** A document of a request, and what is wrong with it for models that do not take it. */
export interface AskedDocument extends FieldError {
  readonly document: DocumentForm;
  /** Of a file that its owner keeps here. */
  readonly fileId?: string;
}

/** Kinds of files whose bytes are their text. */
const TEXT_FILE = /^(text\/[\w.+-]+|application\/(json|xml|yaml|x-yaml|javascript|x-sh|sql|toml))$/i;
const ADDRESS = /^https?:\/\//i;
export const PDF = 'application/pdf';

/** The fields of a file in OpenAI's forms as a part of a chat; undefined where they name none. */
export function filePart({ file_data: data, file_url: url, file_id: id, filename }: Json): Json | undefined {
  const name = textIn(filename) === '' ? {} : { filename };
  if (textIn(id) !== '') return { type: 'file', file: { file_id: id, ...name } };
  const given = textIn(data) || textIn(url);
  if (given === '') return undefined;
  return isTextFile({ file_data: given })
    ? textPart(Buffer.from(dataUrlOf(given).base64, 'base64'), textIn(filename))
    : { type: 'file', file: { ...name, file_data: given } };
}

export function textPart(bytes: Buffer, name: string): Json {
  return { type: 'text', text: `${headOf(name)}${bytes.toString('utf8').toWellFormed()}` };
}

/** What stands before the text of a file. */
export function headOf(name: string): string {
  return name === '' ? '' : `File ${JSON.stringify(name)}:\n`;
}

/** Whether it is counted as its text; of any other only the provider can count the tokens. */
export function isTextFile({ file_data: data }: Json): boolean {
  return TEXT_FILE.test(dataUrlOf(textIn(data)).mediaType);
}

/** No head of a data URL is longer; a longer one is not read, however long it is. */
const LONGEST_HEAD = 200;

function dataUrlOf(url: string): { readonly mediaType: string; readonly base64: string } {
  const start = url.slice(0, LONGEST_HEAD);
  const head = start.slice(0, Math.max(0, start.indexOf(',')));
  if (!head.startsWith('data:') || !head.endsWith(';base64')) return { mediaType: '', base64: '' };
  return { mediaType: head.slice('data:'.length, head.indexOf(';')), base64: url.slice(head.length + 1) };
}

/** @param path of its field that a refusal is about. */
export function askedDocument(part: Json, path: string): AskedDocument {
  const { file_data: data, file_id: id } = isJsonObject(part.file) ? part.file : {};
  const given = textIn(data);
  if (ADDRESS.test(given)) {
    return { path, document: 'address', message: 'is the address of a document, which the model does not take' };
  }
  const isPdf = given === '' || dataUrlOf(given).mediaType.toLowerCase() === PDF;
  const message = isPdf
    ? 'is a document that the model does not take'
    : 'is a file that the model does not take: neither a text nor a PDF as a data URL';
  const kept = textIn(id) === '' ? {} : { fileId: textIn(id) };
  return { path, document: isPdf ? 'pdf' : 'other', message, ...kept };
}

/** The documents of a chat. */
export function documentsIn({ messages }: ChatBody): AskedDocument[] {
  return messages.flatMap((message, index) =>
    listIn(isJsonObject(message) ? message.content : undefined).flatMap((part, place) => {
      if (!isJsonObject(part) || part.type !== 'file' || !isJsonObject(part.file)) return [];
      const field = isSet(part.file.file_id) ? 'file_id' : 'file_data';
      return [askedDocument(part, `messages[${index}].content[${place}].file.${field}`)];
    }),
  );
}

/** Whether a chat may show the model all of them. */
export function takesDocuments(
  model: { readonly kind: ProviderKind; readonly needs: ModelNeeds },
  body: ChatBody,
  documents: readonly Pick<AskedDocument, 'document'>[],
): boolean {
  return documents.every(({ document }) => takesDocument(document, model, body));
}
