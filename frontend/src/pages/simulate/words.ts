import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Simulate' },
  zh: { title: 'Simulate' },
} satisfies Dictionary;
