import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Accuracy' },
  zh: { title: 'Accuracy' },
} satisfies Dictionary;
