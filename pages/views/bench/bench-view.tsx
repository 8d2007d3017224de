/* Bench */
import { useMemo, useRef, useState } from 'preact/hooks';
import type { BenchFile } from '../../../explain/report/bench-file.js';
import { Loading } from '../../parts/loading.js';
import { useLoaded } from '../../parts/use-loaded.js';
import { useWidth } from '../../parts/use-width.js';
import type { BenchProps } from '../../shell/app.js';
import { counted, grouped } from '../../words/numbers.js';
import { CostPlot, type PlotPoint } from './cost-plot.js';
import { Costs } from './costs.js';
import { type Measurement, measurementsOf, nanoseconds, ofStages } from './measurements.js';
import { StageBars } from './stage-bars.js';
import './bench-view.css';

/** With fewer packets, most of the time is spent on things done once. */
const FEW_PACKETS = 20_000;

export function BenchView({ report }: BenchProps) {
  const loaded = useLoaded(() => report.section<readonly BenchFile[]>('bench'), [report]);
  return <Loading of={loaded}>{(files) => <Measured files={files} />}</Loading>;
}

function Measured({ files }: { readonly files: readonly BenchFile[] }) {
  const all = useMemo(() => measurementsOf(files), [files]);
  const [chosen, choose] = useState(0);
  const ref = useRef<HTMLDivElement>(null);
  const width = useWidth(ref);
  const rules = pointsBy(all, ({ ruleset, result }) => [ruleset.ruleCount, result.files.join(' ')]);
  const connections = pointsBy(all, ({ ruleset }) => [ruleset.connections, ruleset.file]);
  const plots = [
    { points: rules, title: 'Cost by number of rules', axis: 'rules in all tables' },
    { points: connections, title: 'Cost by number of connections', axis: 'connections at the end' },
  ].filter(({ points }) => points.length > 1);
  const isBeside = width > 900 && plots.length > 1;
  return (
    <div class="bench" ref={ref}>
      <section class="bench-card">
        <h2>Where the time goes</h2>
        <p class="bench-note">{captionOf(files)}</p>
        {width > 0 && <StageBars all={all} width={width - 40} chosen={chosen} />}
        <StageTable all={all} />
      </section>
      {plots.length > 0 && (
        <div class={`bench-plots${isBeside ? ' beside' : ''}`}>
          {plots.map((plot) => (
            <section class="bench-card" key={plot.axis}>
              <h2>{plot.title}</h2>
              {width > 0 && <CostPlot {...plot} width={(isBeside ? (width - 16) / 2 : width) - 40} />}
            </section>
          ))}
        </div>
      )}
      <section class="bench-card">
        <h2>What is evaluated</h2>
        {all.length > 1 && (
          <label class="bench-choice">
            Ruleset{' '}
            <select value={chosen} onChange={(event) => choose(Number(event.currentTarget.value))}>
              {all.map(({ label }, i) => (
                <option key={label} value={i}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        )}
        <Costs key={chosen} measurement={all[chosen]} />
      </section>
    </div>
  );
}

function captionOf(files: readonly BenchFile[]): string {
  const of = files.map(({ result: { packets, files: captures, runs } }) => {
    const few = packets < FEW_PACKETS ? '; with so few packets, most is start-up and new connections' : '';
    return `${counted(packets, 'packet')} from ${captures.join(', ')}, median of ${counted(runs, 'run')}${few}`;
  });
  return `Nanoseconds per packet, nothing written: ${of.join('. ')}.`;
}

/**
 * ALL by what COUNT says of them, ascending, and what else has to be the same for a comparison; none if nothing can be
 * compared.
 */
function pointsBy(
  all: readonly Measurement[],
  count: (one: Measurement) => readonly [at: number | undefined, group: string],
): PlotPoint[] {
  const points = all.flatMap((one) => {
    const [at, group] = count(one);
    const { costNs, bareNs } = one.ruleset;
    return at === undefined || at < 1 ? [] : [{ at, group, label: one.label, cost: costNs, host: bareNs }];
  });
  const isVaried = points.some((a) => points.some((b) => a.group === b.group && a.at !== b.at));
  return isVaried ? points.sort((a, b) => a.at - b.at) : [];
}

function StageTable({ all }: { readonly all: readonly Measurement[] }) {
  const [first] = all;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls where it is narrow
    <section class="bench-scroll" tabIndex={0} aria-label="Cost by stage">
      <table class="bench-table">
        <thead>
          <tr>
            <th scope="col">Ruleset</th>
            <th scope="col">Rules</th>
            <th scope="col">Build</th>
            <th scope="col">Packets/s</th>
            <th scope="col">ns per packet</th>
            <th scope="col">min … max</th>
            {all.length > 1 && <th scope="col">to the first</th>}
            <th scope="col">Reading</th>
            <th scope="col">Host</th>
            <th scope="col">Rules</th>
            <th scope="col">Fast path</th>
          </tr>
        </thead>
        <tbody>
          {all.map((one) => {
            const { costNs, ruleCount, buildMs, packetsPerSecond, flowCachePackets } = one.ruleset;
            const { reading, host, rules } = ofStages(one);
            return (
              <tr key={one.label}>
                <th scope="row">{one.label}</th>
                <td>{grouped(ruleCount)}</td>
                <td>{grouped(Math.round(buildMs))} ms</td>
                <td>{grouped(Math.round(packetsPerSecond))}</td>
                <td>
                  <b>{nanoseconds(costNs.median)}</b>
                </td>
                <td>
                  {nanoseconds(costNs.min)} … {nanoseconds(costNs.max)}
                </td>
                {all.length > 1 && <td>{(costNs.median / first.ruleset.costNs.median).toFixed(2)} ×</td>}
                <td>{nanoseconds(reading)}</td>
                <td>{nanoseconds(host)}</td>
                <td>{nanoseconds(rules)}</td>
                <td>{((100 * flowCachePackets) / Math.max(1, one.result.entered)).toFixed(1)} %</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
