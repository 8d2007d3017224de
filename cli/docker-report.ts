/** What `nfreplay docker` tells people of the host that it has made. */
import { parseAddress } from '../codecs/address.js';
import { shown } from '../codecs/text.js';
import type { ContainerState, DockerState, EndpointState, NetworkState, PortBinding } from '../docker/model.js';
import { columns, NO_BREAK, wrapAfter } from '../explain/text/columns.js';
import type { Style } from '../explain/text/style.js';
import type { CommandReport, MadeDockerHost } from '../replay/docker/make-docker-host.js';
import { count } from './number.js';

/** The report on MADE, in lines of at most WIDTH characters. */
export function dockerReport(
  { state, host, failed, assumed, notes }: MadeDockerHost,
  style: Style,
  width: number,
): string {
  const lines = [
    ...wrapAfter(
      '',
      `Docker ${state.release}, iptables-${state.backend}${state.isRunning ? '' : ', not running'}`,
      width,
    ),
    ...section('networks', networkRows(state), ['left', 'left', 'left', 'left'], style, width),
    ...section('containers', containerRows(state), ['left', 'left', 'left', 'left'], style, width),
    '',
    ...wrapAfter('', `${style.bold('rules')}: ${rulesText(host.saveRules())}`, width),
    ...list('failed, as on a real host', failed.flatMap(failureLines), style.red, width),
    ...list('assumed', assumed, style.bold, width),
    ...list('notes', notes, style.bold, width),
  ];
  return `${lines.join('\n')}\n`;
}

function section(
  title: string,
  rows: readonly (readonly string[])[],
  aligns: readonly 'left'[],
  style: Style,
  width: number,
): string[] {
  if (rows.length === 0) return [];
  return ['', style.bold(title), ...columns(rows, aligns, width)];
}

function list(title: string, items: readonly string[], emphasis: (text: string) => string, width: number): string[] {
  if (items.length === 0) return [];
  return ['', emphasis(title), ...items.flatMap((item) => wrapAfter('  - ', shown(item), width))];
}

function failureLines({ place, text, result }: CommandReport): string[] {
  const why = (result.stderr || result.stdout)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(shown);
  return [`${place}: ${shown(text)}: ${why.join('; ')}`];
}

const PREDEFINED: readonly string[] = ['host', 'none'];

function networkRows({ networks }: DockerState): string[][] {
  return networks
    .filter(({ spec }) => !PREDEFINED.includes(spec.name))
    .map(({ spec, bridge = '', subnet = '', gateway }: NetworkState) => [
      spec.name,
      bridge,
      subnet,
      [...(gateway === undefined ? [] : [`gateway ${gateway}`]), ...(spec.isInternal ? ['internal'] : [])].join(', '),
    ]);
}

function containerRows({ containers }: DockerState): string[][] {
  return containers.flatMap((container) => {
    const { name, isRunning } = container;
    if (!isRunning) return [[name, 'stopped']];
    const rows = container.endpoints.filter(({ address }) => address !== undefined).map(endpointRow);
    if (rows.length === 0) return [[name, modeText(container)]];
    return rows.map((row, i) => [i === 0 ? name : '', ...row]);
  });
}

function modeText({ spec: { networkMode } }: ContainerState): string {
  if (networkMode === 'host') return 'the network of the host';
  if (networkMode.startsWith('container:')) return `the network of ${networkMode.slice('container:'.length)}`;
  return 'no network';
}

function endpointRow({ address = '', spec, bindings }: EndpointState): string[] {
  return [address, spec.network, publishedTexts(bindings).join(', ')];
}

/** `0.0.0.0:9000-9002 → 9000-9002/tcp`: BINDINGS, those in a row together. */
function publishedTexts(bindings: readonly PortBinding[]): string[] {
  const sorted = [...bindings].sort(
    (a, b) => a.protocol.localeCompare(b.protocol) || compareAddresses(a, b) || a.hostPort - b.hostPort,
  );
  const runs: PortBinding[][] = [];
  for (const binding of sorted) {
    const last = runs.at(-1)?.at(-1);
    if (last !== undefined && follows(last, binding)) runs.at(-1)?.push(binding);
    else runs.push([binding]);
  }
  // A port is not split over two lines.
  return runs.map((run) => {
    const [{ hostAddress, hostPort, containerPort, protocol }] = run;
    const range = (first: number): string => (run.length === 1 ? `${first}` : `${first}-${first + run.length - 1}`);
    const from = hostPort === 0 ? 'not translated' : `${hostAddress}:${range(hostPort)}`;
    return `${from} → ${range(containerPort)}/${protocol}`.replaceAll(' ', NO_BREAK);
  });
}

function compareAddresses(a: PortBinding, b: PortBinding): number {
  const [first, second] = [a, b].map(({ hostAddress }) => String(parseAddress(hostAddress) ?? hostAddress));
  return first < second ? -1 : Number(first > second);
}

function follows(last: PortBinding, next: PortBinding): boolean {
  const isSame = last.protocol === next.protocol && last.hostAddress === next.hostAddress && next.hostPort > 0;
  return isSame && next.hostPort === last.hostPort + 1 && next.containerPort === last.containerPort + 1;
}

/** `filter 23, nat 9`, and the policies that drop. */
function rulesText(rules: string): string {
  const tables = rules.split(/^(?=\*)/m).filter((table) => table.startsWith('*'));
  const counts = tables.flatMap((table) => {
    const rulesOfTable = table.match(/^-A /gm)?.length ?? 0;
    return rulesOfTable === 0 ? [] : [`${rulesOfTable} in ${table.slice(1).split('\n', 1)[0]}`];
  });
  const dropping = [...rules.matchAll(/^:(\S+) DROP\b/gm)].map(([, chain]) => `the policy of ${chain} is DROP`);
  const total = rules.match(/^-A /gm)?.length ?? 0;
  if (total === 0) return ['none', ...dropping].join('; ');
  return [`${count(total, 'rule')} (${counts.join(', ')})`, ...dropping].join('; ');
}
