/** 控制台的中文文本。 */
import type { Translation } from './en.ts';
import { administration } from './zh/administration.ts';
import { catalog } from './zh/catalog.ts';
import { models } from './zh/models.ts';
import { money } from './zh/money.ts';
import { operations } from './zh/operations.ts';
import { shell } from './zh/shell.ts';
import { words } from './zh/words.ts';

export const zh: Translation = {
  ...shell,
  ...words,
  ...models,
  ...money,
  ...administration,
  ...catalog,
  ...operations,
};
