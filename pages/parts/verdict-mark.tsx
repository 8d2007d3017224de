import type { Verdict } from '../../explain/story/story.js';

/** A verdict of packets or of a connection, as a word with its mark, which is a shape as well as a colour. */
export function VerdictMark({ verdict }: { readonly verdict: Verdict | 'expired' }) {
  return (
    <span class={`verdict ${verdict}`}>
      <i aria-hidden="true">{VERDICT_SIGNS[verdict]}</i> {verdict}
    </span>
  );
}

export const VERDICT_SIGNS: Readonly<Record<Verdict | 'expired', string>> = {
  forwarded: '→',
  sent: '↗',
  delivered: '↓',
  dropped: '✕',
  rejected: '⊘',
  held: '⋯',
  skipped: '–',
  expired: '◔',
};
