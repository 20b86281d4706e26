import { describe, expect, it } from 'vitest';
import { sentName } from '../src/lib/api';
import { inWords, placeInWords } from '../src/lib/hints';

const LABELS = { format: 'Format', 'warm-up': 'Left out at the start', 'prefix-caching': 'Prefix cache' };

describe('words of the command line', () => {
  it('are the labels of the page', () => {
    expect(inWords('say which with --format', LABELS)).toBe('say which with “Format”');
    expect(inWords('give --warm-up 5min, or --no-prefix-caching', LABELS)).toBe('give “Left out at the start” 5min, or “Prefix cache”');
  });
  it('stay where the page has no such field', () => expect(inWords('give --from and --formats', LABELS)).toBe('give --from and --formats'));
  it('name a place', () => {
    expect(placeInWords('--format', LABELS)).toBe('Format');
    expect(placeInWords('warm_up', LABELS)).toBe('Left out at the start');
    expect(placeInWords('line 3', LABELS)).toBe('line 3');
  });
});

describe('names of files', () => {
  it('are sent as the API takes them', () => {
    for (const name of ['trace.csv', 'my trace (2).jsonl.gz', '负载.csv']) expect(sentName(name)).toBe(name);
    expect(sentName('=cmd<script>alert(1)<script>.csv')).toBe('_cmd_script_alert(1)_script_.csv');
    expect(sentName('.hidden.csv')).toBe('hidden.csv');
    expect(sentName('<>')).toBe('_');
    expect(sentName('...')).toBe('file');
    expect(sentName(`${'a'.repeat(200)}.csv.gz`)).toBe(`${'a'.repeat(93)}.csv.gz`);
    expect(new TextEncoder().encode(sentName(`${'负'.repeat(200)}.csv`)).length).toBeLessThan(200);
  });
});
