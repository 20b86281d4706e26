import { describe, expect, it } from 'vitest';
import { eventData, stated } from '../src/lib/api';
import { matching } from '../src/lib/entries';
import { citedSvg, csvCell, escapeXml, toCsv } from '../src/lib/export';
import { fieldsOf, queryOf, valueOf } from '../src/lib/form.svelte';
import { interval, money, number, percent, quantity, ratio, seconds } from '../src/lib/format';
import { filled } from '../src/lib/i18n.svelte';
import { pageOf, readQuery, writeQuery } from '../src/lib/route.svelte';

describe('the address', () => {
  const defaults = { model: 'deepseek-v3', systems: ['a', 'b'], isl: 4096, mixed: false };

  it('gives fields back as they were put in', () => {
    const cases = [
      defaults,
      { model: 'x y&z=1', systems: [], isl: 1e-3, mixed: true },
      { model: 'qwen3-32b', systems: ['nvidia-hgx-h100-8'], isl: 0, mixed: true },
    ];
    for (const fields of cases) {
      const address = writeQuery(queryOf(fields, defaults));
      const back = fieldsOf(readQuery(address), defaults);
      if (fields.systems.length) expect(back).toEqual(fields);
      else expect(back.systems).toEqual(defaults.systems); // an empty list is the default's: nothing is left out silently
    }
  });
  it('leaves defaults out', () => expect(writeQuery(queryOf(defaults, defaults))).toBe(''));
  it('is the same whatever the order of its fields', () => expect(writeQuery({ b: '1', a: '2' })).toBe('?a=2&b=1'));
  it('falls back to the default for what cannot be read', () => {
    expect(valueOf('many', 3)).toBe(3);
    expect(valueOf('', 3)).toBe(3);
    expect(valueOf('NaN', 3)).toBe(3);
    expect(valueOf('yes', true)).toBe(true);
  });
  it('knows its pages', () => {
    expect(pageOf('/')).toBe('plan');
    expect(pageOf('/policy/')).toBe('policy');
    expect(pageOf('/nothing')).toBeNull();
  });
});

describe('numbers', () => {
  it('have three digits and separators', () => {
    expect(number(1234567)).toBe('1,234,567');
    expect(number(0.012345)).toBe('0.0123');
    expect(number(12.345)).toBe('12.3');
    expect(number(0)).toBe('0');
    expect(number(null)).toBe('–');
    expect(number(NaN)).toBe('–');
    expect(number(3.86e24)).toBe('3.86e24');
  });
  it('have prefixes and units', () => {
    expect(quantity(3.2e12, 'B/s')).toBe('3.2 TB/s');
    expect(quantity(999.9e9, 'B')).toBe('1 TB');
    expect(quantity(0.0152, 's')).toBe('15.2 ms');
    expect(quantity(0.5, 'share')).toBe('50 %');
    expect(quantity(12.5, 'tok/s')).toBe('12.5 tok/s');
    expect(quantity(5, '1')).toBe('5');
    expect(quantity(4.354e6, 'kWh')).toBe('4.35 GWh');
    expect(quantity(3_357_702, 'h')).toBe('3.36 M h');
    expect(quantity(400e9, 'b/s')).toBe('400 Gb/s');
  });
  it.each([
    [516.58e9, 'FLOP/s/W', '517 GFLOP/s/W'], [87_928_443, 'B/W', '87.9 MB/W'], [2.198e9, 'B/s/W', '2.2 GB/s/W'], [35.2e9, 'FLOP/s/USD', '35.2 GFLOP/s/USD'],
    [1900, 'W/chip', '1.9 kW/chip'], [2, 'OP/tok', '2 OP/tok'], [2.5, 'USD/Mtok', '2.5 USD/Mtok'],
  ])('of compound units: %d %s is %s', (value, unit, text) => expect(quantity(value, unit)).toBe(text));
  it('keep the unit of an interval once', () => {
    expect(interval(87e6, 92e6, 'B/W')).toBe('87 – 92 MB/W');
  });
  it('are durations', () => {
    expect(seconds(2e-6)).toBe('2 µs');
    expect(seconds(90)).toBe('90 s');
    expect(seconds(600)).toBe('10 min');
    expect(seconds(86400 * 54)).toBe('54 d');
  });
  it('are money, shares and ratios', () => {
    expect(money(5.576e6)).toBe('$5.58 M');
    expect(money(-0.25)).toBe('-$0.25');
    expect(money(12_300)).toBe('$12.3 k');
    expect(percent(0.123)).toBe('12.3 %');
    expect(ratio(1.6)).toBe('1.6×');
  });
  it('have intervals with one unit', () => {
    expect(interval(0.012, 0.0155, 's')).toBe('12 – 15.5 ms');
    expect(interval(0.9e-3, 0.002, 's')).toBe('900 µs – 2 ms');
    expect(interval(null, 2, 's')).toBe('');
    expect(interval(3, 3, 's')).toBe('3 s');
  });
});

describe('exports', () => {
  it('quote cells, and never hand a spreadsheet a formula', () => {
    expect(csvCell('a,b')).toBe('"a,b"');
    expect(csvCell('say "so"')).toBe('"say ""so"""');
    for (const sign of ['=', '+', '-', '@', '\t']) expect(csvCell(`${sign}cmd|' /C calc'!A0`)).toMatch(/^"?'/);
    expect(csvCell(-1.5)).toBe('-1.5');
    expect(csvCell('-1.5e3')).toBe('-1.5e3');
    expect(csvCell(null)).toBe('');
  });
  it('carry units and the citation', () => {
    const table = { columns: [{ key: 'x', label: 'Speed', unit: 'tok/s' }], rows: [{ x: 1 }] };
    expect(toCsv(table, ['Made by\nAccord'])).toBe('# Made by Accord\r\nSpeed [tok/s]\r\n1\r\n');
  });
  it('escape text in SVG', () => {
    expect(escapeXml('<script>&"')).not.toMatch(/[<>"]/);
    const svg = citedSvg('<svg width="1"><g/></svg>', '</title><script>', ['a & b']);
    expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
    expect(svg).not.toContain('<script>');
    expect(svg.match(/<svg/g)).toHaveLength(1);
  });
});

describe('the rest of the frame', () => {
  it('leaves empty fields out of questions', () =>
    expect(stated({ a: '', b: null, c: 0, d: false, e: [], f: [1], g: undefined })).toEqual({ c: 0, f: [1] }));
  it('reads server-sent events', () => {
    expect(eventData('event: progress\ndata: {"a":1}\nid: 3')).toBe('{"a":1}');
    expect(eventData(': heartbeat')).toBe('');
  });
  it('fills places in texts', () => expect(filled('{n} of {m}', { n: 1 })).toBe('1 of {m}'));
  it('finds entries by all words, beginnings first', () => {
    const list = [{ id: 'b-h100', name: 'HGX H100' }, { id: 'h100', name: 'H100 SXM' }];
    expect(matching(list, 'h100')[0]?.id).toBe('h100');
    expect(matching(list, 'hgx 100')).toHaveLength(1);
  });
});
