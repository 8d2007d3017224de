import type { CountersSummary, PacketsAndBytes } from '../../../replay/expect-counters.js';
import { counted, grouped } from '../../words/numbers.js';

/** The counters of rules and policies, beside those that the host had. */
export function CounterDifferences({ counters }: { readonly counters: CountersSummary }) {
  const { files, same, different, listed } = counters;
  return (
    <section>
      <p class="verdict-line">
        <b class={different === 0 ? 'same' : undefined}>
          {different === 0
            ? '✓ The counters are the same'
            : `${counted(different, 'rule')} or policies have other counters`}
        </b>{' '}
        {grouped(same)} have those of {files.join(' to ')}.
      </p>
      {listed.length > 0 && (
        <table class="services">
          <thead>
            <tr>
              <th>rule</th>
              <th>the host</th>
              <th>emulated</th>
            </tr>
          </thead>
          <tbody>
            {listed.map(({ table, chain, number, rule, expected, found }) => (
              <tr key={`${table} ${chain} ${number}`}>
                <th scope="row">
                  {table} {chain} {number ?? 'policy'} <code>{rule}</code>
                </th>
                <td>{words(expected)}</td>
                <td>{words(found)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

const words = (of: PacketsAndBytes | undefined): string =>
  of ? `${counted(of.packets, 'packet')}, ${counted(of.bytes, 'byte')}` : 'no such rule';
