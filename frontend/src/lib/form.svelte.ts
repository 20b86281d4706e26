// A page's form: plain values with defaults, kept in the address. What equals its default is left out of the address.
import { untrack } from 'svelte';
import { route, setQuery, type Query } from './route.svelte';

export type Value = string | number | boolean | string[];
export type Fields = Record<string, Value>;

// Stands in the address for a text that is empty where its default is not.
const EMPTY = '~';

/** Text of a value in the address; lists are joined by commas. */
export function textOf(value: Value): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return value;
}

/** A value from its text, in the type of its default; the default where the text cannot be read. */
export function valueOf<T extends Value>(text: string | undefined, standard: T): T {
  if (text === undefined) return standard;
  if (text === EMPTY && typeof standard === 'string') return '' as T;
  if (Array.isArray(standard)) return text.split(',').filter((part) => part !== '') as T;
  if (typeof standard === 'boolean') return (text === '1' ? true : text === '0' ? false : standard) as T;
  if (typeof standard === 'number') {
    const read = text.trim() === '' ? NaN : Number(text);
    return (Number.isFinite(read) ? read : standard) as T;
  }
  return text as T;
}

/** All fields from a query. */
export function fieldsOf<T extends Fields>(query: Query, defaults: T): T {
  return Object.fromEntries(
    Object.entries(defaults).map(([name, standard]) => [name, valueOf(query[name], standard)]),
  ) as T;
}

/** What of the fields differs from the defaults, as query fields; the others as "", which takes them away. */
export function queryOf<T extends Fields>(fields: T, defaults: T): Query {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const text = textOf(value);
      if (text === textOf(defaults[name] as Value)) return [name, ''];
      return [name, text === '' && typeof value === 'string' ? EMPTY : text];
    }),
  );
}

export interface Form<T extends Fields> {
  /** The values; bind inputs to them. */
  readonly fields: T;
  /** Put them into the address; `replace` without a step of history (a slider under way, a keystroke). */
  keep(replace?: boolean): void;
}

/**
 * The form of a page. Call it once while the page's component is set up: it follows the browser's back button.
 * The address is its page's alone: once another is shown, or the component is gone, nothing is read from it or kept in it.
 * Names `lang` and `theme` are taken.
 */
export function form<T extends Fields>(defaults: T): Form<T> {
  const fields: T = $state(fieldsOf(route.query, defaults));
  const own = untrack(() => route.page);
  let gone = false;
  $effect(() => () => {
    gone = true;
  });
  $effect(() => {
    if (route.page !== own) return;
    const found = fieldsOf(route.query, defaults);
    // The address alone is followed: what is typed or slid stays until it is kept.
    untrack(() => {
      for (const name of Object.keys(defaults) as (keyof T)[]) {
        if (textOf(found[name] as Value) !== textOf(fields[name] as Value)) fields[name] = found[name] as T[keyof T];
      }
    });
  });
  return {
    get fields() {
      return fields;
    },
    keep: (replace = false) => {
      if (!gone && untrack(() => route.page) === own) setQuery(queryOf($state.snapshot(fields) as T, defaults), replace);
    },
  };
}
