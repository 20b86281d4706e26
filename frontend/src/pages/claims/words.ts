import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Claims' },
  zh: { title: 'Claims' },
} satisfies Dictionary;
