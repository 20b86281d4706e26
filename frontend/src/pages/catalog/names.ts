// Names of an entry's values: the path in words, so that it can be read and wraps between words.
import type { Language } from '../../lib/i18n.svelte';

const PARTS: Record<string, [string, string]> = {
  peak: ['Peak', '峰值'], memory: ['Memory', '内存'], capacity: ['capacity', '容量'], bandwidth: ['bandwidth', '带宽'], kind: ['kind', '种类'],
  interconnect: ['Links', '互连'], scale_up: ['scale-up', '超节点内'], scale_out: ['scale-out', '横向扩展'], board_power: ['Board power', '板卡功率'], devices_per_chip: ['Devices per chip', '每芯片设备数'],
  facts: ['', ''], fabric: ['Fabric', '网络'], parameters: ['Parameters', '参数量'], total: ['total', '总计'], active: ['active', '激活'], published: ['Published', '公布'], totals: ['Totals', '总量'],
  chips: ['Chips', '芯片数'], nodes: ['Nodes', '节点数'], racks: ['Racks', '机柜数'], compute_racks: ['Compute racks', '计算机柜数'], slo: ['Limits', '时限'], power: ['Power', '功率'], price: ['Price', '价格'], prompt: ['Prompt', '提示'], answer: ['Answer', '回答'],
  launch_date: ['launch', '发布日期'], process: ['process', '制程'], foundry: ['foundry', '代工厂'], die_area: ['die area', '裸片面积'], dies: ['dies', '裸片数'], transistors: ['transistors', '晶体管数'], formats: ['number formats', '数值格式'],
  fp8_support: ['FP8 support', '支持 FP8'], scale_up_both_directions: ['scale-up, both directions', '超节点内，双向'], scale_up_per_die: ['scale-up per die', '每裸片超节点内'], die_to_die: ['die to die', '裸片间'], die_to_die_both_directions: ['die to die, both directions', '裸片间，双向'],
  system_power_per_chip: ['system power per chip', '每芯片系统功率'], price_cny: ['price in CNY', '人民币价格'], price_usd: ['price in USD', '美元价格'], datacenter_marketed: ['marketed for data centres', '面向数据中心销售'],
  host_cpus: ['Host CPUs', '主机 CPU'], host_memory: ['Host memory', '主机内存'], memory_pool: ['Memory pool', '内存池'], turns: ['Turns', '轮数'], context: ['Context', '上下文'], arrivals: ['Arrivals', '到达'], latency: ['latency', '时延'],
};
const UPPER = /^(fp\d+|bf\d+|tf\d+|int\d+|mxfp\d+|nvfp\d+|hbm|tpot|ttft|usd|cny|pue|io|gpu|cpu|nic)$/;

function partName(part: string, to: Language): string {
  const known = Object.hasOwn(PARTS, part) ? PARTS[part] : undefined;
  if (known) return known[to === 'zh' ? 1 : 0];
  return part.split('_').map((word) => (UPPER.test(word) ? word.toUpperCase() : word)).join(' ');
}

/** "memory.capacity" -> "Memory · capacity"; "facts.die_area" -> "die area". */
export function nameOf(path: string, to: Language): string {
  return path.split('.').map((part) => partName(part, to)).filter(Boolean).join(' · ');
}
