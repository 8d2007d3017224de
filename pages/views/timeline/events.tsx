import { useState } from 'preact/hooks';
import type { RulesSection, TimelineEvent } from '../../../explain/report/format/model.js';
import type { Range } from '../../data/timeline-bars.js';
import { RuleLink } from '../../parts/rule-link.js';
import type { ViewProps } from '../../selection.js';
import { counted } from '../../words/numbers.js';
import { type ChartPlace, LEFT, pixelOf, wordsOf } from './place.js';

const SIGNS: Readonly<Record<TimelineEvent['kind'], string>> = { change: '▲', set: '◆', limit: '■', expired: '●' };
/** Marks that are nearer to each other are one. */
const MARK_PIXELS = 18;
/** Words need so much room. */
const WORDS_PIXELS = 70;
const FIRST_LISTED = 100;

interface Mark {
  readonly x: number;
  readonly events: readonly TimelineEvent[];
}

/** Where something happened, below the time of packets. */
export function EventLane(props: {
  readonly events: readonly TimelineEvent[];
  readonly place: ChartPlace;
  readonly choose: (time: Range) => void;
}) {
  const { events, place, choose } = props;
  const marks = marksOf(events, place);
  if (marks.length === 0) return null;
  return (
    <div class="event-lane" style={{ marginLeft: `${LEFT}px`, width: `${place.inner}px` }}>
      {marks.map(({ x, events: here }, i) => {
        const [first] = here;
        const room = (marks[i + 1]?.x ?? place.inner) - x;
        const words = here.length === 1 ? first.text : counted(here.length, 'event');
        const title = here.slice(0, 12).map((one) => `${wordsOf(place, one.timeNs)}  ${one.text}`);
        return (
          <button
            type="button"
            key={`${first.timeNs} ${first.text}`}
            class={`event ${first.kind}`}
            style={{ left: `${x}px`, maxWidth: `${Math.max(room - 4, MARK_PIXELS - 2)}px` }}
            title={title.join('\n')}
            aria-label={`${words}, at ${wordsOf(place, first.timeNs)}`}
            onClick={() => choose(spanOf(here))}
          >
            <i aria-hidden="true">{SIGNS[first.kind]}</i>
            {room >= WORDS_PIXELS && ` ${words}`}
          </button>
        );
      })}
    </div>
  );
}

/** From the first to the last of EVENTS. */
function spanOf(events: readonly TimelineEvent[]): Range {
  return [events[0].timeNs, Math.max(...events.map(({ timeNs, untilNs = timeNs }) => untilNs))];
}

function marksOf(events: readonly TimelineEvent[], place: ChartPlace): Mark[] {
  const marks: { x: number; events: TimelineEvent[] }[] = [];
  for (const event of events) {
    const x = pixelOf(place, event.timeNs);
    if (x < -1 || x > place.inner + 1) continue;
    const last = marks[marks.length - 1];
    if (last !== undefined && x - last.x < MARK_PIXELS) last.events.push(event);
    else marks.push({ x: Math.max(0, Math.min(x, place.inner - MARK_PIXELS)), events: [event] });
  }
  return marks;
}

/** All events as a table. */
export function EventList(
  props: Pick<ViewProps, 'selection' | 'select'> & {
    readonly events: readonly TimelineEvent[];
    readonly rules: RulesSection;
    readonly place: ChartPlace;
    readonly choose: (time: Range) => void;
  },
) {
  const { events, rules, selection, select, choose, place } = props;
  const [most, setMost] = useState(FIRST_LISTED);
  if (events.length === 0) return null;
  const hasRules = events.some(({ rule }) => rule !== undefined);
  return (
    <section class="event-list">
      <h2>Events</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">What</th>
            {hasRules && <th scope="col">Rule</th>}
          </tr>
        </thead>
        <tbody>
          {events.slice(0, most).map((event) => (
            <tr key={`${event.timeNs} ${event.text}`}>
              <td>
                <button type="button" class="link" title="Choose this time" onClick={() => choose(spanOf([event]))}>
                  {wordsOf(place, event.timeNs)}
                  {event.untilNs !== undefined && ` – ${wordsOf(place, event.untilNs)}`}
                </button>
              </td>
              <td>
                <i class={`sign ${event.kind}`} aria-hidden="true">
                  {SIGNS[event.kind]}
                </i>{' '}
                {event.text}
              </td>
              {hasRules && (
                <td>{event.rule !== undefined && <RuleLink rule={event.rule} {...{ rules, selection, select }} />}</td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {events.length > most && (
        <button type="button" onClick={() => setMost(events.length)}>
          {counted(events.length - most, 'more event')}
        </button>
      )}
    </section>
  );
}
