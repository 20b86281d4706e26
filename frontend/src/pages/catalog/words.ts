import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Catalog' },
  zh: { title: 'Catalog' },
} satisfies Dictionary;
