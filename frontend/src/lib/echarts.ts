// The parts of ECharts that the page uses, and what makes them fit the page's policy. Loaded when a chart is first shown.
import { BarChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import {
  DataZoomComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent,
} from 'echarts/components';
import * as echarts from 'echarts/core';
import { LabelLayout } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';

echarts.use([
  BarChart, CustomChart, LineChart, ScatterChart, DataZoomComponent, GridComponent, LegendComponent, MarkAreaComponent,
  MarkLineComponent, TooltipComponent, LabelLayout, SVGRenderer,
]);

// ECharts writes `style` attributes, which a policy without 'unsafe-inline' refuses; set through the element's style
// object the same declarations are allowed.
const plain = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (this: Element, name: string, value: string) {
  if (name === 'style' && this instanceof SVGElement) this.style.cssText = value;
  else plain.call(this, name, value);
};

export type Chart = echarts.ECharts;
export { echarts };
