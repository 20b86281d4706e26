// Entries of the catalog for pickers, fetched once when first needed.
import { get } from './api';

export interface EntryLine {
  id: string;
  name: string;
  [more: string]: unknown;
}
export type Entries = Record<string, EntryLine[]>;

let asked: Promise<Entries> | undefined;

/** All entries by kind: chips, systems, models, engines, workloads, places, parties, instruments, claims. */
export function entries(): Promise<Entries> {
  asked ??= get<{ kinds: Entries }>('/entries').then(
    (found) => found.kinds,
    (error: unknown) => {
      asked = undefined;
      throw error;
    },
  );
  return asked;
}

/** Entries whose id or name holds all words of a text, those that begin with it first. */
export function matching(list: readonly EntryLine[], text: string, most = 50): EntryLine[] {
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = list.filter((one) => {
    const hay = `${one.id} ${one.name}`.toLowerCase();
    return parts.every((part) => hay.includes(part));
  });
  const first = parts[0] ?? '';
  const rank = (one: EntryLine) => (one.id.startsWith(first) || one.name.toLowerCase().startsWith(first) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, most);
}
