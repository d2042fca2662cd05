/** The languages of the console. Keys are typed: one that is missing in a language does not compile. */
import dayjs from 'dayjs';
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en } from './en.ts';

export const LANGUAGES = { en: 'English', zh: '中文' } as const;
export type Language = keyof typeof LANGUAGES;

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

const STORED = 'console-language';

export function isLanguage(name: string): name is Language {
  return name in LANGUAGES;
}

function preferred(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored !== null && isLanguage(stored)) return stored;
  return navigator.languages.some((name) => name.startsWith('zh')) ? 'zh' : 'en';
}

/** Chinese comes when it is asked for. */
async function load(language: Language): Promise<void> {
  if (language === 'en') return;
  const [{ zh }] = await Promise.all([import('./zh.ts'), import('dayjs/locale/zh-cn')]);
  i18next.addResourceBundle('zh', 'translation', zh);
}

export async function changeLanguage(language: Language): Promise<void> {
  await load(language);
  await i18next.changeLanguage(language);
  dayjs.locale(language === 'zh' ? 'zh-cn' : 'en');
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  localStorage.setItem(STORED, language);
}

export async function startLanguage(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false },
  });
  await changeLanguage(preferred());
}

/** As the browser's owner writes times and numbers, where that is the chosen language. */
export function locale(): string {
  return navigator.languages.find((name) => name.split('-')[0] === i18next.language) ?? i18next.language;
}

export { i18next as i18n };
