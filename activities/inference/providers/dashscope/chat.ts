/** Chat in DashScope's compatible mode (PROVIDERS.md, 2). */
import type { ChatDialect } from '../openai/chat.ts';
import { compatibleBase } from './bases.ts';
import { classifyDashScope } from './errors.ts';

export const DASHSCOPE_DIALECT: ChatDialect = {
  base: compatibleBase,
  body: (body) => body,
  classify: classifyDashScope,
};
