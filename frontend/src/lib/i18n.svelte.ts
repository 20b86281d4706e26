// The page in two languages. Each page has its own dictionary; a test holds both languages to the same keys.
import { route, setQuery } from './route.svelte';

export type Language = 'en' | 'zh';
export type Words = Record<string, string>;
export type Dictionary<K extends string = string> = Record<Language, Record<K, string>>;

function ofSystem(): Language {
  const told = typeof navigator === 'undefined' ? 'en' : navigator.language;
  return told.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** The language in force: that of the address, else the browser's. */
export function language(): Language {
  const asked = route.query['lang'];
  return asked === 'zh' || asked === 'en' ? asked : ofSystem();
}

export function setLanguage(to: Language): void {
  setQuery({ lang: to === ofSystem() ? '' : to });
}

/** Put values into `{name}` places of a text. */
export function filled(text: string, values: Record<string, string | number> = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** A page's words: `const t = words(DICTIONARY); t('key', {n: 3})`. */
export function words<K extends string>(dictionary: Dictionary<K>) {
  return (key: K, values: Record<string, string | number> = {}): string => filled(dictionary[language()][key], values);
}
