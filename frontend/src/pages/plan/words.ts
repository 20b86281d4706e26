import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Plan' },
  zh: { title: 'Plan' },
} satisfies Dictionary;
