// Codes of the rules in words: outcomes, standings, facts, what is not checked. The codes themselves stay in exports.
import { filled, type Dictionary, type Language } from '../../lib/i18n.svelte';

const OUTCOMES = {
  en: {
    no_licence: 'no licence requirement found', no_rule: 'no rule in the catalog', insufficient_data: 'not enough data', permitted: 'permitted', prohibited: 'prohibited',
    'licence:required': 'licence required', 'licence:presumption_of_denial': 'licence, presumption of denial', 'licence:is_informed': 'licence, by letter to the exporter',
    'licence:case_by_case': 'licence, case by case', 'licence:granted_with_15pct_share': 'licence granted with a share of 15 %', 'licence:presumption_of_approval': 'licence, presumption of approval',
    'prohibited:GP10_presumption': 'prohibited: General Prohibition 10 is presumed', 'prohibited:CN_ban': 'prohibited by China', 'restricted:blocked': 'restricted: blocked',
    'restricted:only_when_necessary': 'restricted: only when necessary', 'restricted:avoid': 'restricted: to be avoided', 'restricted:stop_tests_and_orders': 'restricted: tests and orders to stop',
    'restricted:domestic_only': 'restricted: domestic chips only', 'restricted:remove': 'restricted: foreign chips to be removed', 'restricted:case_by_case': 'restricted: case by case',
    'permitted:technical_analysis': 'permitted: technical analysis', 'exception:NAC': 'exception NAC', 'exception:NAC_notify': 'exception NAC, after notice', 'exception:ACA': 'exception ACA', 'exception:HBM': 'exception HBM',
    applies: 'applies', does_not_apply: 'does not apply', voluntary: 'voluntary', exempt: 'exempt', no_duty: 'no duty', suspended: 'suspended', proposed: 'proposed, not law', vetoed: 'vetoed, never law',
    'duty:25pct': 'duty of 25 %', depends: 'depends on: {it}', check: 'to be checked: unverified since {it}', lifted: 'lifted by {it}', applies_from: 'applies from {it}',
    rebuts: 'takes a presumption back', none: 'asks nothing', presumed: 'class presumed: {it}', class: 'class {it}', follows: 'class follows: {it}', exempt_: 'exempt: {it}', obligation: 'obligation: {it}', exception: 'exception {it}', licence: 'licence: {it}', restricted: 'restricted: {it}', permitted_: 'permitted: {it}',
  },
  zh: {
    no_licence: '未发现许可要求', no_rule: '目录中没有相关规则', insufficient_data: '数据不足', permitted: '允许', prohibited: '禁止',
    'licence:required': '需要许可', 'licence:presumption_of_denial': '需要许可，推定拒绝', 'licence:is_informed': '需要许可（按发给出口方的通知函）',
    'licence:case_by_case': '需要许可，逐案审查', 'licence:granted_with_15pct_share': '已授予许可，上缴 15 %', 'licence:presumption_of_approval': '需要许可，推定批准',
    'prohibited:GP10_presumption': '禁止：推定违反第十项一般禁止', 'prohibited:CN_ban': '被中国禁止', 'restricted:blocked': '受限：被阻止',
    'restricted:only_when_necessary': '受限：仅在必要时', 'restricted:avoid': '受限：应避免', 'restricted:stop_tests_and_orders': '受限：停止测试与订购',
    'restricted:domestic_only': '受限：仅限国产芯片', 'restricted:remove': '受限：须移除外国芯片', 'restricted:case_by_case': '受限：逐案处理',
    'permitted:technical_analysis': '允许：技术分析', 'exception:NAC': '例外 NAC', 'exception:NAC_notify': '例外 NAC（须先通报）', 'exception:ACA': '例外 ACA', 'exception:HBM': '例外 HBM',
    applies: '适用', does_not_apply: '不适用', voluntary: '自愿', exempt: '豁免', no_duty: '没有义务', suspended: '暂停实施', proposed: '提案，尚非法律', vetoed: '已被否决，从未成为法律',
    'duty:25pct': '25 % 的关税', depends: '取决于：{it}', check: '待核实：自 {it} 起无人核实', lifted: '被 {it} 免除', applies_from: '自 {it} 起适用',
    rebuts: '推翻推定', none: '没有要求', presumed: '推定类别：{it}', class: '类别 {it}', follows: '类别随之而定：{it}', exempt_: '豁免：{it}', obligation: '义务：{it}', exception: '例外 {it}', licence: '许可：{it}', restricted: '受限：{it}', permitted_: '允许：{it}',
  },
} satisfies Dictionary;

const FACTS = {
  en: {
    item_type: 'kind of item', item_names: 'words of its name', tpp: 'TPP', die_area: 'applicable die area', performance_density: 'performance density', io_bandwidth: 'I/O bandwidth', dram_bandwidth: 'memory bandwidth',
    package_area: 'package area', memory_density: 'memory bandwidth density', memory_kind: 'kind of memory', datacenter_marketed: 'marketed for data centres', process_nm: 'process', transistors: 'transistors', has_hbm: 'HBM in the package',
    designer_hq: 'designer’s headquarters', designer_approved: 'approved designer', material: 'material', class: 'class', transaction: 'transaction', origin: 'origin', destination: 'destination', from: 'country of dispatch', hq: 'consignee’s headquarters', exporter: 'exporter', exporter_role: 'exporter’s role',
    consignee_listed: 'consignee on a list', consignee_review: 'review of the consignee', consignee_listed_share: 'shares of listed owners', state_funded: 'state funding', large_platform: 'large platform', built_share: 'share that is built',
    training_flop: 'training compute', training_domain: 'domain of the training data', modification_flop: 'compute of the modification', original_flop: 'compute of the original', original_flop_known: 'original’s compute known', modification_share: 'modification’s share of the original',
    original_systemic: 'original has systemic risk', cluster_op_per_s: 'peak of the cluster', cluster_network_b_per_s: 'network of the cluster', cluster_sites: 'sites of the cluster', revenue_usd: 'revenue', compute_cost_usd: 'cost of the compute',
    output_modality: 'what the model generates', input_modality: 'what the model takes in', open_weights: 'open weights', open_licence: 'open licence', placed_on_market: 'day on the market', role: 'role', public_service: 'offered to the public', opinion_capability: 'can shape opinion', high_risk: 'high-risk system',
  },
  zh: {
    item_type: '物项种类', item_names: '名称中的字词', tpp: 'TPP', die_area: '适用的裸片面积', performance_density: '性能密度', io_bandwidth: 'I/O 带宽', dram_bandwidth: '内存带宽',
    package_area: '封装面积', memory_density: '内存带宽密度', memory_kind: '内存种类', datacenter_marketed: '面向数据中心销售', process_nm: '制程', transistors: '晶体管数', has_hbm: '封装内含 HBM',
    designer_hq: '设计方总部', designer_approved: '获批准的设计方', material: '材料', class: '类别', transaction: '交易', origin: '原产地', destination: '目的国', from: '发出国', hq: '收货方总部', exporter: '出口方', exporter_role: '出口方的角色',
    consignee_listed: '收货方在清单上', consignee_review: '对收货方的审查', consignee_listed_share: '清单上所有者的持股', state_funded: '国家出资', large_platform: '大型平台', built_share: '已建成的比例',
    training_flop: '训练算力', training_domain: '训练数据的领域', modification_flop: '修改所用算力', original_flop: '原模型算力', original_flop_known: '原模型算力已知', modification_share: '修改占原模型的比例',
    original_systemic: '原模型有系统性风险', cluster_op_per_s: '集群峰值', cluster_network_b_per_s: '集群网络', cluster_sites: '集群站点数', revenue_usd: '收入', compute_cost_usd: '算力成本',
    output_modality: '模型生成的内容', input_modality: '模型的输入', open_weights: '开放权重', open_licence: '开放许可', placed_on_market: '投放市场日期', role: '角色', public_service: '向公众提供', opinion_capability: '可影响舆论', high_risk: '高风险系统',
  },
} satisfies Dictionary;

const STANDINGS = {
  en: { strategy: 'strategy', principles: 'principles', initiative: 'initiative', code: 'code', declaration: 'declaration', resolution: 'resolution', treaty: 'treaty', pledge: 'pledge', group: 'group', alliance: 'alliance', 'action-plan': 'action plan', network: 'network', organisation: 'organisation', association: 'association', statement: 'statement', channel: 'channel', 'on-ratification': 'binding once ratified', in_force: 'in force', reported: 'reported, no public text seen', suspended: 'suspended', unverified: 'unverified', proposed: 'proposed, not law', voluntary: 'voluntary', vetoed: 'vetoed, never law', binding: 'binding', guidance: 'guidance', none: 'no force', class: 'class', licence: 'licence', exception: 'exception', import: 'import', fallback: 'presumption', presumption: 'presumption', follows: 'class', duty: 'duty', obligation: 'obligation', exemption: 'exemption' },
  zh: { strategy: '战略', principles: '原则', initiative: '倡议', code: '行为准则', declaration: '宣言', resolution: '决议', treaty: '条约', pledge: '承诺', group: '小组', alliance: '联盟', 'action-plan': '行动计划', network: '网络', organisation: '组织', association: '协会', statement: '声明', channel: '渠道', 'on-ratification': '批准后有约束力', in_force: '有效', reported: '据报道，未见公开文本', suspended: '暂停实施', unverified: '未核实', proposed: '提案，尚非法律', voluntary: '自愿', vetoed: '已被否决，从未成为法律', binding: '有约束力', guidance: '指南', none: '无效力', class: '类别', licence: '许可', exception: '例外', import: '进口', fallback: '推定', presumption: '推定', follows: '类别', duty: '关税', obligation: '义务', exemption: '豁免' },
} satisfies Dictionary;

// Fixed sentences of answers; others, of the catalog, stay in English.
const SENTENCES: Record<string, string> = {
  'data protection and transfer of data': '数据保护与数据传输', 'sanctions and lists beyond the catalog': '目录以外的制裁与清单', tax: '税务', contracts: '合同',
  'every jurisdiction that is not named above': '上面没有列出的所有法域',
  'the consignee: no party is named and none was screened; the answer is for one on no list': '收货方：没有指明，也没有筛查；答案适用于不在任何清单上的收货方',
  'anybody else': '其他任何人', any: '任意', ic: '集成电路', system: '系统', export_from_us: '自美国出口', reexport: '再出口', import_into_cn: '进口到中国', checked: '已核查', 'not checked': '未核查', yes: '是', no: '否', unknown: '未知',
  provider: '提供者', modifier: '修改者', deployer: '部署者', text: '文本', speech: '语音', image: '图像', video: '视频', designer: '设计方', foundry: '代工厂', osat: '封测厂', other: '其他',
  derived: '推算', published: '公布', measured: '实测', estimate: '估计', assumed: '假设',
  'given with the question': '随问题给出', 'a chip of the catalog': '目录中的芯片', 'words of its id and name': '标识与名称中的字词', 'memory bandwidth': '内存带宽', 'links, both directions': '链路，双向合计', 'follows from the deal': '由交易得出', 'follows from other facts': '由其他事实得出', 'nobody is named; taken to be on no list': '没有指明；视为不在任何清单上',
};

const at = (dictionary: Record<string, string>, key: string): string | undefined => (Object.hasOwn(dictionary, key) ? dictionary[key] : undefined);
const plain = (text: string): string => text.replaceAll('_', ' ');

/** The name of a fact. */
export function factName(name: string, to: Language): string {
  return at(FACTS[to], name) ?? plain(name);
}

/** One word of an outcome, such as "licence:presumption_of_denial". */
export function outcomeWord(code: string, to: Language): string {
  const words: Record<string, string> = OUTCOMES[to];
  const whole = at(words, code);
  if (whole !== undefined && !whole.includes('{it}')) return whole;
  const cut = code.indexOf(':');
  if (cut < 0) return plain(code);
  const [kind, it] = [code.slice(0, cut), code.slice(cut + 1)];
  const form = at(words, `${kind}_`) ?? at(words, kind);
  return form?.includes('{it}') ? filled(form, { it: kind === 'depends' ? factName(it, to) : kind === 'lifted' ? it : plain(it) }) : plain(code.replace(':', ': '));
}

/** An outcome of several words, the open questions together: "depends on: state funding, large platform". */
export function outcomeText(outcome: string, to: Language): string {
  return wordsOf(outcome).map((word) => outcomeOf(word, to)).join(to === 'zh' ? '；' : '; ');
}

/** The words of an outcome, all that it depends on as one. */
export function wordsOf(outcome: string): string[] {
  const all = outcome.split('|');
  const open = all.filter((word) => word.startsWith('depends:'));
  const others = all.filter((word) => !word.startsWith('depends:'));
  return open.length ? [...others, `depends:${open.map((word) => word.slice(8)).join('+')}`] : others;
}

/** A word of wordsOf in words. */
export function outcomeOf(word: string, to: Language): string {
  if (!word.startsWith('depends:')) return outcomeWord(word, to);
  return filled(OUTCOMES[to].depends, { it: word.slice(8).split('+').map((fact) => factName(fact, to)).join(to === 'zh' ? '、' : ', ') });
}

/** What a rule's consequence is, kind and value. */
export function consequenceText(kind: string, value: string, to: Language): string {
  return outcomeWord(value ? `${kind}:${value}` : kind, to);
}

/** How a rule stands, binds, or at which stage it is asked. */
export function standingWord(code: string, to: Language): string {
  return at(STANDINGS[to], code) ?? plain(code);
}

/** A fixed sentence or word of an answer; what is not fixed stays as it is. */
export function sentence(text: string, to: Language): string {
  return to === 'zh' ? (at(SENTENCES, text) ?? text) : text;
}

/** Words joined by "or", each told. */
export function choices(text: string, to: Language): string {
  return to === 'zh' ? (at(SENTENCES, text) ?? text.split(' or ').map((one) => sentence(one, to)).join('或')) : text;
}

/** A text of at most `most` signs. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
}
export const TOLD = { OUTCOMES, FACTS, STANDINGS };
