/** DashScope's two interfaces stand side by side on one host (PROVIDERS.md, 1.1); a provider's base may name either. Pure. */

const EITHER = /\/(api|compatible-mode)\/v1$/;

/** Tasks and images. */
export function nativeBase(urlBase: string): string {
  return `${host(urlBase)}/api/v1`;
}

/** Chat as OpenAI's interface has it. */
export function compatibleBase(urlBase: string): string {
  return `${host(urlBase)}/compatible-mode/v1`;
}

function host(urlBase: string): string {
  return urlBase.replace(/\/+$/, '').replace(EITHER, '');
}
