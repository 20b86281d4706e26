import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Compare' },
  zh: { title: 'Compare' },
} satisfies Dictionary;
