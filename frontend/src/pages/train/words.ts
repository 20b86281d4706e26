import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Train' },
  zh: { title: 'Train' },
} satisfies Dictionary;
