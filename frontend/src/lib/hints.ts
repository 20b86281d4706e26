// Words of the command line in an answer or an error, as the labels of a page's fields.

/** Labels by the name of a flag without its dashes, such as `{ 'warm-up': 'Left out at the start' }`. */
export type Labels = Readonly<Record<string, string>>;

/**
 * A text with its flags named as the page names them: with `{ format: 'Format' }`, "say which with --format"
 * is "say which with “Format”". A flag that the page has no field for stays as it is.
 */
export function inWords(text: string, labels: Labels): string {
  return text.replace(/--(?:no-)?([a-z0-9]+(?:-[a-z0-9]+)*)/g, (flag, name: string) => (labels[name] ? `“${labels[name]}”` : flag));
}

/** Where an error is, "--rate" or "rate", as the field's label; the text itself where it names no field. */
export function placeInWords(where: string, labels: Labels): string {
  const plain = where.replace(/^--/, '').replaceAll('_', '-');
  return labels[plain] ?? inWords(where, labels);
}
