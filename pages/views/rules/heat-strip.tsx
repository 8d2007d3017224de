import { useMemo } from 'preact/hooks';
import { heat, type LineContext } from './rule-list.js';
import type { RuleRow } from './rule-rows.js';

const BINS = 240;
const KINDS = ['asked', 'matched'] as const;

/** All ROWS at a glance, as hot as what they matched. SCROLL_TO: a part of the whole, from 0 to 1. */
export function HeatStrip(props: {
  readonly rows: readonly RuleRow[];
  readonly context: LineContext;
  readonly scrollTo: (part: number) => void;
}) {
  const { rows, context, scrollTo } = props;
  const { counts, chosen, most } = context;
  const bins = useMemo(() => {
    const height = Math.max(1, rows.length / BINS);
    const of = chosen ?? counts;
    const hottest: { asked: number; matched: number }[] = [];
    rows.forEach((row, i) => {
      if (row.kind !== 'rule') return;
      const at = Math.floor(i / height);
      hottest[at] ??= { asked: 0, matched: 0 };
      const bin = hottest[at];
      for (const kind of KINDS) bin[kind] = Math.max(bin[kind], of[kind][row.rule]);
    });
    // The same elements as long as nothing changes: the list is drawn again whenever it scrolls.
    return hottest.map((bin, i) =>
      KINDS.map((kind) => (
        <rect key={kind} y={i * height} height={height} width="10" class={kind} opacity={heat(bin[kind], most)} />
      )),
    );
  }, [rows, counts, chosen, most]);
  return (
    <svg
      class="heat-strip"
      aria-hidden="true"
      viewBox={`0 0 10 ${Math.max(1, rows.length)}`}
      preserveAspectRatio="none"
      onClick={(event) => scrollTo(event.offsetY / event.currentTarget.clientHeight)}
    >
      {bins}
    </svg>
  );
}
