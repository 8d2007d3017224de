/** All steps of a traversal, of which one is where somebody is. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Traversal, TraversalStep } from '../../../explain/report/format/model.js';
import { type ListedStep, listedSteps } from '../../data/listed-steps.js';
import type { PacketTable } from '../../data/packet-table.js';
import { deciderText, ruleText } from '../../words/deciders.js';
import { counted } from '../../words/numbers.js';
import { packetWords } from '../../words/packet-words.js';

export interface StepListProps {
  readonly table: PacketTable;
  /** The packet's, for the values in words. */
  readonly row: number;
  readonly traversal: Traversal;
  readonly interfaces: readonly { readonly name: string }[];
  /** The number of the step where somebody is; undefined: nobody goes through these steps. */
  readonly step?: number;
  readonly onStep?: (step: number) => void;
  readonly onRule: (rule: number) => void;
}

export function StepList(props: StepListProps) {
  const { traversal, step } = props;
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const items = useMemo(() => listedSteps(traversal, opened, step), [traversal, opened, step]);
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const [box, current] = [list.current, list.current?.querySelector<HTMLElement>('[aria-current]')];
    if (!box || !current) return;
    // Only the list scrolls, not the page.
    const above = current.offsetTop - box.scrollTop;
    if (above < 0 || above + current.offsetHeight > box.clientHeight) box.scrollTop += above - box.clientHeight / 3;
  }, [step]);
  return (
    <ol class="step-list" ref={list}>
      {items.map((item) => {
        if (item.kind === 'hook')
          return (
            <li key={`hook ${item.at}`} class="hook">
              {item.hook}
            </li>
          );
        if (item.kind === 'step') return <StepItem key={item.number} {...props} item={item} />;
        return (
          <li key={`folded ${item.number}`} class="folded">
            <button type="button" class="link" onClick={() => setOpened(new Set([...opened, item.number]))}>
              {counted(item.count, 'more rule')} {item.count === 1 ? 'does' : 'do'} not match
            </button>
          </li>
        );
      })}
    </ol>
  );
}

function StepItem({ item, ...props }: StepListProps & { readonly item: ListedStep }) {
  const { step: current, onStep } = props;
  const { number, step } = item;
  const isCurrent = number === current;
  const isMissed = step.kind === 'rule' && !step.isMatched;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the arrow keys go through the steps
    <li
      class={`${step.kind}${isMissed ? ' missed' : ''}`}
      style={{ '--level': step.kind === 'rule' ? step.level : 0 }}
      aria-current={isCurrent ? 'step' : undefined}
      onClick={() => onStep?.(number)}
    >
      <i aria-hidden="true">{signOf(step)}</i>
      <div>
        <StepWords {...props} of={step} />
      </div>
    </li>
  );
}

const SIGNS: Readonly<Record<TraversalStep['kind'], string>> = {
  rule: '✓',
  policy: '▪',
  translated: '⇄',
  tracked: '◉',
  routed: '⤳',
  dropped: '✕',
  left: '→',
  related: '↩',
  other: '·',
};

const signOf = (step: TraversalStep): string => (step.kind === 'rule' && !step.isMatched ? '✗' : SIGNS[step.kind]);

function StepWords({ of: step, table, row, traversal, interfaces, onRule }: StepListProps & { of: TraversalStep }) {
  const { verdict, decider } = traversal;
  const timeNs = table.packets.timeNs[row];
  const words = (text: Parameters<typeof packetWords>[0]) => packetWords(text, table, row);
  switch (step.kind) {
    case 'rule': {
      const { text, comment, file, line } = table.rules.rules[step.rule];
      return (
        <>
          <button
            type="button"
            class="link"
            title={`${file}:${line}`}
            onClick={(event) => {
              event.stopPropagation();
              onRule(step.rule);
            }}
          >
            {ruleText(step.rule, table.rules, timeNs)}
          </button>{' '}
          <span class="unseen">{step.isMatched ? 'matches' : 'does not match'}</span>
          <code>{text}</code>
          {comment !== undefined && !text.includes(comment) && <span class="remark"> {comment}</span>}
          {step.failed.map((failed, i) => (
            <p key={i} class="failed">
              {words(failed)}
            </p>
          ))}
          {step.effects.map((effect, i) => (
            <p key={i} class="effect">
              {words(effect)}
            </p>
          ))}
        </>
      );
    }
    case 'policy': {
      const { table: name, name: chain, policy } = table.rules.chains[step.chain];
      return (
        <>
          Policy of {name} {chain}: <code>{policy ?? 'ACCEPT'}</code>
        </>
      );
    }
    case 'tracked':
      return (
        <>
          conntrack: <b>{step.ctstate}</b> {words(step.words)}
        </>
      );
    case 'routed':
      return <>Route: {words(step.words)}</>;
    case 'dropped':
      return (
        <b>
          {verdict}: {decider.kind === 'host' ? words(step.words) : deciderText(decider, table.rules, timeNs)}
        </b>
      );
    case 'left':
      return <b>{step.dev < 0 ? 'Delivered to the host' : `Leaves by ${interfaces[step.dev]?.name ?? '?'}`}</b>;
    case 'related': {
      const { origin, words: text } = traversal.related[step.related] ?? { origin: 'answer', words: '' };
      return (
        <>
          The host sends {origin === 'answer' ? 'an answer' : `a ${origin}`}: {words(text)}
        </>
      );
    }
    default:
      return <>{words(step.words)}</>;
  }
}
