/** The texts of the console in English; the keys of every language. */
import { administration } from './en/administration.ts';
import { catalog } from './en/catalog.ts';
import { models } from './en/models.ts';
import { money } from './en/money.ts';
import { operations } from './en/operations.ts';
import { shell } from './en/shell.ts';
import { words } from './en/words.ts';

export const en = {
  ...shell,
  ...words,
  ...models,
  ...money,
  ...administration,
  ...catalog,
  ...operations,
};

/** The same keys with texts of any kind: what another language has. */
type Texts<T> = { readonly [K in keyof T]: T[K] extends string ? string : Texts<T[K]> };
export type Translation = Texts<typeof en>;

/** What has a view of its own: its name is the title. */
export type ViewName = {
  [K in keyof typeof en]: (typeof en)[K] extends { title: string } ? K : never;
}[keyof typeof en];
