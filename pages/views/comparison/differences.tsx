import type {
  ComparedExample,
  ComparedGroup,
  ComparedRow,
  ComparedRule,
  ComparedSide,
  ComparedSteps,
  Comparison,
} from '../../../explain/report/format/comparison.js';
import type { RulesSection } from '../../../explain/report/format/model.js';
import type { Result } from '../../data/result.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { ViewProps } from '../../selection.js';
import { counted, grouped } from '../../words/numbers.js';
import { packetRow } from './packet-row.js';

const SIGNS: Readonly<Record<string, string>> = { 'newly-dropped': '✕', 'newly-accepted': '✓' };
const OPEN_AT_FIRST = 3;

export interface SidesProps extends Pick<ViewProps, 'select'> {
  /** Of the old side and the new one. */
  readonly results: readonly [Result, Result];
  readonly rules: readonly [RulesSection, RulesSection];
}

export function Differences(props: SidesProps & { readonly comparison: Comparison }) {
  const { comparison, ...sides } = props;
  const { compared, different, connections, differences, leftOut } = comparison;
  if (differences.length === 0) {
    return (
      <p class="verdict-line">
        <b class="same">✓ Nothing differs</b> {counted(compared, 'packet')} compared.
      </p>
    );
  }
  return (
    <>
      <p class="verdict-line">
        <b>{counted(different, 'packet')} differ</b> of {grouped(compared)}, in {counted(connections, 'connection')}.
      </p>
      <Kinds differences={differences} />
      {differences.map((group, i) => (
        <Group
          key={`${group.kind} ${group.example.input} ${group.example.frame}`}
          {...{ group, ...sides }}
          isOpen={i < OPEN_AT_FIRST}
        />
      ))}
      {leftOut.groups > 0 && (
        <p class="muted">
          {counted(leftOut.groups, 'more difference')} in {counted(leftOut.connections, 'connection')} left out.
        </p>
      )}
    </>
  );
}

/** How many connections differ in which way. */
function Kinds({ differences }: Pick<Comparison, 'differences'>) {
  const kinds = [...new Set(differences.map(({ kind }) => kind))];
  return (
    <table class="kinds">
      <tbody>
        {kinds.map((kind) => {
          const connections = differences.reduce((sum, one) => sum + (one.kind === kind ? one.connections : 0), 0);
          return (
            <tr key={kind}>
              <td>{counted(connections, 'connection')}</td>
              <th scope="row">
                <KindName kind={kind} />
              </th>
              <td>{differences.find((one) => one.kind === kind)?.what}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function KindName({ kind }: Pick<ComparedGroup, 'kind'>) {
  return (
    <span class={`kind ${kind}`}>
      <i aria-hidden="true">{SIGNS[kind] ?? '≠'}</i> {kind.replace('-', ' ')}
    </span>
  );
}

function Group(props: SidesProps & { readonly group: ComparedGroup; readonly isOpen: boolean }) {
  const { group, isOpen, ...sides } = props;
  const { kind, isReply, connections, packets, following, uncertain, services, moreServices, example } = group;
  return (
    <article class="difference">
      <h2>
        <KindName kind={kind} />
        {isReply && ', from replies on'}
        <small>
          {counted(connections, 'connection')}, {counted(packets, 'packet')}
          {following > 0 && `, ${grouped(following)} of them in consequence`}
          {uncertain > 0 && `, ${grouped(uncertain)} uncertain`}
        </small>
      </h2>
      <table class="services">
        <tbody>
          {services.map((service) => (
            <tr key={service.name}>
              <th scope="row">{service.name}</th>
              <td>{counted(service.connections, 'connection')}</td>
              <td>{counted(service.packets, 'packet')}</td>
              <td>
                {service.from} → {service.to}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {moreServices > 0 && <p class="muted">and {counted(moreServices, 'other service')}</p>}
      <div class="sides">
        <Side side={group.old} at={0} {...sides} />
        <Side side={group.new} at={1} {...sides} />
      </div>
      <Example {...{ example, isOpen, ...sides }} />
    </article>
  );
}

const NAMES = ['old', 'new'] as const;

/** What decided on one side. */
function Side({ side, at, results, rules, select }: SidesProps & { readonly side: ComparedSide; readonly at: 0 | 1 }) {
  const { verdict, decider, rule } = side;
  const number = rule && numberOf(rule, rules[at]);
  return (
    <section class={`side ${NAMES[at]}`}>
      <h3>
        {NAMES[at]} <small title={results[at].index.name}>{results[at].index.name}</small>
      </h3>
      <p>
        <VerdictMark verdict={verdict} /> by{' '}
        {number === undefined ? (
          decider
        ) : (
          <button
            type="button"
            class="link"
            title="Packets that it matched"
            onClick={() => select({ view: 'Packets', result: at, filter: { rule: number, isMatched: true } })}
          >
            {decider}
          </button>
        )}
      </p>
      {rule && (
        <code>
          -A {rule.chain} {rule.text}
        </code>
      )}
    </section>
  );
}

/** The position of RULE in the rules section; undefined: it is not there. */
function numberOf(rule: ComparedRule, { rules, chains }: RulesSection): number | undefined {
  const number = rules.findIndex(({ chain, line, file, text }) => {
    const { table, name } = chains[chain];
    return (
      line === rule.line && text === rule.text && file === rule.file && table === rule.table && name === rule.chain
    );
  });
  return number < 0 ? undefined : number;
}

/** The first packet of a group, with what happened to it on both sides. */
function Example(props: SidesProps & { readonly example: ComparedExample; readonly isOpen: boolean }) {
  const { example, isOpen, results, select } = props;
  const { packet, place, steps, oldSends, newSends } = example;
  return (
    <details class="example" open={isOpen}>
      <summary>
        For example <code>{packet ?? place}</code>
      </summary>
      <p class="muted">
        {packet !== undefined && place}{' '}
        {NAMES.map((name, at) => (
          <button
            type="button"
            class="link"
            key={name}
            onClick={async () => {
              const row = await packetRow(results[at], example.input, example.frame);
              select({ view: 'Packets', result: at, filter: {}, ...(row !== undefined && { packet: row }) });
            }}
          >
            Open in {name}
          </button>
        ))}
      </p>
      {steps[0] && (
        <table class="both-sides">
          <thead>
            <tr>
              <th scope="col">old</th>
              <th scope="col">new</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step, i) => (
              <BothSteps key={`${i} ${step.hook}`} {...step} />
            ))}
            <tr class="sends">
              <td>{sends(oldSends)}</td>
              <td>{sends(newSends)}</td>
            </tr>
          </tbody>
        </table>
      )}
    </details>
  );
}

function sends(packets: readonly string[] | undefined): string {
  if (packets === undefined) return 'does not arrive';
  return packets.length === 0 ? 'nothing is sent' : `sends ${packets.join('\n')}`;
}

function BothSteps({ hook, both, old, new: other }: ComparedSteps) {
  return (
    <>
      {hook && (
        <tr>
          <th scope="rowgroup" colSpan={2}>
            {hook}
          </th>
        </tr>
      )}
      {both.length > 0 ? (
        <tr>
          <td colSpan={2}>
            <RowList rows={both} />
          </td>
        </tr>
      ) : (
        <tr class="differs">
          <td>
            <RowList rows={old} sign="−" />
          </td>
          <td>
            <RowList rows={other} sign="+" />
          </td>
        </tr>
      )}
    </>
  );
}

function RowList({ rows, sign }: { readonly rows: readonly ComparedRow[]; readonly sign?: string }) {
  return (
    <ul>
      {rows.map(({ label, text, result, tone }, i) => (
        <li key={`${i} ${label}`} class={tone}>
          {sign && <b aria-hidden="true">{sign}</b>} <span class="label">{label}</span> <code>{text}</code>
          {result && <span class="result">{result}</span>}
        </li>
      ))}
    </ul>
  );
}
