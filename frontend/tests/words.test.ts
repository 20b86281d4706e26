import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMON } from '../src/lib/words';

const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((one) => one[1]).sort();
const folder = new URL('../src/pages/', import.meta.url);
const dictionaries: [string, { en: Record<string, string>; zh: Record<string, string> }][] = [['lib', COMMON]];
for (const page of readdirSync(folder)) {
  const found = await import(`../src/pages/${page}/words.ts`);
  dictionaries.push([page, found.WORDS]);
}

describe.each(dictionaries)('the words of %s', (_, { en, zh }) => {
  it('are the same in both languages', () => expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort()));
  it('say something', () => {
    for (const text of [...Object.values(en), ...Object.values(zh)]) expect(text.trim()).not.toBe('');
  });
  it('have the same places to fill', () => {
    for (const key of Object.keys(en)) expect(places(zh[key] ?? ''), key).toEqual(places(en[key] ?? ''));
  });
});
