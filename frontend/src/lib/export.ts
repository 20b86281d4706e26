// What a reader takes along: CSV, JSON, SVG and PNG, each with the text to cite it by.

export interface Column {
  key: string;
  label: string;
  unit?: string;
  align?: 'left' | 'right';
  /** What is shown; the raw value is what is exported. */
  show?: (value: any, row: Row) => string;
}
export type Row = Record<string, any>;
export interface Table {
  columns: Column[];
  rows: Row[];
}

/** One cell of CSV: quoted where needed; text that a spreadsheet would take for a formula gets a ' before it. */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** A table as CSV, units in the head, the citation as lines that begin with #. */
export function toCsv(table: Table, cite: readonly string[] = []): string {
  const notes = cite.map((line) => `# ${line.replace(/[\r\n]+/g, ' ')}`);
  const head = table.columns.map((one) => csvCell(one.unit ? `${one.label} [${one.unit}]` : one.label)).join(',');
  const rows = table.rows.map((row) => table.columns.map((one) => csvCell(row[one.key])).join(','));
  return [...notes, head, ...rows].join('\r\n') + '\r\n';
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '');
}

/** An SVG text with the citation in its metadata and a line below the drawing. */
export function citedSvg(svg: string, title: string, cite: readonly string[]): string {
  const desc = `<title>${escapeXml(title)}</title><desc>${escapeXml(cite.join('\n'))}</desc>`;
  const head = /<svg[^>]*>/.exec(svg)?.[0];
  if (!head) return svg;
  const named = head.includes('xmlns=') ? head : head.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"');
  return '<?xml version="1.0" encoding="UTF-8"?>\n' + svg.replace(head, named + desc);
}

/** The line by which an answer is cited. */
export function citation(title: string, answer: { accord: string; catalog: string } | null, address: string, sources: readonly string[] = []): string[] {
  const made = answer ? `Accord ${answer.accord}, catalog ${answer.catalog.slice(0, 12)}` : 'Accord';
  return [`${title}. ${made}. ${address}`, ...sources.map((one) => `Source: ${one}`)];
}

/** Hand a file to the reader. */
export function download(name: string, content: string | Blob, type = 'text/plain'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type: `${type};charset=utf-8` }) : content;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
