import { describe, expect, it } from 'vitest';
import {
  barsOf, columnsOf, DEFAULTS, endsOf, fieldOf, isThere, markOf, placeOf, stepsOf, stretchAt, tabOf, thresholdsOf, toneOf, toneOfClass, withFact, yesNo, zonesOf,
  type Answer, type Chip, type Member, type Period, type Stretch,
} from '../src/pages/policy/model';
import { stated } from '../src/lib/api';
import { choices, consequenceText, cut, factName, outcomeOf, outcomeText, outcomeWord, sentence, standingWord, TOLD, wordsOf } from '../src/pages/policy/told';

const stretch = (from: string | null, until: string | null, more: Partial<Stretch> = {}): Stretch => ({
  from, until, after_last_check: false, y: 'performance_density', y_unit: '1', xs: [1600, 2400, 4800], ys: [1.6, 3.2, 5.92],
  zone: [['none', 'none', 'none', 'a'], ['none', 'none', 'b', 'a'], ['none', 'b', 'b', 'a'], ['none', 'a', 'a', 'a']],
  classes: [], rules: [], pending: [], ...more,
});

describe('days', () => {
  const stretches = [stretch(null, '2022-10-07'), stretch('2022-10-07', '2023-11-17'), stretch('2023-11-17', null)];
  it('are months and changes, in order, each once', () => {
    const steps = stepsOf(stretches);
    expect(steps[0]).toBe('2022-09-01');
    expect(steps.at(-1)).toBe('2026-12-31');
    expect(steps).toContain('2022-10-07');
    expect(steps).toEqual([...new Set(steps)].sort());
    expect(steps).toHaveLength(52 + 2 + 1);
  });
  it('lie in one stretch, whose last day is not in it', () => {
    expect(stretchAt(stretches, '1999-01-01')).toBe(0);
    expect(stretchAt(stretches, '2022-10-06')).toBe(0);
    expect(stretchAt(stretches, '2022-10-07')).toBe(1);
    expect(stretchAt(stretches, '2030-01-01')).toBe(2);
    expect(placeOf(['2022-01-01', '2022-02-01'], '2022-01-31')).toBe(0);
    expect(placeOf(['2022-01-01', '2022-02-01'], '2022-02-01')).toBe(1);
  });
  it('tell whether a chip was there; a year counts from its beginning', () => {
    const chip = (announced: string) => ({ announced }) as Chip;
    expect(isThere(chip('2025'), '2025-01-01')).toBe(true);
    expect(isThere(chip('2025-03'), '2025-02-28')).toBe(false);
    expect(isThere(chip(''), '2020-01-01')).toBe(true);
  });
});

describe('zones', () => {
  const zones = zonesOf(stretch(null, null), [800, 250_000], [1, 70]);
  it('cover the plane once', () => {
    const size = (one: (typeof zones)[number]) => Math.log(one.x1 / one.x0) * Math.log(one.y1 / one.y0);
    expect(zones.reduce((sum, one) => sum + size(one), 0)).toBeCloseTo(Math.log(250_000 / 800) * Math.log(70), 6);
  });
  it.each([[5000, 1.1, 'a'], [2000, 10, 'a'], [3000, 2, 'b'], [2000, 4, 'b'], [2368, 2.9, 'none'], [1000, 50, 'none']])('at %d, %d are %s', (x, y, name) => {
    const found = zones.filter((one) => one.x0 <= x && x < one.x1 && one.y0 <= y && y < one.y1);
    expect(found.map((one) => one.name)).toEqual([name]);
  });
  it('are one where nothing is asked', () => expect(zonesOf(stretch(null, null, { xs: [], ys: [], zone: [['none']] }), [1, 10], [1, 10])).toHaveLength(1));
});

describe('verdicts', () => {
  it.each([
    ['no_licence', 'good'], ['depends:exporter', 'open'], ['licence:required|exception:NAC_notify', 'bad'], ['licence:is_informed', 'bad'], ['prohibited:GP10_presumption', 'bad'],
    ['licence:case_by_case', 'open'], ['no_rule', 'plain'], ['restricted:only_when_necessary|depends:state_funded', 'open'], ['check:2026-01-01', 'open'], ['applies', 'bad'],
    ['does_not_apply', 'good'], ['applies_from:2027-08-02', 'open'], ['vetoed', 'plain'],
  ])('%s is %s', (outcome, tone) => expect(toneOf(outcome)).toBe(tone));
  it.each([['none', 'good'], ['3A090(2022):none', 'good'], ['3A090.a', 'bad'], ['3A090.b', 'open'], ['3A090(presumed)', 'bad'], ['unknown', 'plain'], ['not_3A090_yet', 'plain']])(
    'class %s is %s', (name, tone) => expect(toneOfClass(name)).toBe(tone),
  );
  it('make bars that join where nothing changes', () => {
    const period = (from: string | null, until: string | null, outcome: string): Period => ({ from, until, eccn: 'none', outcome, importer: 'no_rule', deciding: [], rules: [], after_last_check: false });
    const periods = [period(null, '2023-01-01', 'a'), period('2023-01-01', '2024-01-01', 'b'), period('2024-01-01', null, 'b')];
    expect(barsOf(periods, 'outcome', '2022-01-01', '2025-01-01')).toEqual([{ from: '2022-01-01', until: '2023-01-01', text: 'a' }, { from: '2023-01-01', until: '2025-01-01', text: 'b' }]);
    expect(barsOf(periods, 'eccn', '2022-01-01', '2025-01-01')).toHaveLength(1);
  });
});

describe('questions', () => {
  it('go to the field, or to a stated fact', () => {
    expect(fieldOf('destination')).toBe('to');
    expect(fieldOf('exporter')).toBe('exporter');
    expect(fieldOf('state_funded')).toBeNull();
    expect(withFact(['a=1', 'b=2'], 'a', '3')).toEqual(['b=2', 'a=3']);
    expect(withFact(['a=1'], 'a', '')).toEqual([]);
  });
  it('send a no, and leave out what is not told', () => {
    expect(JSON.stringify(stated({ public: yesNo('no'), open_weights: yesNo('yes'), role: yesNo('') }))).toBe('{"public":false,"open_weights":true}');
  });
  it('read intervals of compute', () => {
    expect(endsOf('3e24')).toEqual([3e24, 3e24]);
    expect(endsOf('3e24..6e25')).toEqual([3e24, 6e25]);
    for (const wrong of ['', 'much', '6e25..3e24', '1..2..3', '-1', '1..']) expect(endsOf(wrong)).toBeNull();
  });
});

it('thresholds come once a rule, the least first', () => {
  const clause = (threshold: number) => ({ fact: 'training_flop', op: '>=', threshold, unit: 'FLOP', value: 1e24, result: 'false' as const, log10_distance: -1, probability: 0 });
  const answer = (rule: string, ...because: object[]) => ({ instrument: 'x', rule, because }) as unknown as Answer;
  const found = thresholdsOf([answer('b', clause(1e25), clause(1e25)), answer('a', clause(1e23), { ...clause(5), fact: 'revenue_usd' })]);
  expect(found.map((one) => [one.label, one.threshold])).toEqual([['x/a', 1e23], ['x/b', 1e25]]);
});

describe('the matrix', () => {
  const member = (who: string, answer: Member['answer'], sure: Member['sure'] = 'seen', kind = 'state') => ({ who, kind, answer, sure }) as Member;
  it('never takes an observer, or silence, for a member', () => {
    expect(markOf(member('US', 'joined'))).toBe('joined');
    expect(markOf(member('US', 'joined', 'recalled'))).toBe('recalled');
    expect(markOf(member('US', 'not recorded'))).toBe('beside');
    expect(markOf(member('US', 'not joined'))).toBe('not_joined');
  });
  it('shows those with most entries, or those that are asked for', () => {
    const members = [member('B', 'joined'), member('A', 'joined'), member('A', 'joined'), member('Co', 'joined', 'seen', 'company')];
    expect(columnsOf(members, [], ['state'], 5)).toEqual(['A', 'B']);
    expect(columnsOf(members, ['KZ'], ['state'], 5)).toEqual(['KZ']);
  });
});

it('no default but the deal is set', () => expect(DEFAULTS.set).toEqual([]));

describe('codes in words', () => {
  it.each([
    ['licence:presumption_of_denial', 'licence, presumption of denial', '需要许可，推定拒绝'], ['no_rule', 'no rule in the catalog', '目录中没有相关规则'], ['depends:state_funded', 'depends on: state funding', '取决于：国家出资'],
    ['applies_from:2027-08-02', 'applies from 2027-08-02', '自 2027-08-02 起适用'], ['vetoed', 'vetoed, never law', '已被否决，从未成为法律'], ['exempt:DC_VEU', 'exempt: DC VEU', '豁免：DC VEU'], ['strange:new_word', 'strange: new word', 'strange: new word'],
  ])('%s is "%s"', (code, en, zh) => {
    expect(outcomeWord(code, 'en')).toBe(en);
    expect(outcomeWord(code, 'zh')).toBe(zh);
  });
  it('tell what is open once', () => {
    expect(wordsOf('depends:state_funded|depends:large_platform|restricted:avoid')).toEqual(['restricted:avoid', 'depends:state_funded+large_platform']);
    expect(outcomeText('depends:exporter|depends:exporter_role', 'en')).toBe('depends on: exporter, exporter’s role');
    expect(toneOf(wordsOf('depends:a|depends:b')[0] as string)).toBe('open');
    expect(outcomeOf('no_licence', 'zh')).toBe('未发现许可要求');
  });
  it('have a word in both languages for each code', () => {
    for (const part of Object.values(TOLD)) expect(Object.keys(part.zh)).toEqual(Object.keys(part.en));
    expect(factName('constructor', 'en')).toBe('constructor');
    expect(standingWord('in_force', 'zh')).toBe('有效');
    expect(consequenceText('rebuts', '', 'en')).toBe('takes a presumption back');
  });
  it('leave texts of the catalog as they are', () => {
    expect(sentence('anybody else', 'zh')).toBe('其他任何人');
    expect(choices('designer or other', 'zh')).toBe('设计方或其他');
    expect(sentence('a sentence of a rule', 'zh')).toBe('a sentence of a rule');
    expect(cut('abcdef', 4)).toBe('abc…');
  });
});

it('the tab of obligations is that of duties, and one that is not known is the first', () => {
  expect(['obligations', 'duties', 'status', 'none', ''].map(tabOf)).toEqual(['duties', 'duties', 'status', 'zones', 'zones']);
});

it('a text that is no law is marked among thresholds', () => {
  const because = [{ fact: 'training_flop', op: '>', threshold: 1e26, unit: 'FLOP', value: 1, result: 'false' as const, log10_distance: -1, probability: 0 }];
  const answers = ['in_force', 'suspended', 'proposed', 'vetoed'].map((standing) => ({ instrument: standing, rule: 'x', standing, because })) as unknown as Answer[];
  expect(Object.fromEntries(thresholdsOf(answers).map((one) => [one.standing, one.lawful]))).toEqual({ in_force: true, suspended: true, proposed: false, vetoed: false });
});
