import type { ResultIndex } from '../../explain/report/format/model.js';
import { VERDICTS } from '../../explain/report/format/model.js';
import type { Verdict } from '../../explain/story/story.js';
import { VerdictMark } from '../parts/verdict-mark.js';
import type { Filter, ViewProps } from '../selection.js';
import { bytesInWords, counted, grouped, percent } from '../words/numbers.js';

/** How many packets there were, and by verdict: each is a button that chooses its packets. */
export function VerdictStrip(props: {
  readonly index: ResultIndex;
  readonly filter: Filter;
  readonly select: ViewProps['select'];
}) {
  const { index, filter, select } = props;
  const { read, verdicts } = index.packets;
  const present = VERDICTS.filter((verdict) => verdicts[verdict].packets > 0 || verdict === filter.verdict);
  const bytes = VERDICTS.reduce((sum, verdict) => sum + verdicts[verdict].bytes, 0);
  const toggle = (verdict: Verdict) => {
    const { verdict: chosen, ...rest } = filter;
    select({ filter: chosen === verdict ? rest : { ...rest, verdict } });
  };
  return (
    <div class="strip">
      <p class="total">
        <b>{counted(read, 'packet')}</b> <span>{bytesInWords(bytes)}</span>
        {index.isRunning && <Progress index={index} />}
      </p>
      <div class="strip-bar" aria-hidden="true">
        {present.map((verdict) => (
          <span key={verdict} class={`share verdict ${verdict}`} style={{ flexGrow: verdicts[verdict].packets }} />
        ))}
      </div>
      <fieldset class="strip-legend" aria-label="Packets by verdict">
        {present.map((verdict) => (
          <button
            type="button"
            key={verdict}
            aria-pressed={filter.verdict === verdict}
            title={`${bytesInWords(verdicts[verdict].bytes)}, ${percent(verdicts[verdict].packets, read)}`}
            onClick={() => toggle(verdict)}
          >
            <VerdictMark verdict={verdict} /> <b>{grouped(verdicts[verdict].packets)}</b>
          </button>
        ))}
      </fieldset>
    </div>
  );
}

function Progress({ index }: { readonly index: ResultIndex }) {
  const { consumedBytes = 0, totalBytes = 0 } = index.progress ?? {};
  // Of a pipe, nobody knows how much there is.
  if (totalBytes <= 0) return <span class="progress">replaying …</span>;
  return (
    <label class="progress">
      replaying, {percent(consumedBytes, totalBytes)} <progress value={consumedBytes} max={totalBytes} />
    </label>
  );
}
