/** What the API puts into the page that it serves: the nonce of its styles, and settings that views need. */

export interface ConsoleSettings {
  /** In which days and months begin for statements and statistics. */
  readonly timeZone: string;
  readonly currency: string;
  /** Whether a user may pay an order without a payment provider. */
  readonly paymentSandbox: boolean;
  /** Where programs reach the API. */
  readonly publicUrl: string;
}

function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
}

/** Vite's own server fills nothing in. */
const filled = (text: string) => (text.startsWith('{{') ? '' : text);

function read(): ConsoleSettings {
  const text = filled(meta('console-settings'));
  const given: Partial<ConsoleSettings> = text === '' ? {} : JSON.parse(text);
  return { timeZone: 'Asia/Shanghai', currency: 'CNY', paymentSandbox: true, publicUrl: location.origin, ...given };
}

export const STYLE_NONCE = filled(meta('console-nonce'));
export const SETTINGS: ConsoleSettings = read();
