/** A packet of a ladder: an arrow between lifelines, and what conntrack and the rules made of it. */
import type { Verdict } from '../../../explain/story/story.js';
import type { ConnectionFacts } from '../../data/connections/connection-facts.js';
import { isRefusal, type Rung } from '../../data/connections/ladder-items.js';
import { type Arrow, answerArrow, answersOf, arrowOf, type Lane } from '../../data/connections/lanes.js';
import { VERDICT_SIGNS, VerdictMark } from '../../parts/verdict-mark.js';
import { deciderText } from '../../words/deciders.js';
import { grouped } from '../../words/numbers.js';
import { packetWords } from '../../words/packet-words.js';
import { secondsSince } from '../../words/times.js';
import { infoOf } from '../packets/packet-cells.js';

export interface RungProps {
  readonly rung: Rung;
  readonly facts: ConnectionFacts;
  readonly lanes: readonly Lane[];
  /** What its bytes tell of its sequence numbers. */
  readonly sequence: string | undefined;
  readonly open: (row: number) => void;
}

export function RungRow({ rung, facts, lanes, sequence, open }: RungProps) {
  const { row, traversal, direction, before, isInvalid, states, notes } = rung;
  const { packets, rules } = facts;
  const { verdict, ctstate, decider } = traversal;
  const label = `${infoOf(facts, row, facts.numberNames)} ${sequence ?? `${grouped(packets.length[row])} B`}`;
  return (
    <>
      {before !== '' && (
        <li class="gap row">
          <span />
          <Lanes lanes={lanes} />
          <span class="words">{before}</span>
        </li>
      )}
      <li class={rungClass(verdict, isInvalid ? 'invalid' : '')}>
        <button type="button" class="row" title={`Open packet ${grouped(row + 1)}`} onClick={() => open(row)}>
          <span class="time">{secondsSince(packets.timeNs[row])}</span>
          <Lanes {...{ lanes, arrow: arrowOf(facts, row), verdict }}>
            {direction < 0 ? `about it: ${label}` : label}
          </Lanes>
          <span class="state">
            {isInvalid && '⚠ '}
            {ctstate ?? 'not tracked'}
            {states !== '' && <small> {states}</small>}
          </span>
          <span class="outcome">
            <VerdictMark verdict={verdict} /> <small>{deciderText(decider, rules, packets.timeNs[row])}</small>
          </span>
        </button>
        {notes.map((note) => (
          <p class="said" key={note}>
            {note}
          </p>
        ))}
      </li>
      {answersOf(traversal).map((related, i) => (
        <li key={i} class={`${rungClass(related.verdict, 'answer')} row`}>
          <span />
          <Lanes {...{ lanes, arrow: answerArrow(facts, row, related), verdict: related.verdict }}>
            {related.origin === 'copy' ? 'a copy of it' : 'the host answers'}
          </Lanes>
          <span class="words">
            {packetWords(related.words, facts, row)}
            {isRefusal(related.verdict) &&
              `, ${related.verdict} by ${deciderText(related.decider, rules, packets.timeNs[row])}`}
          </span>
        </li>
      ))}
    </>
  );
}

const rungClass = (verdict: Verdict, more: string): string =>
  `rung ${verdict} ${more}${isRefusal(verdict) ? ' refused' : ''}`;

/** The lifelines, with an arrow from one to another, which says where it ends that its packet was refused. */
export function Lanes(props: {
  readonly lanes: readonly Lane[];
  readonly arrow?: Arrow;
  readonly verdict?: Verdict;
  readonly children?: string;
}) {
  const { lanes, arrow, verdict, children } = props;
  const steps = Math.max(1, lanes.length - 1);
  const at = (lane: Lane): number => Math.max(0, lanes.indexOf(lane)) / steps;
  const [from, to] = arrow === undefined ? [0, 0] : [at(arrow.from), at(arrow.to)];
  // What comes no farther than where it began has a short arrow.
  const end = from === to ? from + (from < 1 ? STUB : -STUB) : to;
  const [left, right] = [Math.min(from, end), Math.max(from, end)];
  return (
    <span class="lanes">
      {lanes.map((lane, i) => (
        <i key={lane} class="lane" style={{ left: `${(100 * i) / steps}%` }} />
      ))}
      {arrow !== undefined && (
        <span
          class={`arrow ${end > from ? 'ltr' : 'rtl'}${Math.abs(to - from) === 1 && steps > 1 ? ' through' : ''}`}
          style={{ left: `${100 * left}%`, width: `${100 * (right - left)}%` }}
        >
          <span class="label">{children}</span>
          {verdict && isRefusal(verdict) && <i class="sign">{VERDICT_SIGNS[verdict]}</i>}
        </span>
      )}
    </span>
  );
}

const STUB = 0.3;
