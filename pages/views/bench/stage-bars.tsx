import { type Measurement, nanoseconds, ofStages, ticksTo } from './measurements.js';

const BAR = 20;
const ROW = 46;
const STAGES = [
  ['reading', 'reading the captures'],
  ['host', 'conntrack, NAT, routing'],
  ['rules', 'rules outside nat'],
] as const;

/** For each ruleset a bar of its stages, with the spread of the whole. CHOSEN: the number of the one that is looked at. */
export function StageBars(props: {
  readonly all: readonly Measurement[];
  readonly width: number;
  readonly chosen: number;
}) {
  const { all, width, chosen } = props;
  const most = Math.max(...all.map(({ ruleset }) => Math.max(ruleset.costNs.max, ruleset.bareNs.median)));
  const ticks = ticksTo(most, width < 500 ? 3 : 6);
  const scale = (width - 8) / ticks[ticks.length - 1];
  const height = all.length * ROW + 24;
  return (
    <figure class="bench-figure">
      <figcaption class="bench-legend">
        {STAGES.map(([stage, words]) => (
          <span key={stage}>
            <i class={`swatch ${stage}`} /> {words}
          </span>
        ))}
        <span>
          <i class="swatch spread" /> fastest to slowest run
        </span>
      </figcaption>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label="Cost of each ruleset by stage; the table has the numbers"
      >
        {ticks.map((tick) => (
          <g key={tick} class="tick">
            <line x1={tick * scale + 1} x2={tick * scale + 1} y1="0" y2={height - 20} />
            <text x={tick * scale} y={height - 5} text-anchor={anchorOf(tick, ticks)}>
              {nanoseconds(tick)}
              {tick === ticks[ticks.length - 1] ? ' ns' : ''}
            </text>
          </g>
        ))}
        {all.map((one, i) => (
          <Bar key={one.label} one={one} top={i * ROW} scale={scale} isChosen={all.length > 1 && i === chosen} />
        ))}
      </svg>
    </figure>
  );
}

function Bar(props: {
  readonly one: Measurement;
  readonly top: number;
  readonly scale: number;
  readonly isChosen: boolean;
}) {
  const { one, top, scale, isChosen } = props;
  const { costNs } = one.ruleset;
  const stages = ofStages(one);
  const middle = top + 20 + BAR / 2;
  let x = 1;
  return (
    <g class={isChosen ? 'bar chosen' : 'bar'}>
      <text x="1" y={top + 14}>
        {one.label} · {nanoseconds(costNs.median)} ns
      </text>
      {STAGES.map(([stage, words]) => {
        const ns = stages[stage];
        const left = ns < 0 ? x + ns * scale : x;
        x += ns * scale;
        return (
          <rect
            key={stage}
            class={`${stage}${ns < 0 ? ' saved' : ''}`}
            x={left}
            y={top + 20}
            width={Math.max(0, Math.abs(ns) * scale - 1)}
            height={BAR}
          >
            <title>
              {words}: {nanoseconds(ns)} ns{ns < 0 ? ', as drops save more than rules cost' : ''}
            </title>
          </rect>
        );
      })}
      <path class="spread" d={`M${1 + costNs.min * scale} ${middle - 5}v10m0-5H${1 + costNs.max * scale}m0-5v10`} />
    </g>
  );
}

function anchorOf(tick: number, ticks: readonly number[]): 'start' | 'middle' | 'end' {
  return tick === 0 ? 'start' : tick === ticks[ticks.length - 1] ? 'end' : 'middle';
}
