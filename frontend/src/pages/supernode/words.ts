import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: { title: 'Supernode' },
  zh: { title: 'Supernode' },
} satisfies Dictionary;
