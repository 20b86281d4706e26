import type { Dictionary } from '../../lib/i18n.svelte';

export const WORDS = {
  en: {
    title: 'Claims', lead: 'Headlines on AI compute, each recomputed with Accord’s own verbs: whether it holds, on which condition, by how much, and what would turn it.',
    inEnglish: 'Statements, conditions and names of parts are in English, as in the catalog.', asking: 'Recomputing the claims …', askingOne: 'Recomputing the claim …', search: 'Search', topic: 'Topic', allTopics: 'all topics', all: 'all', verdict: 'Verdict', level: 'Intervals', filters: 'Filters',
    'v_holds': 'holds', 'v_holds if': 'holds if', 'v_fails': 'fails', 'v_cannot tell': 'cannot tell', 'v_open': 'open',
    chartTitle: 'How far each claim is on the true side of its test', chartSummary: '{n} claims with a margin, on a logarithmic scale; right of 1 the test is true.', chartNote: 'Each row is the stated part that is nearest to failing, with its interval. Claims without a margin ({n}) need other evidence; they are in the list.',
    factor: 'Factor on the true side of the test', deciding: 'Deciding part', list: 'Claims: {n}', none: 'No claim fits these filters.', claim: 'Claim', margin: 'Margin', probability: 'Probability', factorShort: 'Factor', saidBy: 'Said by', date: 'Date', condition: 'Condition', open: 'Open',
    back: 'All claims', said: 'Said by {who}, {date}', where: 'Where', holdsIf: 'Holds only if', missing: 'Why it cannot be told', parts: 'The calculation, step by step', stated: 'stated', aside: 'beside the claim', partsChart: 'Parts of the claim against their tests', partsSummary: '{n} parts with a margin; right of 1 the test is true.',
    terms: 'Terms', term: 'Term', value: 'Value', interval: 'Interval', basis: 'Basis', how: 'How it is known', again: 'Ask again', turns: 'Turns at', turnsHelp: 'the value of this term alone at which the test would turn', cited: 'cited', noTurn: 'not within a factor of 1,000', refused: 'not known', sources: 'Sources',
    stepTerms: '1. Terms', stepValue: '2. Value', stepTest: '3. Test', stepTurn: '4. What would turn it', within: 'within {share} of {bar}', isTrue: 'true in {share} of 4,000 draws', inAll: 'true in all draws', inNone: 'true in no draw', noCalculation: 'No calculation decides this.', needs: 'What would decide', note: 'Note', valueTurn: 'The value {value} is on the {side} side of its test ({bar}), by a factor of {factor}.', trueSide: 'true', falseSide: 'false', byTerm: 'One term alone, all others as they are:',
    own: 'A claim of your own', ownLead: 'A YAML file in the form of the catalog’s claims is recomputed in the same way.', ownFile: 'Claim file (YAML)', readMore: 'How claims are judged: a part holds where its test is true in at least 90 % of draws, and fails where it is in at most 10 %. The claim is judged by all stated parts together.',
    t_cost: 'cost', t_hardware: 'hardware', t_supply: 'supply', t_speed: 'speed', t_compute: 'compute', t_quality: 'quality', t_governance: 'governance',
  },
  zh: {
    title: '说法核查', lead: '关于 AI 算力的说法，逐条用 Accord 自己的命令重新计算：是否成立、以什么为条件、相差多少、什么会使结论改变。',
    inEnglish: '说法原文、条件与各部分名称沿用目录中的英文。', asking: '正在重新计算各条说法 …', askingOne: '正在重新计算该说法 …', search: '搜索', topic: '主题', allTopics: '所有主题', all: '全部', verdict: '结论', level: '区间', filters: '筛选',
    'v_holds': '成立', 'v_holds if': '有条件成立', 'v_fails': '不成立', 'v_cannot tell': '无法判断', 'v_open': '未定',
    chartTitle: '每条说法在检验的成立一侧有多远', chartSummary: '{n} 条有余量的说法，对数刻度；1 的右侧检验成立。', chartNote: '每行是最接近不成立的主张部分及其区间。没有余量的说法（{n} 条）需要其他证据，见列表。',
    factor: '在检验成立一侧的倍数', deciding: '决定性部分', list: '说法：{n}', none: '没有符合筛选条件的说法。', claim: '说法', margin: '余量', probability: '概率', factorShort: '倍数', saidBy: '出自', date: '日期', condition: '条件', open: '打开',
    back: '所有说法', said: '出自 {who}，{date}', where: '位置', holdsIf: '仅在以下条件下成立', missing: '为何无法判断', parts: '逐步展开的计算', stated: '主张', aside: '主张之外', partsChart: '各部分与其检验', partsSummary: '{n} 个有余量的部分；1 的右侧检验成立。',
    terms: '各项', term: '项', value: '数值', interval: '区间', basis: '依据', how: '如何得知', again: '重新查询', turns: '转折值', turnsHelp: '仅改变此项时使检验结果改变的数值', cited: '引用', noTurn: '在 1,000 倍以内没有', refused: '未知', sources: '来源',
    stepTerms: '1. 各项', stepValue: '2. 数值', stepTest: '3. 检验', stepTurn: '4. 什么会使其改变', within: '在 {bar} 的 {share} 以内', isTrue: '4,000 次抽样中 {share} 成立', inAll: '所有抽样均成立', inNone: '所有抽样均不成立', noCalculation: '没有计算能够判定这一点。', needs: '什么能够判定', note: '备注', valueTurn: '数值 {value} 位于检验（{bar}）的{side}一侧，相差 {factor} 倍。', trueSide: '成立', falseSide: '不成立', byTerm: '仅改变一项，其余不变：',
    own: '您自己的说法', ownLead: '与目录中说法格式相同的 YAML 文件，以同样方式重新计算。', ownFile: '说法文件（YAML）', readMore: '判断方式：某部分的检验在至少 90 % 的抽样中成立则该部分成立，至多 10 % 则不成立。整条说法由所有主张部分共同判断。',
    t_cost: '成本', t_hardware: '硬件', t_supply: '供给', t_speed: '速度', t_compute: '算力', t_quality: '质量', t_governance: '治理',
  },
} satisfies Dictionary;
