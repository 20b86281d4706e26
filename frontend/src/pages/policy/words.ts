import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Policy' },
  zh: { title: 'Policy' },
} satisfies Dictionary;
