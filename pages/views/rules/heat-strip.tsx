import { useMemo } from 'preact/hooks';
import { heat, type LineContext } from './rule-list.js';
import type { RuleRow } from './rule-rows.js';

const BINS = 240;

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
      const bin = Math.floor(i / height);
      const { asked, matched } = hottest[bin] ?? { asked: 0, matched: 0 };
      hottest[bin] = { asked: Math.max(asked, of.asked[row.rule]), matched: Math.max(matched, of.matched[row.rule]) };
    });
    return hottest.map((bin, i) => ({ ...bin, top: i * height, height }));
  }, [rows, counts, chosen]);
  return (
    <svg
      class="heat-strip"
      aria-hidden="true"
      viewBox={`0 0 10 ${Math.max(1, rows.length)}`}
      preserveAspectRatio="none"
      onClick={(event) => scrollTo(event.offsetY / event.currentTarget.clientHeight)}
    >
      {bins.map(({ asked, matched, top, height }) => [
        asked > 0 && <rect y={top} height={height} width="10" class="asked" opacity={heat(asked, most)} />,
        matched > 0 && <rect y={top} height={height} width="10" class="hot" opacity={heat(matched, most)} />,
      ])}
    </svg>
  );
}
