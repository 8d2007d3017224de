import { useEffect, useRef, useState } from 'preact/hooks';
import type { Result } from '../data/result.js';
import { textProblem } from '../data/select-rows.js';
import './filter-box.css';

/** How long nobody has to type before packets are looked for. */
const PAUSE_MS = 120;

/** The search box: what is typed chooses packets at once, and what of it cannot be read is told. */
export function FilterBox(props: {
  readonly result: Result;
  readonly text: string;
  readonly onText: (text: string) => void;
}) {
  const { result, text, onText } = props;
  const [typed, setTyped] = useState(text);
  const sent = useRef(text);
  useEffect(() => {
    // Somebody else has changed it: a chip was taken away, or the page went back.
    if (text !== sent.current) setTyped(text);
    sent.current = text;
  }, [text]);
  useEffect(() => {
    if (typed === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = typed;
      onText(typed);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const problem = textProblem(result, typed);
  return (
    <search class="filter-box">
      <label>
        Filter
        <input
          type="search"
          value={typed}
          placeholder="tcp 10.0.0.0/8 > *:443 S, or any text"
          autocomplete="off"
          spellcheck={false}
          aria-invalid={problem !== undefined}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      </label>
      <FilterHelp />
      <p role="status">{problem && `Column ${problem.column}: ${problem.message}`}</p>
    </search>
  );
}

const EXAMPLES: readonly (readonly [text: string, meaning: string])[] = [
  ['tcp 203.0.113.7 > *:443', 'protocol, source > destination; any part may be left out'],
  ['tcp S', 'TCP flags, as in trace: S, SA, R, …'],
  ['icmp echo-request', 'an ICMP type'],
  ['in eth0   out !docker0', 'incoming and outgoing interface'],
  ['len 1400-   state INVALID', 'packet length, and conntrack state'],
  ['web   10.0.0   :8080   dropped', 'text in addresses, names, interfaces, verdicts and deciding rules'],
  ['"tcp"   !web', 'in quotes: text only; !: packets without it'],
];

function FilterHelp() {
  return (
    <details class="filter-help">
      <summary aria-label="Filter syntax">?</summary>
      <dl>
        {EXAMPLES.map(([text, meaning]) => (
          <div key={text}>
            <dt>
              <code>{text}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
