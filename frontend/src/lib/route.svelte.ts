// Where the reader is: the page's name and the query, kept in the address alone, so that an address can be shared.

export const PAGES = [
  'plan', 'compare', 'supernode', 'simulate', 'train', 'policy', 'claims', 'catalog', 'accuracy',
] as const;
export type PageName = (typeof PAGES)[number];
export type Query = Record<string, string>;

/** Query text as fields; of a field that is repeated the last one counts. */
export function readQuery(search: string): Query {
  return Object.fromEntries(new URLSearchParams(search));
}

/** Fields as query text, in alphabetical order, empty ones left out; "" for none. */
export function writeQuery(query: Query): string {
  const filled = Object.entries(query).filter(([, value]) => value !== '');
  const text = new URLSearchParams(filled.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
  return text ? `?${text}` : '';
}

/** The page that a path names; the first page for the root, null for a path that names none. */
export function pageOf(path: string): PageName | null {
  const name = path.replace(/^\/+|\/+$/g, '');
  if (name === '' || name === 'index.html') return PAGES[0];
  return PAGES.find((one) => one === name) ?? null;
}

// What stays when the reader goes to another page.
const KEPT = ['lang', 'theme'];

interface Route {
  page: PageName | null;
  query: Query;
}

function here(): Route {
  if (typeof location === 'undefined') return { page: PAGES[0], query: {} };
  return { page: pageOf(location.pathname), query: readQuery(location.search) };
}

/** The reader's place; changes with go, setQuery and the browser's back button. */
export const route: Route = $state(here());

if (typeof window !== 'undefined') {
  window.addEventListener('popstate', () => Object.assign(route, here()));
}

function show(replace: boolean): void {
  const address = `/${route.page ?? ''}${writeQuery(route.query)}`;
  if (address === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
}

/** The address of a page with a query; language and theme are kept. */
export function addressOf(page: PageName, query: Query = {}): string {
  const kept = Object.fromEntries(KEPT.flatMap((name) => (route.query[name] ? [[name, route.query[name]]] : [])));
  return `/${page}${writeQuery({ ...kept, ...query })}`;
}

/** Go to a page; a new entry of the browser's history. */
export function go(page: PageName, query: Query = {}): void {
  const address = new URL(addressOf(page, query), location.origin);
  history.pushState(null, '', address.pathname + address.search);
  Object.assign(route, here());
  window.scrollTo(0, 0);
}

/** Change fields of the query; an empty value takes a field away. A step of history unless `replace`. */
export function setQuery(changes: Query, replace = false): void {
  const merged: Query = { ...route.query, ...changes };
  route.query = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
  show(replace);
}
